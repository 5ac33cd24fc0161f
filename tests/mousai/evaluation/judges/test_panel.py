"""The judges of this package: their files, their stored accuracy, and new songs."""

from pathlib import Path

import numpy as np
import pytest

from mousai.conditioning.leads import family_of
from mousai.errors import UserError
from mousai.evaluation.features.extraction import extract_features
from mousai.evaluation.judges.dataset import SongFeatures
from mousai.evaluation.judges.key import same_key
from mousai.evaluation.judges.panel import WEIGHTS, JudgePanel


def test_the_judges_are_small_and_hold_no_pickle() -> None:
    files = sorted(WEIGHTS.glob("*.npz"))
    assert [path.stem for path in files] == ["genre", "key", "lead"]
    assert sum(path.stat().st_size for path in files) < 600_000
    for path in files:
        with np.load(path, allow_pickle=False) as file:
            assert all(file[name].dtype.kind in "fU" for name in file.files)


def test_their_accuracy_is_stored_with_them() -> None:
    known = JudgePanel.load().accuracy
    assert known["held_out_songs"] >= 100
    usual = known["accuracy"]["song from 0 s"]
    assert usual["genre"] >= 0.97 and usual["key"] >= 0.85 and usual["lead"] >= 0.97
    assert known["accuracy"]["others-with-any-lead, song from 0 s"]["lead"] >= 0.8


@pytest.mark.fluidsynth
def test_they_name_what_new_songs_play() -> None:
    from mousai.compose import compose_song, render_song

    panel = JudgePanel.load()
    songs = [
        compose_song(seed, genre=genre, duration=20.0) for seed, genre in enumerate(("jazz", "pop", "metal", "folk"))
    ]
    features = [extract_features(render_song(song).mix, sample_rate=48000) for song in songs]
    genres, keys, leads = (
        judge(np.stack([each[name] for each in features]))
        for judge, name in ((panel.genre, "genre"), (panel.key, "key"), (panel.lead, "lead"))
    )
    assert genres == [song.genre for song in songs]
    assert sum(same_key(song.key, key) for song, key in zip(songs, keys, strict=True)) >= 3
    assert sum(family_of(song.lead) == lead for song, lead in zip(songs, leads, strict=True)) >= 3


def test_accuracy_counts_what_is_right() -> None:
    rng = np.random.default_rng(0)
    genres, keys, leads = ["pop", "jazz"] * 10, ["C major", "A minor"] * 10, ["flute", "piano"] * 10
    genre, lead, key = rng.standard_normal((20, 4)), rng.standard_normal((20, 4, 24)), rng.random((20, 2, 12))
    genre[::2, 0] += 20
    lead[::2, 1] += 20
    key[::2, 0, 0] += 5
    key[1::2, 1, 9] += 5
    labels = np.array([(f"s/{n}", "song", genres[n], keys[n], leads[n], "100") for n in range(20)])
    songs = SongFeatures(genre.astype(np.float32), key.astype(np.float32), lead.astype(np.float32), labels)
    panel = JudgePanel.fit(songs)
    assert panel.accuracy_on(songs) == {"song": {"genre": 1.0, "key": 1.0, "lead": 1.0}}
    labels[0, 2], labels[1, 3] = "jazz", "C minor"
    assert panel.accuracy_on(songs) == {"song": {"genre": 0.95, "key": 0.95, "lead": 1.0}}


def test_a_panel_survives_its_folder_and_a_missing_file_is_named(tmp_path: Path) -> None:
    panel = JudgePanel.load()
    panel.save(tmp_path)
    again = JudgePanel.load(tmp_path)
    assert again.accuracy == panel.accuracy and again.genre.names == panel.genre.names
    np.testing.assert_array_equal(again.key.weights, panel.key.weights)
    np.testing.assert_array_equal(again.lead.layers, panel.lead.layers)
    (tmp_path / "accuracy.json").unlink()
    with pytest.raises(UserError, match=r"accuracy\.json: is missing; train the judges with"):
        JudgePanel.load(tmp_path)
