"""Crops of files."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from mousai.audio.files import AUDIO_SUFFIXES, read_audio, write_audio
from mousai.audio.opening import AudioError

from .sounds import noise, one_line, tone


@pytest.mark.parametrize("suffix", AUDIO_SUFFIXES)
@pytest.mark.parametrize("rate", [44100, 48000])
def test_a_crop_is_that_part_of_the_whole(tmp_path: Path, suffix: str, rate: int):
    path = tmp_path / f"a{suffix}"
    write_audio(path, noise(4 * rate), rate)
    whole = read_audio(path)
    for start, duration in ((0.0, 0.1), (0.01, 0.2), (1.23456, 0.5), (3.3, 0.7), (2.0, None)):
        crop = read_audio(path, start=start, duration=duration)
        first = round(start * 48000)
        last = whole.shape[1] if duration is None else first + round(duration * 48000)
        assert crop.shape == (2, last - first)
        assert np.abs(crop - whole[:, first:last]).max() < 2e-6


@given(start=st.floats(0, 1.99), duration=st.floats(1e-5, 3), wanted=st.sampled_from([8000, 11025, 44100]))
def test_crops_anywhere(tmp_path_factory: pytest.TempPathFactory, start: float, duration: float, wanted: int):
    path = tmp_path_factory.getbasetemp() / "crops-anywhere.wav"
    if not path.exists():
        write_audio(path, noise(2 * 11025), 11025)
    whole = read_audio(path, sample_rate=wanted)
    crop = read_audio(path, sample_rate=wanted, start=start, duration=duration)
    first = round(start * wanted)
    last = min(whole.shape[1], first + max(1, round(duration * wanted)))
    assert crop.shape == (2, last - first)
    assert np.abs(crop - whole[:, first:last]).max() < 2e-6


def test_a_crop_of_an_mp3_file_of_variable_rate(tmp_path: Path):
    # The table of a variable rate is coarse: whoever seeks by it lands elsewhere.
    path = tmp_path / "a.mp3"
    rate, seconds = 48000, 30
    loud = np.sin(2 * np.arange(seconds * rate) / rate) > 0
    sound = tone(rate, seconds) + 0.3 * loud * noise(seconds * rate)
    with soundfile.SoundFile(path, "w", rate, 2, format="MP3", bitrate_mode="VARIABLE", compression_level=0.5) as file:
        file.write(sound.T)
    whole, _ = soundfile.read(path, dtype="float32")  # one call, so one pass without a seek
    assert np.array_equal(read_audio(path), whole.T)
    for start in range(1, seconds, 4):
        crop = read_audio(path, start=start, duration=0.1)
        assert np.array_equal(crop, whole.T[:, start * rate :][:, :4800])


def test_a_crop_reads_only_the_crop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.wav"
    write_audio(path, noise(20 * 44100), 44100)
    read = []
    original = soundfile.SoundFile.read

    def counting(self, frames=-1, **settings):
        data = original(self, frames, **settings)
        read.append(len(data))
        return data

    monkeypatch.setattr(soundfile.SoundFile, "read", counting)
    assert read_audio(path, start=10.0, duration=0.5).shape == (2, 24000)
    assert sum(read) < 0.55 * 44100


def test_a_crop_past_the_end_gives_what_is_there(tmp_path: Path):
    path = tmp_path / "a.wav"
    write_audio(path, noise(48000), 48000)
    for duration in (0.5, 1e30):
        assert read_audio(path, start=0.75, duration=duration).shape == (2, 12000)
    for start in (1.0, 17.0, 1e30):
        with pytest.raises(AudioError, match=r"1\.00 s long") as caught:
            read_audio(path, start=start)
        one_line(caught, path)


def test_a_crop_from_the_very_end_is_empty_at_another_rate_too(tmp_path: Path):
    """What the filter needs before it is there, and nothing else."""
    path = tmp_path / "a.wav"
    write_audio(path, noise(44100), 44100)
    assert read_audio(path, start=0.9999).shape == (2, 5)
    with pytest.raises(AudioError, match=r"is 1\.00 s long; a crop from 1\.0 s would be empty"):
        read_audio(path, start=1.0)


@pytest.mark.parametrize(
    "arguments",
    [
        {"start": -1.0},
        {"start": float("nan")},
        {"start": float("inf")},
        {"duration": 0.0},
        {"duration": -2.0},
        {"duration": float("nan")},
        {"duration": float("inf")},
        {"sample_rate": 0},
        {"sample_rate": -48000},
        {"channels": 0},
        {"channels": 3},
    ],
)
def test_impossible_arguments(tmp_path: Path, arguments: dict):
    write_audio(tmp_path / "a.wav", noise(100), 48000)
    with pytest.raises(AudioError) as caught:
        read_audio(tmp_path / "a.wav", **arguments)
    assert f"{next(iter(arguments.values())):g}" in one_line(caught, tmp_path / "a.wav")
