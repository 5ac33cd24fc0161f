"""Fixtures of the command line's tests."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mousai.cli import main
from mousai.pipeline import Mousai

from .helpers import Result, tone


@pytest.fixture
def mousai(capfd: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    def run(*words: object) -> Result:
        capfd.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as leaving:
            code = leaving.code
        out, err = capfd.readouterr()
        return Result(code, out, err)

    return run


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading weights is a failure."""

    def load(*args: object, **settings: object) -> None:
        raise AssertionError("weights were loaded")

    monkeypatch.setattr(Mousai, "from_pretrained", load)


@pytest.fixture
def latent_file(mousai, work: Path, saved_model: Path) -> Path:
    tone(work / "in.wav", 0.2)
    assert mousai("encode", "in.wav", "-o", "a.safetensors", "--model", saved_model).code == 0
    return work / "a.safetensors"
