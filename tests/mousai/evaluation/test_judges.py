"""The judges that come along: learned, kept, and asked about songs that they never heard."""

import json
from pathlib import Path

import numpy as np
import pytest

from mousai.audio.files import write_audio
from mousai.conditioning.leads import family_of
from mousai.errors import UserError
from mousai.evaluation import judges, stored
from mousai.evaluation.judges import FOLDER, Judges, examination
from mousai.evaluation.key import same_key
from mousai.evaluation.listening import Heard, listen, listen_to_songs, read_songs

from .sounds import RATE, beat


def test_the_judges_are_small_and_hold_no_pickle() -> None:
    files = sorted(FOLDER.glob("*.npz"))
    assert [path.stem for path in files] == ["key", "lead", "style"]
    assert sum(path.stat().st_size for path in files) < 600_000
    for path in files:
        with np.load(path, allow_pickle=False) as file:
            assert all(file[name].dtype.kind in "fU" for name in file.files)


def test_their_own_scores_are_kept_with_them() -> None:
    examined = Judges.load().examined
    assert examined["songs"] >= 100
    assert examined["song from 0 s"]["style"] >= 0.97
    assert examined["song from 0 s"]["key"] >= 0.85
    assert examined["song from 0 s"]["lead"] >= 0.97
    assert examined["others-with-any-lead, song from 0 s"]["lead"] >= 0.8


@pytest.mark.fluidsynth
def test_they_hear_what_new_songs_play() -> None:
    from mousai.compose import compose_song, render_song

    judges = Judges.load()
    songs = [
        compose_song(seed, genre=genre, duration=20.0) for seed, genre in enumerate(("jazz", "pop", "metal", "folk"))
    ]
    heard = [listen(render_song(song).mix, sample_rate=48000) for song in songs]
    genres, keys, leads = (
        judge(np.stack([each[name] for each in heard]))
        for judge, name in ((judges.style, "style"), (judges.key, "key"), (judges.lead, "lead"))
    )
    assert genres == [song.genre for song in songs]
    assert sum(same_key(song.key, key) for song, key in zip(songs, keys, strict=True)) >= 3
    assert sum(family_of(song.lead) == lead for song, lead in zip(songs, leads, strict=True)) >= 3


def folder_of_songs(folder: Path, count: int) -> Path:
    (folder / "audio").mkdir()
    rows = []
    for index in range(count):
        row = {"file_name": f"audio/{index:06d}.flac", "genre": "pop", "key": "A minor", "lead": "flute", "bpm": 100}
        write_audio(folder / str(row["file_name"]), np.stack([beat(index, high=True, seconds=14.0)] * 2), RATE)
        rows.append(row)
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def test_songs_are_heard_once(tmp_path: Path) -> None:
    folder = folder_of_songs(tmp_path, 2)
    rows, cache = read_songs(folder), tmp_path / "heard.npz"
    first = listen_to_songs(folder, rows[:1], cache=cache)
    assert first.fact("variant") == ["song from 0 s", "song from 10 s", "degraded from 5 s"]
    more = listen_to_songs(folder, rows, cache=cache)
    assert len(more) == 6 and len(set(more.fact("song"))) == 2
    np.testing.assert_allclose(more.style[:3], first.style, rtol=2e-3, atol=1e-3)
    (folder / "audio" / "000000.flac").unlink()  # known: not read again
    assert len(listen_to_songs(folder, rows, cache=cache)) == 6
    assert len(Heard.load(cache)) == 6


def test_an_examination_counts_what_is_right() -> None:
    rng = np.random.default_rng(0)
    genres, keys, leads = ["pop", "jazz"] * 10, ["C major", "A minor"] * 10, ["flute", "piano"] * 10
    style, lead, key = rng.standard_normal((20, 4)), rng.standard_normal((20, 4, 24)), rng.random((20, 2, 12))
    style[::2, 0] += 20
    lead[::2, 1] += 20
    key[::2, 0, 0] += 5
    key[1::2, 1, 9] += 5
    facts = np.array([(f"s/{n}", "song", genres[n], keys[n], leads[n], "100") for n in range(20)])
    heard = Heard(style.astype(np.float32), key.astype(np.float32), lead.astype(np.float32), facts)
    judges = Judges.learned(heard)
    assert examination(judges, heard) == {"songs": 20, "song": {"style": 1.0, "key": 1.0, "lead": 1.0}}
    facts[0, 2], facts[1, 3] = "jazz", "C minor"
    found = examination(judges, heard)["song"]
    assert (found["style"], found["key"], found["lead"]) == (0.95, 0.95, 1.0)


def test_songs_that_lack_what_the_judges_learn_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is missing; make songs with"):
        read_songs(tmp_path)
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "a.flac", "genre": "pop"}\n', encoding="utf-8")
    with pytest.raises(UserError, match="a row has no 'bpm'"):
        read_songs(tmp_path)


