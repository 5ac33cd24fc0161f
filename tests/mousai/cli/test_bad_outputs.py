"""Outputs that cannot be written, refused before weights are loaded."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mousai.audio.files import audio_info, read_audio

from .helpers import PROMPT, everything_below, generate, tone


def existing(path: Path) -> None:
    path.write_text("precious")


@pytest.mark.parametrize("command", ["generate", "reconstruct", "encode", "decode"])
@pytest.mark.parametrize(
    ("name", "make", "shown"),
    [
        ("out{}", existing, "--overwrite"),
        ("out{}", Path.mkdir, "folder"),
        ("nowhere/out{}", None, "nowhere"),
        ("/proc/out{}", None, "/proc"),
        ("out.xyz", None, "must end in"),
        ("out", None, "must end in"),
        ("", None, "folder"),
    ],
)
def test_an_output_that_cannot_be_written(
    mousai, work: Path, saved_model: Path, no_weights, command: str, name: str, make: Callable | None, shown: str
):
    name = name.format(".safetensors" if command == "encode" else ".wav")
    tone(work / "in.wav")
    if make is not None:
        make(work / name)
    before = everything_below(work)
    source = {"generate": PROMPT, "decode": "in.safetensors"}.get(command, "in.wav")
    assert shown in mousai(command, source, "-o", name, "--model", saved_model).error()
    assert everything_below(work) == before


def test_every_numbered_output_is_checked_beforehand(mousai, work: Path, saved_model: Path, no_weights):
    (work / "a-3.wav").write_text("precious")
    words = generate(saved_model, "-o", "a.wav", "--count", "3")
    assert "a-3.wav: exists already" in mousai(*words).error()
    assert [path.name for path in work.iterdir()] == ["a-3.wav"]
    for name in ("", ".", "..", "/"):
        assert "folder" in mousai(*generate(saved_model, "-o", name, "--count", "3")).error()


def test_overwriting_is_allowed_when_asked_for(mousai, work: Path, saved_model: Path):
    (work / "a.wav").write_text("old")
    assert mousai(*generate(saved_model, "-o", "a.wav", "--overwrite")).code == 0
    assert audio_info("a.wav").frames == 4800
    before = read_audio("a.wav")
    assert mousai("reconstruct", "a.wav", "-o", "a.wav", "--model", saved_model, "--overwrite").code == 0
    assert not np.array_equal(read_audio("a.wav"), before)
