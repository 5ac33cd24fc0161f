"""Songs as the judge of the lead learns them: which pieces of them, heard once, and mistakes."""

from pathlib import Path

import numpy as np
import pytest

from mousai.audio.files import AudioError, write_audio
from mousai.errors import UserError
from mousai.evaluation.features.lead import BANDS, FRAMES, lead_features
from mousai.evaluation.judges.dataset import lead_spectrograms

from .sounds import RATE, beat

LEADS = ("flute", "tenor saxophone", "flute", "grand piano")


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, object]]]:
    folder = tmp_path_factory.mktemp("songs")
    rows: list[dict[str, object]] = [{"file_name": f"{n}.flac", "lead": lead} for n, lead in enumerate(LEADS)]
    for number, row in enumerate(rows):
        write_audio(folder / str(row["file_name"]), np.stack([beat(number, high=True, seconds=14.0)] * 2), RATE)
    return folder, rows


def test_every_song_is_heard_twice_and_every_third_degraded_too(songs) -> None:  # type: ignore[no-untyped-def]
    pictures, families = lead_spectrograms(*songs)
    assert families == ["flute"] * 3 + ["saxophone"] * 2 + ["flute"] * 2 + ["piano"] * 3
    assert pictures.shape == (10, BANDS, FRAMES) and pictures.dtype == np.float16
    first = lead_features(beat(0, high=True, seconds=14.0), sample_rate=RATE)
    assert np.abs(pictures[0] - first).mean() < 0.01  # 16 bit in the file, half precision here
    assert np.abs(pictures[2] - first).mean() > 0.3


def test_they_are_heard_once(songs, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder, rows = songs
    cache = tmp_path / "heard.npz"
    pictures, _ = lead_spectrograms(folder, rows[:2], cache=cache)
    again, families = lead_spectrograms(tmp_path / "moved", rows[:2], cache=cache)  # known: not read again
    np.testing.assert_array_equal(again, pictures)
    assert families == ["flute"] * 3 + ["saxophone"] * 2
    with pytest.raises(AudioError, match=r"2\.flac"):
        lead_spectrograms(tmp_path / "moved", rows, cache=cache)


def test_no_songs_and_leads_of_no_family_are_refused(songs) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UserError, match="no songs to hear; give at least one"):
        lead_spectrograms(songs[0], [])
    with pytest.raises(UserError, match="lead 'timpani' is in no family"):
        lead_spectrograms(songs[0], [{"file_name": "missing.flac", "lead": "timpani"}])
