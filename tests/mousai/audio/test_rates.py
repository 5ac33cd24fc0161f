"""Rates and channels."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mousai.audio.files import read_audio, write_audio
from mousai.audio.opening import AudioError

from .sounds import noise, tone


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 44101, 96000])
def test_resampling_gives_the_same_tone_at_the_wanted_rate(tmp_path: Path, rate: int):
    path = tmp_path / "a.wav"
    write_audio(path, tone(rate, 0.7), rate)
    found = read_audio(path, sample_rate=48000)
    assert found.shape == (2, round(round(0.7 * rate) * 48000 / rate))
    middle = slice(2400, -2400)
    assert np.abs(found - tone(48000, 0.7)[:, : found.shape[1]])[:, middle].max() < 1e-4


def test_resampling_removes_what_the_lower_rate_cannot_hold(tmp_path: Path):
    path = tmp_path / "a.wav"
    write_audio(path, tone(48000, 0.5, hertz=7000, channels=1), 48000)
    assert np.abs(read_audio(path, sample_rate=8000)[:, 400:-400]).max() < 1e-4


def test_mono_and_stereo(tmp_path: Path):
    stereo, mono = tone(8000), tone(8000, channels=1)
    write_audio(tmp_path / "stereo.wav", stereo, 8000)
    write_audio(tmp_path / "mono.wav", mono, 8000)
    as_mono = read_audio(tmp_path / "stereo.wav", sample_rate=8000, channels=1)
    as_stereo = read_audio(tmp_path / "mono.wav", sample_rate=8000, channels=2)
    assert np.allclose(as_mono, stereo.mean(axis=0, keepdims=True), atol=1e-6)
    assert np.allclose(as_stereo, np.repeat(mono, 2, axis=0), atol=1e-6)
    as_stereo[0] = 0  # the channels are separate memory
    assert as_stereo[1].any()


@given(
    frames=st.integers(1, 3000),
    rate=st.sampled_from([7999, 8000, 11025, 16000, 48000]),
    wanted=st.sampled_from([8000, 22050, 48000]),
)
def test_the_whole_file_has_the_rounded_number_of_samples(
    tmp_path_factory: pytest.TempPathFactory, frames: int, rate: int, wanted: int
):
    path = tmp_path_factory.mktemp("length") / "a.wav"
    write_audio(path, noise(frames), rate)
    expected = int(frames * wanted / rate + 0.5)
    if expected == 0:
        with pytest.raises(AudioError):
            read_audio(path, sample_rate=wanted)
    else:
        assert read_audio(path, sample_rate=wanted).shape == (2, expected)


@pytest.mark.parametrize(("stored", "wanted"), [(1, 1), (1, 2), (2, 1), (2, 2)])
def test_what_is_read_can_be_written_to(tmp_path: Path, stored: int, wanted: int):
    write_audio(tmp_path / "a.wav", noise(100, channels=stored), 48000)
    sound = read_audio(tmp_path / "a.wav", channels=wanted)
    assert sound.flags.writeable and sound.flags.c_contiguous
    sound[0] = 0.0
    assert wanted == 1 or np.abs(sound[1]).max() > 0.1  # the two channels share no memory
