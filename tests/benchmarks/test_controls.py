"""`benchmarks/controls.py`: songs that it cannot measure with are named in one line."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import controls


def test_songs_without_a_caption_are_named(monkeypatch: pytest.MonkeyPatch):
    songs = [SimpleNamespace(name="a.wav", fields={"caption": "calm"}), SimpleNamespace(name="b.wav", fields={})]
    monkeypatch.setattr(controls, "cached_songs", lambda folder: SimpleNamespace(songs=songs))
    with pytest.raises(SystemExit, match=r"^latents: b\.wav: has no caption"):
        controls.songs_of(Path("latents"))
