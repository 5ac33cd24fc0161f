"""An audio file that is written piece by piece."""

from pathlib import Path

import numpy as np
import pytest

from mousai.audio.files import read_audio, read_metadata, write_audio
from mousai.audio.opening import AudioError
from mousai.audio.writing import AudioWriter

from .sounds import noise


# A lossy encoder's choices depend a little on how much it is shown at once.
@pytest.mark.parametrize(("name", "near"), [("a.wav", 0), ("a.flac", 0), ("a.ogg", 0.1), ("a.mp3", 0.1)])
def test_pieces_make_the_file_that_the_whole_makes(tmp_path: Path, name: str, near: float):
    sound = noise(30000)
    write_audio(tmp_path / f"whole-{name}", sound, 48000, metadata={"prompt": "piano"})
    with AudioWriter(
        tmp_path / name, sample_rate=48000, channels=len(sound), samples=30000, metadata={"prompt": "piano"}
    ) as writer:
        for first in range(0, 30000, 7000):
            writer.write(sound[:, first : first + 7000])
            assert not (tmp_path / name).exists()
    made, whole = (
        read_audio(tmp_path / one, sample_rate=48000, channels=len(sound)) for one in (name, f"whole-{name}")
    )
    assert made.shape == whole.shape and np.abs(made - whole).max() <= near
    assert read_metadata(tmp_path / name) == {"prompt": "piano"}


def test_nothing_is_left_of_a_file_that_fails(tmp_path: Path):
    (tmp_path / "a.wav").write_bytes(b"before")
    with (
        pytest.raises(RuntimeError, match="stop"),
        AudioWriter(tmp_path / "a.wav", sample_rate=48000, channels=2, samples=100) as writer,
    ):
        writer.write(noise(50))
        raise RuntimeError("stop")
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]
    assert (tmp_path / "a.wav").read_bytes() == b"before"


def test_an_error_of_the_system_that_is_none_of_the_file_stays_as_it_is(tmp_path: Path):
    with (
        pytest.raises(ConnectionError, match="the client went away"),
        AudioWriter(tmp_path / "a.wav", sample_rate=48000, channels=2, samples=100),
    ):
        raise ConnectionError("the client went away")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_lost_bytes_gets_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As on drives that tell of nothing."""

    def lose(recorder, data) -> int:
        recorder.place += len(data)
        recorder.length = max(recorder.length, recorder.place)
        return len(data)

    monkeypatch.setattr("mousai.audio.encoding._Recorder.write", lose)
    with pytest.raises(AudioError, match="cannot be written: only 0 of 444 bytes are in the file"):
        write_audio(tmp_path / "a.wav", noise(100), 48000, bits=16)
    assert list(tmp_path.iterdir()) == []


def test_what_no_file_can_hold_is_refused_before_it_is_opened(tmp_path: Path):
    with pytest.raises(AudioError, match="more than 4 GiB"):
        AudioWriter(tmp_path / "a.wav", sample_rate=48000, channels=2, samples=2**30)
    with (
        pytest.raises(AudioError, match="cannot be written at 7 Hz"),
        AudioWriter(tmp_path / "a.mp3", sample_rate=7, channels=2, samples=10),
    ):
        pass
    assert list(tmp_path.iterdir()) == []
