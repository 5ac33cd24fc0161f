import copy
import pickle
import tomllib
from pathlib import Path

import pytest

from mousai.errors import UserError, install_hint


class FileError(UserError):
    """As `AudioError` is one."""


def test_a_line_ends_whatever_a_file_or_a_caller_gave():
    hint = f"{'[' * 100_000} must be a start, an end and a label"
    for line in (str(UserError("a.json", hint=hint)), UserError("a.json", hint=hint).in_options({})):
        assert line.startswith("a.json: [[[[") and line.endswith("[ must be a start, an end and a label")
        assert "… (100044 letters) …" in line and len(line) < 3100
    assert str(UserError("seed", "x" * 5000, "is odd")) == f"seed='{'x' * 1999}… (5002 letters): is odd"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (UserError("duration", 0.0, "must be above 0"), "duration=0: must be above 0"),
        (UserError("duration", 1 / 3, "is odd"), "duration=0.333333: is odd"),
        (UserError("seed", -1, "must be 0 or more"), "seed=-1: must be 0 or more"),
        (UserError("sampler", "plms", "must be ddim or heun"), "sampler='plms': must be ddim or heun"),
        (UserError("lora", Path("a b.safetensors"), "no such file"), "lora=a b.safetensors: no such file"),
        (UserError("ema.betas", [0.9, 2], "must lie in [0, 1)"), "ema.betas=[0.9, 2]: must lie in [0, 1)"),
        (UserError("prompt", hint="give a sentence"), "prompt: give a sentence"),
        (UserError(Path("a.wav"), hint="is empty"), "a.wav: is empty"),
        (UserError("there is no compiler; install one"), "there is no compiler; install one"),
        (UserError("two\n  lines", hint="are\none"), "two lines: are one"),
    ],
)
def test_prints_as_one_line(error: UserError, line: str):
    assert str(error) == line


def test_its_parts_can_be_asked_for():
    error = UserError("seed", -1, "must be 0 or more")
    assert (error.field, error.value, error.hint) == ("seed", -1, "must be 0 or more")
    alone = UserError("there is no compiler")
    assert (alone.field, alone.value, alone.hint) == (None, None, "there is no compiler")
    assert isinstance(error, ValueError)


def test_a_value_needs_a_hint():
    with pytest.raises(TypeError, match="needs a hint"):
        UserError("seed", -1)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (UserError("num_inference_steps", 0, "must be 1 to 1000"), "--steps 0: must be 1 to 1000"),
        (UserError("sampler", "a b", "must be ddim"), "--sampler 'a b': must be ddim"),
        (UserError("sampler", "plms", "must be ddim"), "--sampler plms: must be ddim"),
        (UserError("sampler", hint="needs a model"), "--sampler: needs a model"),
        (UserError("latent_std", 0.0, "must be above 0"), "latent_std=0: must be above 0"),
        (UserError("there is no compiler"), "there is no compiler"),
    ],
)
def test_the_command_line_has_its_own_names(error: UserError, line: str):
    assert error.in_options({"num_inference_steps": "--steps", "sampler": "--sampler"}) == line


@pytest.mark.parametrize(
    "error", [FileError(Path("a.wav"), hint="is empty"), FileError("seed", -1, "is below 0"), FileError("no field")]
)
def test_goes_from_one_process_to_another(error: UserError):
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is FileError and str(again) == str(error)
        assert (again.field, again.value, again.hint) == (error.field, error.value, error.hint)
    # PyTorch's workers make the error of a process again from its text alone.
    assert str(FileError(str(error))) == str(error)


def test_how_to_install_an_extra_names_extras_and_folders_that_there_are():
    root = Path(__file__).parents[2]
    extras = tomllib.loads((root / "packages/mousai/pyproject.toml").read_text())["project"]["optional-dependencies"]
    for extra in extras:
        hint = install_hint(extra)
        assert f"packages/mousai[{extra}]" in hint
        folders = [word.strip("'").partition("[")[0] for word in hint.split() if "packages/" in word]
        assert len(folders) == 4 and all((root / folder / "pyproject.toml").is_file() for folder in folders)
