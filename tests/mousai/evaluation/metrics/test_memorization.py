"""Memorization: a copy of a training song is found, and songs are read once."""

import json
from pathlib import Path

import numpy as np

from mousai.audio.files import write_audio
from mousai.evaluation.features.genre import genre_features
from mousai.evaluation.judges.linear import LinearJudge
from mousai.evaluation.metrics.memorization import memorization, training_song_features

from ..sounds import RATE, beat


def test_a_copy_is_nearer_than_another_song(tmp_path: Path) -> None:
    rows = []
    for number in range(2):
        row = {"file_name": f"{number}.flac", "genre": "pop", "key": "A minor", "lead": "flute", "bpm": 100}
        write_audio(tmp_path / str(row["file_name"]), np.stack([beat(number, high=bool(number))] * 2), RATE)
        rows.append(row)
    (tmp_path / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    cache = tmp_path / "cache.npz"
    songs = training_song_features(tmp_path, cache=cache)
    (tmp_path / "0.flac").unlink()  # cached: not read again
    np.testing.assert_allclose(training_song_features(tmp_path, cache=cache), songs, rtol=2e-3, atol=1e-3)

    clips = np.stack([genre_features(beat(seed, high=seed % 2 == 1), sample_rate=RATE) for seed in range(12)])
    judge = LinearJudge.fit(clips, ["tones", "noise"] * 6, shrinkage=0.2)
    found = memorization(clips, songs, judge)
    assert found["songs"] == 2
    assert found["copies"]["count"] >= 2  # the first two clips are the songs
    assert found["distance"]["min"] < 0.1 < found["distance"]["max"]
