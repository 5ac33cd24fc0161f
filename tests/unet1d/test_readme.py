"""The examples of the README run as they stand."""

import re
from pathlib import Path

import pytest

import unet1d

README = Path(__file__).parents[2] / "packages" / "unet1d" / "README.md"


def test_the_examples_run(capsys: pytest.CaptureFixture[str]) -> None:
    examples = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert examples
    names: dict[str, object] = {}
    for example in examples:
        exec(compile(example, str(README), "exec"), names)
        printed = capsys.readouterr().out.splitlines()
        assert printed == re.findall(r"print\(.*\)  # (.*)", example)


def test_every_public_name_is_there_and_explained() -> None:
    for name in unet1d.__all__:
        value = getattr(unet1d, name)
        assert name == "__version__" or value.__doc__, name
    assert unet1d.__version__ == "0.1.0"
