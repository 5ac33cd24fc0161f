"""The judge of style and the prompts: what they promise, on sounds made up here."""

import json
import re
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest

pytest.importorskip("librosa")
pytest.importorskip("sklearn")

ROOT = Path(__file__).resolve().parents[2]
# As when a script there is run: the scripts import one another.
sys.path.insert(0, str(ROOT / "benchmarks"))

import prompts  # noqa: E402
import style_judge  # noqa: E402

from mousai.audio import write_audio  # noqa: E402
from mousai.compose import GENRES, caption, compose_song  # noqa: E402
from mousai.compose.styles import styles_of  # noqa: E402

RATE = style_judge.MUSIC_RATE


def beat(seed: int, *, high: bool, seconds: float = 4.0) -> np.ndarray:
    """Noise bursts or plucked tones: two made-up genres."""
    rng = np.random.default_rng(seed)
    sound = 0.005 * rng.standard_normal(round(seconds * RATE))
    length = RATE // 5
    fall = np.exp(-np.linspace(0, 5, length))
    pitch = rng.uniform(200, 400)
    for start in range(0, sound.size - length, round(RATE * rng.uniform(0.3, 0.6))):
        tone = np.sin(2 * np.pi * pitch * np.arange(length) / RATE)
        sound[start : start + length] += 0.15 * fall * (rng.standard_normal(length) if high else tone)
    return sound.astype(np.float32)


def made_up(count: int) -> style_judge.Heard:
    features = [style_judge.hear(beat(seed, high=seed % 2 == 0), sample_rate=RATE) for seed in range(count)]
    return style_judge.Heard(
        np.stack(features),
        np.array([f"made/{seed:06d}" for seed in range(count)]),
        np.array(["noise" if seed % 2 == 0 else "tones" for seed in range(count)]),
        np.array(["song"] * count),
        np.zeros(count, dtype=np.float32),
    )


def test_features_are_finite_and_blind_to_level() -> None:
    sound = beat(0, high=True)
    heard = style_judge.hear(sound, sample_rate=RATE)
    np.testing.assert_allclose(style_judge.hear(0.1 * sound, sample_rate=RATE), heard, rtol=1e-3, atol=1e-3)
    for odd in (np.zeros(2 * RATE, dtype=np.float32), np.ones(2 * RATE, dtype=np.float32)):
        features = style_judge.hear(odd, sample_rate=RATE)
        assert features.shape == heard.shape
        assert np.isfinite(features).all()


def test_degraded_sound_keeps_length_and_level() -> None:
    sound = beat(1, high=False)
    worse = style_judge.degraded(sound, sample_rate=RATE, seed=3)
    assert worse.shape == sound.shape
    assert 0.5 < np.sqrt(np.mean(worse**2)) / np.sqrt(np.mean(sound**2)) < 2.0
    np.testing.assert_array_equal(worse, style_judge.degraded(sound, sample_rate=RATE, seed=3))
    assert not np.array_equal(worse, style_judge.degraded(sound, sample_rate=RATE, seed=4))


