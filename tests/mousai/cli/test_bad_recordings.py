"""Recordings that cannot be read, for every command that reads one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from .helpers import PROMPT, everything_below, tone


def cut_short(path: Path) -> None:
    tone(path, 1.0)
    path.write_bytes(path.read_bytes()[:-20000])


def corrupt(path: Path) -> None:
    tone(path, 1.0)
    content = bytearray(path.read_bytes())
    content[len(content) // 3 : 2 * len(content) // 3] = bytes(len(content) // 3)
    path.write_bytes(content)


def with_a_sample(value: float) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        sound = np.zeros((1000, 2), np.float32)
        sound[500, 1] = value
        soundfile.write(path, sound, 48000, subtype="FLOAT")

    return write


BAD_RECORDINGS: dict[str, Callable[[Path], object]] = {
    "missing.wav": lambda path: None,
    "empty.wav": lambda path: path.touch(),
    "folder.wav": lambda path: path.mkdir(),
    "text.wav": lambda path: path.write_text("la la la\n" * 100),
    "text.mp3": lambda path: path.write_text("la la la\n" * 100),
    "silent.wav": lambda path: soundfile.write(path, np.zeros((0, 2)), 48000),
    "short.wav": cut_short,
    "short.ogg": cut_short,
    "short.flac": cut_short,
    "corrupt.flac": corrupt,
    "nan.wav": with_a_sample(float("nan")),
    "infinite.wav": with_a_sample(float("inf")),
    "unscaled.wav": with_a_sample(20000.0),
    "surround.wav": lambda path: soundfile.write(path, np.zeros((100, 6)), 48000),
}


@pytest.mark.parametrize("command", ["reconstruct", "encode", "vary", "loop"])
@pytest.mark.parametrize("name", BAD_RECORDINGS)
def test_a_bad_recording(mousai, work: Path, saved_model: Path, no_weights, name: str, command: str):
    BAD_RECORDINGS[name](work / name)
    before = everything_below(work)
    words = {
        "reconstruct": ["reconstruct", name, "-o", "out.wav"],
        "encode": ["encode", name, "-o", "out.safetensors"],
        "vary": ["vary", name, PROMPT, "-o", "out.wav"],
        "loop": ["loop", "--of", name, "--region", "0:1", PROMPT, "-o", "out.wav"],
    }[command]
    assert name in mousai(*words, "--model", saved_model).error()
    assert everything_below(work) == before


def test_an_enormous_recording(mousai, work: Path, saved_model: Path, no_weights, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mousai.arguments.MAX_DURATION", 20.0)
    monkeypatch.setattr("mousai.editing.as_recording", None)  # its header is enough
    tone(work / "long.wav", 20.5, rate=8000)
    for words in (
        ["reconstruct", "long.wav", "-o", "b.wav"],
        ["encode", "long.wav", "-o", "b.safetensors"],
        ["vary", "long.wav", PROMPT, "-o", "b.wav"],
    ):
        assert "long.wav: is longer than 20 s" in mousai(*words, "--model", saved_model).error()
