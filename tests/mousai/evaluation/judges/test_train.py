"""The program that trains and tests the judges, on features that are cached already."""

import json
from pathlib import Path

import numpy as np
import pytest

from mousai.evaluation import npz
from mousai.evaluation.judges import train
from mousai.evaluation.judges.dataset import SongFeatures
from mousai.evaluation.judges.panel import JudgePanel


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr("sys.argv", ["train", *map(str, words)])
    return train.main()


def cached_songs(folder: Path, cache: Path, *, count: int, seed: int, wrong: int = 0) -> None:
    """A folder of songs whose features are cached, so that none is rendered; `wrong` leads have those of the other."""
    folder.mkdir(parents=True)
    rng, rows, labels = np.random.default_rng(seed), [], []
    lead = rng.standard_normal((count, 4, 24))
    for number in range(count):
        genre, key, name = (("pop", "C major", "flute"), ("jazz", "A minor", "piano"))[number % 2]
        rows.append({"file_name": f"{number}.flac", "genre": genre, "key": key, "lead": name, "bpm": 100})
        for variant in ("song from 0 s", "song from 10 s", "degraded from 5 s", "degraded from 0 s"):
            labels.append((f"{folder.name}/{number}", variant, genre, key, name, "100"))
        lead[number, 1] += 8 if number % 2 or number < wrong else -8
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    genre_vectors, chroma = rng.standard_normal((count, 4)), rng.random((count, 2, 12))
    genre_vectors[::2, 0] += 20
    chroma[::2, 0, 0] += 5
    chroma[1::2, 1, 9] += 5
    parts = (np.repeat(part, 4, axis=0).astype(np.float32) for part in (genre_vectors, chroma, lead))
    SongFeatures(*parts, np.array(labels)).save(cache.with_stem(f"{cache.stem}-{folder.name}"))


def test_every_test_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "features.npz"
    cached_songs(tmp_path / "songs", cache, count=40, seed=0)
    cached_songs(tmp_path / "usual", cache, count=20, seed=1)
    cached_songs(tmp_path / "unusual", cache, count=20, seed=2, wrong=8)  # four of these are flutes
    tests = [tmp_path / name for name in ("usual", "unusual")]
    made = tmp_path / "made"
    assert run(monkeypatch, tmp_path / "songs", "--test", *tests, "--cache", cache, "--out", made) == 0
    known = JudgePanel.load(made).accuracy
    assert (known["train_songs"], known["lead_train_songs"], known["held_out_songs"]) == (40, 40, 40)
    assert known["accuracy"]["song from 0 s"]["lead"] == 1.0
    assert known["accuracy"]["unusual, song from 0 s"] == {"genre": 1.0, "key": 1.0, "lead": 0.8}


def test_without_test_songs_every_fifth_song_is_held_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "features.npz"
    cached_songs(tmp_path / "songs", cache, count=40, seed=0)
    assert run(monkeypatch, tmp_path / "songs", "--cache", cache, "--out", tmp_path / "made") == 0
    known = JudgePanel.load(tmp_path / "made").accuracy
    assert (known["train_songs"], known["held_out_songs"]) == (32, 8)


def test_the_lead_judge_may_learn_from_other_songs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "features.npz"
    cached_songs(tmp_path / "songs", cache, count=40, seed=0)
    cached_songs(tmp_path / "others", cache, count=20, seed=1)
    # Among the songs for the lead judge, those that sound like a flute are labelled piano, and the other way round.
    (tmp_path / "leads").mkdir()
    rng, rows, names, spectrograms = np.random.default_rng(2), [], [], []
    for number in range(30):
        lead = ("piano", "flute")[number % 2]
        row = {"file_name": f"{number}.flac", "genre": "pop", "key": "C major", "lead": lead, "bpm": 100}
        rows.append(json.dumps(row) + "\n")
        for variant in ("song from 0 s", "song from 10 s", "degraded from 5 s"):
            names.append(f"{number}.flac {variant}")
            spectrograms.append(rng.standard_normal((4, 24)))
            spectrograms[-1][1] += 8 if lead == "flute" else -8
    (tmp_path / "leads" / "metadata.jsonl").write_text("".join(rows), encoding="utf-8")
    arrays = {"names": np.array(names), "spectrograms": np.array(spectrograms, np.float16)}
    npz.save_npz(tmp_path / "features-leads-of-leads.npz", {}, arrays)
    words = (tmp_path / "songs", "--test", tmp_path / "others", "--cache", cache)
    assert run(monkeypatch, *words, "--out", tmp_path / "one") == 0
    assert run(monkeypatch, *words, "--lead-songs", tmp_path / "leads", "--out", tmp_path / "two") == 0
    one, two = (JudgePanel.load(tmp_path / name).accuracy for name in ("one", "two"))
    assert (one["lead_train_songs"], two["lead_train_songs"]) == (40, 30)
    assert one["accuracy"]["song from 0 s"] == {"genre": 1.0, "key": 1.0, "lead": 1.0}
    assert two["accuracy"]["song from 0 s"] == {"genre": 1.0, "key": 1.0, "lead": 0.0}


def test_folders_of_one_name_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "made"
    words = (tmp_path / "a" / "others", "--test", tmp_path / "b" / "others", "--out", made)
    assert run(monkeypatch, *words) == 2
    assert capsys.readouterr().err == (
        "judges: folders others: 2 of them have this name, by which songs are known; rename one\n"
    )
    assert not made.exists()


def test_the_lead_judge_is_not_tested_on_songs_that_it_learned_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (tmp_path / "songs", "--lead-songs", tmp_path / "more", "--out", tmp_path / "made")
    assert run(monkeypatch, *words) == 2
    assert run(monkeypatch, *words, "--test", tmp_path / "songs" / ".." / "more") == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first == "judges: --lead-songs: needs --test, folders of other songs to test the judges on"
    assert second.startswith("judges: --test ")
    assert second.endswith("more: is in --lead-songs too; test the judges on other songs")