def test_judge_tells_what_it_was_not_taught(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    heard = made_up(20)
    heard.save(tmp_path / "heard.npz")
    again = style_judge.Heard.load(tmp_path / "heard.npz")
    np.testing.assert_array_equal(again.features, heard.features)
    outside = style_judge.held_out(again)
    assert outside.sum() == 4
    judge = style_judge.examined(again)
    assert "songs left out: 4 of 20" in capsys.readouterr().out
    judge.save(tmp_path / "judge.npz")
    judge = style_judge.Judge.load(tmp_path / "judge.npz")
    assert judge(again.features[outside]) == list(again.genres[outside])
    np.testing.assert_allclose(judge.probabilities(again.features).sum(axis=1), 1.0)
    distances = judge.distances(again.features)
    np.testing.assert_array_equal(np.diag(distances), 0.0)
    assert distances[0, 2] < distances[0, 1]


def test_an_old_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_up(2).save(tmp_path / "judge.npz")
    monkeypatch.setattr(style_judge, "VERSION", style_judge.VERSION + 1)
    with pytest.raises(ValueError, match="features of version"):
        style_judge.Heard.load(tmp_path / "judge.npz")


def test_songs_are_heard_once(tmp_path: Path) -> None:
    (tmp_path / "audio").mkdir()
    rows = [{"file_name": f"audio/{index:06d}.flac", "genre": "noise"} for index in range(2)]
    for index, row in enumerate(rows):
        write_audio(tmp_path / row["file_name"], np.stack([beat(index, high=True, seconds=14.0)] * 2), RATE)
    cache = tmp_path / "judge.npz"
    first = style_judge.listen(tmp_path, rows[:1], cache=cache)
    assert sorted(first.variants) == ["degraded", "song", "song"]
    more = style_judge.listen(tmp_path, rows, cache=cache)
    assert len(more) == 6
    np.testing.assert_array_equal(more.features[:3], first.features)
    (tmp_path / "again").mkdir()
    (tmp_path / "audio" / "000001.flac").rename(tmp_path / "again" / "000001.flac")  # known: not read again
    most = style_judge.listen(tmp_path, rows, cache=cache, augment_with=tmp_path / "again")
    assert list(most.variants[6:]) == ["reconstruction again"]
    assert list(most.songs[6:]) == list(more.songs[3:4])


def test_prompts_cover_the_genres_evenly_and_truthfully() -> None:
    asked = prompts.PROMPTS
    assert len({prompt.text for prompt in asked}) == len(asked) == 24
    counts = [sum(prompt.genre == genre for prompt in asked) for genre in GENRES]
    assert sum(counts) == 24
    assert max(counts) - min(counts) <= 1
    assert {prompt.genre for prompt in asked[: len(GENRES)]} == set(GENRES)
    for prompt in asked:
        (style,) = styles_of(prompt.style) if prompt.style != prompt.genre else styles_of(prompt.genre)[:1]
        assert style.genre == prompt.genre
        assert style.tempo[0] <= prompt.bpm <= style.tempo[1]
        assert re.findall(r"(\d+) bpm", prompt.text) == [str(prompt.bpm)]
        assert (prompt.key is not None) == bool(re.search(r"\b[A-G] (major|minor)\b", prompt.text))
        assert prompt.key is None or prompt.key in prompt.text


def test_no_prompt_is_made_of_caption_words_alone() -> None:
    known: set[str] = set()
    for seed in range(1500):
        song = compose_song(seed, duration=4.0)
        known |= set(re.findall(r"\w+", caption(song, Random(seed)).lower()))
    for prompt in prompts.PROMPTS:
        assert set(re.findall(r"[^\W\d]+", prompt.text.lower())) - known, prompt.text


def test_clips_are_judged_from_their_folder(tmp_path: Path) -> None:
    rows = []
    for index in range(4):
        genre, name = ("noise", "tones")[index % 2], f"{index}.flac"
        write_audio(tmp_path / name, np.stack([beat(100 + index, high=index % 2 == 0)] * 2), RATE)
        rows.append({"file_name": name, "genre": genre, "bpm": 100, "key": "A minor"})
    write_audio(tmp_path / "4.flac", np.zeros((2, 4 * RATE), dtype=np.float32), RATE)
    rows.append({"file_name": "4.flac", "genre": "noise", "bpm": 100})
    (tmp_path / prompts.CLIPS).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = prompts.judge_clips(tmp_path, style_judge.Judge.learned(made_up(20)))
    assert [clip["style_right"] for clip in found["clips"]] == [True, True, True, True, False]
    assert found["clips"][4]["heard_genre"] == "silence"
    assert found["summary"]["style_right"] == 4
    assert found["summary"]["keys_asked"] == 4
    assert found["summary"]["mostly_silent"] == 1
    assert found["summary"]["style_by_chance"] == pytest.approx((3 * 2 + 2 * 2) / 5)
    prompts.show("made up", found)
    (tmp_path / prompts.CLIPS).write_text('{"file_name": "0.flac", "genre": "noise"}\n', encoding="utf-8")
    with pytest.raises(ValueError, match="no 'bpm'"):
        prompts.judge_clips(tmp_path, style_judge.Judge.learned(made_up(20)))
