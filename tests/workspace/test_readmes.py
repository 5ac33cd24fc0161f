"""The examples of the READMEs run as they stand, one after the other in an empty folder."""

import re

import pytest


# Those of unet1d, vdiffusion and dmae are run by the tests of these packages.
@pytest.mark.parametrize("folder", [".", "packages/mousai"])
def test_the_examples_run(
    folder: str, root, tmp_path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    readme = root / folder / "README.md"
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
