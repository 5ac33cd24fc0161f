"""Features of songs for the judges: variants, cache, invalid songs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mousai.audio.files import AudioError, write_audio
from mousai.errors import UserError
from mousai.evaluation.features.lead import BANDS, FRAMES, lead_features
from mousai.evaluation.judges.dataset import SongFeatures, extract_song_features, lead_spectrograms, read_song_table

from ..sounds import RATE, beat

LEADS = ("flute", "tenor saxophone", "flute", "grand piano")


def write_songs(folder: Path, leads: tuple[str, ...]) -> list[dict[str, Any]]:
    rows = []
    for number, lead in enumerate(leads):
        row = {"file_name": f"{number:06d}.flac", "genre": "pop", "key": "A minor", "lead": lead, "bpm": 100}
        write_audio(folder / str(row["file_name"]), np.stack([beat(number, high=True, seconds=14.0)] * 2), RATE)
        rows.append(row)
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return rows


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("songs")
    return folder, write_songs(folder, LEADS)


def test_features_are_extracted_once(tmp_path: Path) -> None:
    write_songs(tmp_path, LEADS[:2])
    rows, cache = read_song_table(tmp_path), tmp_path / "features.npz"
    first = extract_song_features(tmp_path, rows[:1], cache=cache)
    assert first.label("variant") == ["song from 0 s", "song from 10 s", "degraded from 5 s"]
    more = extract_song_features(tmp_path, rows, cache=cache)
    assert len(more) == 6 and len(set(more.label("song"))) == 2
    np.testing.assert_allclose(more.genre[:3], first.genre, rtol=2e-3, atol=1e-3)
    (tmp_path / "000000.flac").unlink()  # cached: not read again
    assert len(extract_song_features(tmp_path, rows, cache=cache)) == 6
    assert len(SongFeatures.load(cache)) == 6


def test_songs_without_labels_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"metadata\.jsonl: is missing; make songs with"):
        read_song_table(tmp_path)
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "a.flac", "genre": "pop"}\n', encoding="utf-8")
    with pytest.raises(UserError, match=r"metadata\.jsonl: a row has no 'bpm'"):
        read_song_table(tmp_path)


def test_lead_spectrograms_are_of_two_starts_and_every_third_song_degraded(
    songs: tuple[Path, list[dict[str, Any]]],
) -> None:
    spectrograms, families = lead_spectrograms(*songs)
    assert families == ["flute"] * 3 + ["saxophone"] * 2 + ["flute"] * 2 + ["piano"] * 3
    assert spectrograms.shape == (10, BANDS, FRAMES) and spectrograms.dtype == np.float16
    first = lead_features(beat(0, high=True, seconds=14.0), sample_rate=RATE)
    assert np.abs(spectrograms[0] - first).mean() < 0.01  # 16 bit in the file, half precision here
    assert np.abs(spectrograms[2] - first).mean() > 0.3


def test_lead_spectrograms_are_extracted_once(songs: tuple[Path, list[dict[str, Any]]], tmp_path: Path) -> None:
    folder, rows = songs
    cache = tmp_path / "features.npz"
    spectrograms, _ = lead_spectrograms(folder, rows[:2], cache=cache)
    again, families = lead_spectrograms(tmp_path / "moved", rows[:2], cache=cache)  # cached: not read again
    np.testing.assert_array_equal(again, spectrograms)
    assert families == ["flute"] * 3 + ["saxophone"] * 2
    with pytest.raises(AudioError, match=r"2\.flac"):
        lead_spectrograms(tmp_path / "moved", rows, cache=cache)


def test_no_songs_and_leads_of_no_family_are_refused(songs: tuple[Path, list[dict[str, Any]]]) -> None:
    for extract in (extract_song_features, lead_spectrograms):
        with pytest.raises(UserError, match="no songs to learn from; give at least one"):
            extract(songs[0], [])
    with pytest.raises(UserError, match="lead='timpani': is in no family"):
        lead_spectrograms(songs[0], [{"file_name": "missing.flac", "lead": "timpani"}])
