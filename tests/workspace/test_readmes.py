"""The examples of the READMEs and of the pages run as they stand, one after the other in an empty folder."""

import re

import pytest


# Those of unet1d, vdiffusion and dmae are run by the tests of these packages.
@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "docs/choosing-a-sampler.md",
        "docs/coming-from-audio-diffusion-pytorch.md",
        "packages/mousai/README.md",
        "packages/mousai/src/mousai/models/README.md",
    ],
)
def test_the_examples_run(
    page: str, root, tmp_path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    readme = root / page
    examples = re.findall(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert examples
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for example in examples:
        # As far as the comment of a print tells the output, it is the output.
        foretold = re.findall(r"^print\(.*\)  # (\(.*)$", example, flags=re.MULTILINE)
        exec(compile(example, str(readme), "exec"), names)
        printed = capsys.readouterr().out.splitlines()
        assert not foretold or printed == foretold