def heard_already(folder: Path, cache: Path, *, count: int, seed: int, wrong: int = 0) -> None:
    """A folder of songs with what was heard of them, so that nothing has to be played; `wrong` leads sound alike."""
    folder.mkdir(parents=True)
    rng, rows, facts = np.random.default_rng(seed), [], []
    lead = rng.standard_normal((count, 4, 24))
    for number in range(count):
        genre, key, name = (("pop", "C major", "flute"), ("jazz", "A minor", "piano"))[number % 2]
        rows.append({"file_name": f"{number}.flac", "genre": genre, "key": key, "lead": name, "bpm": 100})
        for variant in ("song from 0 s", "song from 10 s", "degraded from 5 s", "degraded from 0 s"):
            facts.append((f"{folder.name}/{number}", variant, genre, key, name, "100"))
        lead[number, 1] += 8 if number % 2 or number < wrong else -8
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    style, chroma = rng.standard_normal((count, 4)), rng.random((count, 2, 12))
    style[::2, 0] += 20
    chroma[::2, 0, 0] += 5
    chroma[1::2, 1, 9] += 5
    parts = (np.repeat(part, 4, axis=0).astype(np.float32) for part in (style, chroma, lead))
    Heard(*parts, np.array(facts)).save(cache.with_stem(f"{cache.stem}-{folder.name}"))


def test_every_examination_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "heard.npz"
    heard_already(tmp_path / "songs", cache, count=40, seed=0)
    heard_already(tmp_path / "usual", cache, count=20, seed=1)
    heard_already(tmp_path / "unusual", cache, count=20, seed=2, wrong=8)  # of these four are flutes
    tests = [str(tmp_path / name) for name in ("usual", "unusual")]
    words = [str(tmp_path / "songs"), "--test", *tests, "--heard", str(cache), "--out", str(tmp_path / "made")]
    monkeypatch.setattr("sys.argv", ["judges", *words])
    assert judges.main() == 0
    known = Judges.load(tmp_path / "made").examined
    assert (known["learned from"], known["songs"]) == (40, 40)
    assert known["song from 0 s"]["lead"] == 1.0
    assert known["unusual, song from 0 s"] == {"style": 1.0, "key": 1.0, "lead": 0.8}


def test_folders_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:  # type: ignore[no-untyped-def]
    words = [str(tmp_path / "a" / "others"), "--test", str(tmp_path / "b" / "others"), "--out", str(tmp_path / "made")]
    monkeypatch.setattr("sys.argv", ["judges", *words])
    assert judges.main() == 2
    assert capsys.readouterr().err == (
        "judges: others: 2 of the folders are called so, and songs are known by it; rename one\n"
    )
    assert not (tmp_path / "made").exists()


def test_the_judge_of_the_lead_may_learn_from_other_songs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "heard.npz"
    heard_already(tmp_path / "songs", cache, count=40, seed=0)
    heard_already(tmp_path / "others", cache, count=20, seed=1)
    # Of the songs for the lead those that sound like a flute are said to be pianos, and the other way round.
    (tmp_path / "leads").mkdir()
    rng, rows, names, pictures = np.random.default_rng(2), [], [], []
    for number in range(30):
        lead = ("piano", "flute")[number % 2]
        row = {"file_name": f"{number}.flac", "genre": "pop", "key": "C major", "lead": lead, "bpm": 100}
        rows.append(json.dumps(row) + "\n")
        for variant in ("song from 0 s", "song from 10 s", "degraded from 5 s"):
            names.append(f"{number}.flac {variant}")
            pictures.append(rng.standard_normal((4, 24)))
            pictures[-1][1] += 8 if lead == "flute" else -8
    (tmp_path / "leads" / "metadata.jsonl").write_text("".join(rows), encoding="utf-8")
    own = tmp_path / "heard-leads-of-leads.npz"
    stored.write_arrays(own, {}, {"names": np.array(names), "pictures": np.array(pictures, np.float16)})
    words = [str(tmp_path / "songs"), "--test", str(tmp_path / "others"), "--heard", str(cache)]
    monkeypatch.setattr("sys.argv", ["judges", *words, "--out", str(tmp_path / "one")])
    assert judges.main() == 0
    lead_songs = ["--lead-songs", str(tmp_path / "leads")]
    monkeypatch.setattr("sys.argv", ["judges", *words, *lead_songs, "--out", str(tmp_path / "two")])
    assert judges.main() == 0
    one, two = (Judges.load(tmp_path / name) for name in ("one", "two"))
    assert (one.examined["lead learned from"], two.examined["lead learned from"]) == (40, 30)
    assert one.examined["song from 0 s"] == {"style": 1.0, "key": 1.0, "lead": 1.0}
    assert two.examined["song from 0 s"] == {"style": 1.0, "key": 1.0, "lead": 0.0}


def test_the_judge_of_the_lead_is_not_examined_on_what_it_knows(  # type: ignore[no-untyped-def]
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    words = ["judges", str(tmp_path / "songs"), "--lead-songs", str(tmp_path / "more"), "--out", str(tmp_path / "made")]
    monkeypatch.setattr("sys.argv", words)
    assert judges.main() == 2
    monkeypatch.setattr("sys.argv", [*words, "--test", str(tmp_path / "songs" / ".." / "more")])
    assert judges.main() == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first == "judges: --lead-songs: needs --test, other songs to examine the judges on"
    assert second.endswith("more: is in --lead-songs and in --test; examine the judges on other songs")
