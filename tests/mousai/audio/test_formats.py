"""Writing and reading back, in every format."""

from pathlib import Path

import numpy as np
import pytest

from mousai.audio.files import AUDIO_SUFFIXES, audio_info, read_audio, write_audio

from .sounds import SETTINGS, noise, tone


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
@pytest.mark.parametrize("bits", [16, 24])
@pytest.mark.parametrize("samples", [1, 4095, 65536, 65537])
def test_lossless_formats_keep_every_sample(tmp_path: Path, suffix: str, bits: int, samples: int):
    path = tmp_path / f"sound{suffix}"
    sound = noise(samples)
    assert write_audio(path, sound, 48000, bits=bits) == 1.0
    found = read_audio(path)
    assert found.shape == (2, samples) and found.dtype == np.float32 and found.flags["C_CONTIGUOUS"]
    assert np.abs(found - sound).max() <= 2.0 ** (1 - bits)


@pytest.mark.parametrize("suffix", [".ogg", ".mp3"])
def test_lossy_formats_keep_the_sound_and_its_length(tmp_path: Path, suffix: str):
    path = tmp_path / f"sound{suffix}"
    sound = tone(48000, 3.0)
    write_audio(path, sound, 48000)
    found = read_audio(path)
    assert found.shape == sound.shape
    middle = slice(4800, -4800)
    assert np.abs(found - sound)[:, middle].max() < 0.02


@pytest.mark.parametrize("suffix", AUDIO_SUFFIXES)
def test_full_scale_and_both_channels_survive(tmp_path: Path, suffix: str):
    path = tmp_path / f"sound{suffix}"
    sound = np.stack([np.ones(48000), -np.ones(48000)]).astype(np.float32)
    write_audio(path, sound, 48000)
    found = read_audio(path)
    assert found.shape == sound.shape
    if suffix in (".wav", ".flac"):
        assert np.abs(found - sound).max() < 1e-6  # neither wrapped around nor swapped


def test_upper_case_suffix_and_any_float_type(tmp_path: Path):
    for kind in (np.float16, np.float32, np.float64):
        path = tmp_path / f"{kind.__name__}.WAV"
        write_audio(path, tone(8000).astype(kind), 8000)
        assert audio_info(path).duration == 1.0
        assert np.abs(read_audio(path, sample_rate=8000) - tone(8000)).max() < 1e-3


def test_a_torch_tensor_is_written(tmp_path: Path):
    torch = pytest.importorskip("torch")
    write_audio(tmp_path / "a.wav", torch.from_numpy(tone(8000)), 8000)
    assert np.abs(read_audio(tmp_path / "a.wav", sample_rate=8000) - tone(8000)).max() < 1e-6


def test_the_same_sound_gives_the_same_file(tmp_path: Path):
    for suffix in (".wav", ".flac", ".mp3"):
        for name in ("a", "b"):
            write_audio(tmp_path / f"{name}{suffix}", tone(48000), 48000, metadata=SETTINGS)
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_info(tmp_path: Path):
    write_audio(tmp_path / "a.flac", tone(44100, 0.5, channels=1), 44100)
    info = audio_info(tmp_path / "a.flac")
    assert (info.sample_rate, info.channels, info.frames, info.duration) == (44100, 1, 22050, 0.5)
