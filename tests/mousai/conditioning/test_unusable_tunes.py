"""Recordings and MIDI files that hold no tune, or too much."""

from pathlib import Path

import numpy as np
import pytest

from mousai import write_audio
from mousai.conditioning.notation.melodies import read_melody
from tests.mousai.refusing import refused


def test_a_midi_file_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.mid"
    path.write_bytes(b"MThd" + bytes(10))
    monkeypatch.setattr("mousai.conditioning.notation.midi_tunes._LONGEST", 13)
    assert refused(read_melody, path) == f"{path}: is too long for the MIDI file of a tune"


def test_silent_and_long_recordings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_audio(tmp_path / "a.wav", np.zeros((2, 48000), np.float32), 48000)
    assert "a.wav: is silent; there is no tune to follow" in refused(read_melody, tmp_path / "a.wav")
    monkeypatch.setattr("mousai.conditioning.notation.humming.LONGEST", 0.5)
    assert "a.wav: lasts 1 s; a tune may last 0.5 s" in refused(read_melody, tmp_path / "a.wav")
    click = np.zeros((1, 48000), np.float32)
    click[:, 24000] = 1.0
    monkeypatch.setattr("mousai.conditioning.notation.humming.LONGEST", 2.0)
    write_audio(tmp_path / "c.wav", click, 48000)
    said = f"{tmp_path / 'c.wav'}: has no tune that can be followed; hum or play one note at a time"
    assert refused(read_melody, tmp_path / "c.wav") == said
    (tmp_path / "b.wav").write_bytes(b"no sound")
    assert "b.wav" in refused(read_melody, tmp_path / "b.wav")
