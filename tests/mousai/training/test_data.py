import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mousai import UserError
from mousai.audio.files import write_audio
from mousai.conditioning.attributes import MusicAttributes
from mousai.data.annotation import attributes_of
from mousai.training.config import Augmentation
from mousai.training.data.audio_files import audio_files
from mousai.training.data.augment import augment
from mousai.training.data.folder_songs import encode_folder


def noise(samples: int, *, channels: int = 2, seed: int = 0, level: float = 0.5) -> np.ndarray:
    return (level * np.random.default_rng(seed).uniform(-1, 1, (channels, samples))).astype(np.float32)


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A captioned folder of four songs of 0.5 s, as `mousai compose` lays it out."""
    folder = tmp_path_factory.mktemp("songs")
    (folder / "audio").mkdir()
    rows = []
    for k in range(4):
        name = f"audio/{k}.{'flac' if k % 2 else 'wav'}"
        write_audio(folder / name, noise(24000, seed=k), 48000)
        rows.append({"file_name": name, "caption": f"song {k}"})
    (folder / "metadata.jsonl").write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    return folder


# ---- augmentation


@given(
    seed=st.integers(0, 2**32),
    samples=st.integers(2000, 12000),
    channels=st.integers(1, 2),
    level=st.sampled_from([0.0, 1e-4, 0.5, 1.0]),
)
def test_augmenting_keeps_length_and_bounds(seed: int, samples: int, channels: int, level: float):
    wave = noise(samples, channels=channels, seed=seed, level=level)
    before = wave.copy()
    found = augment(wave, np.random.default_rng(seed), Augmentation(), sample_rate=48000)
    assert found.shape == wave.shape and found.dtype == np.float32
    assert np.isfinite(found).all() and np.abs(found).max() <= 0.99 + 1e-6
    assert np.array_equal(wave, before)  # not changed in place


def test_augmenting_depends_on_its_generator_alone():
    wave = noise(8000)
    a, b, c = (augment(wave, np.random.default_rng(seed), Augmentation(), sample_rate=48000) for seed in (1, 1, 2))
    assert np.array_equal(a, b) and not np.allclose(a, c, atol=1e-3)


def test_augmenting_changes_loudness_both_ways():
    wave = noise(8000, level=0.2)
    loudness = [
        float(np.sqrt(np.mean(augment(wave, np.random.default_rng(seed), Augmentation(), sample_rate=48000) ** 2)))
        for seed in range(40)
    ]
    own = float(np.sqrt(np.mean(wave**2)))
    assert min(loudness) < 0.5 * own < own < max(loudness)


# ---- files


def test_audio_files(songs: Path, tmp_path: Path):
    found = audio_files([songs])
    assert [path.name for path in found] == ["0.wav", "1.flac", "2.wav", "3.flac"]
    assert audio_files([songs, songs]) == found * 2
    with pytest.raises(UserError, match="nowhere: no such folder"):
        audio_files([songs, tmp_path / "nowhere"])
    with pytest.raises(UserError, match="holds no audio files"):
        audio_files([tmp_path])


# ---- latents


def test_encoding_a_folder(songs: Path, tmp_path: Path, saved_model: Path):
    found = encode_folder(saved_model / "autoencoder", songs, tmp_path / "latents", offsets=2)
    assert [record.fields["caption"] for record in found.records] == [f"song {k}" for k in range(4)]
    assert [[tuple(latent.shape) for latent in group] for group in found.latents] == [[(8, 23), (8, 22)]] * 4
    assert found.frame_rate == 48000 / 1024
    every = torch.cat([latent.float().flatten() for group in found.latents for latent in group])
    assert found.std == pytest.approx(float(every.std()), rel=1e-3)


def test_a_folder_of_which_nothing_is_known(tmp_path: Path, saved_model: Path):
    write_audio(tmp_path / "a.wav", noise(4800), 48000)
    with pytest.raises(UserError, match="nothing is known of any file, and stage 2 needs captions"):
        encode_folder(saved_model / "autoencoder", tmp_path, tmp_path / "latents")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"bpm": 96, "first_downbeat": 0.0, "key": "C# minor"}, MusicAttributes(tempo=96.0, key=(1, True))),
        ({"bpm": 96, "first_downbeat": 1.5}, MusicAttributes(tempo=96.0, first_downbeat=1.5)),
        ({"bpm": 96, "key": "G major"}, MusicAttributes(key=(7, False))),  # where its beats lie is not known
        ({"lead": "alto saxophone", "instruments": ["piano"]}, MusicAttributes(lead="saxophone")),
        ({"lead": "theremin"}, MusicAttributes()),
        ({"key": "sad"}, MusicAttributes()),
        ({"bpm": "96", "first_downbeat": "0.5"}, MusicAttributes(tempo=96.0, first_downbeat=0.5)),  # as a CSV has it
        ({"bpm": "fast", "first_downbeat": 0}, MusicAttributes()),
        ({"bpm": 96, "first_downbeat": "the second one"}, MusicAttributes()),
        ({"bpm": float("nan"), "first_downbeat": 0}, MusicAttributes()),
        ({"bpm": 5, "first_downbeat": 0}, MusicAttributes()),
        ({}, MusicAttributes()),
    ],
)
def test_what_a_row_states(row: dict, expected: MusicAttributes):
    assert attributes_of(row) == expected
