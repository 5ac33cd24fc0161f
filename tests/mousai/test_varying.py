"""Varying a recording: from its very samples to something else."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from mousai import Mousai, MusicAttributes, write_audio
from tests.mousai.refusing import refused

PROMPT = "calm piano pop, 100 bpm"
QUICK = {"num_inference_steps": 2, "decoder_steps": 1}


@pytest.fixture(scope="module")
def pipe(saved_model: Path) -> Mousai:
    pipe = Mousai.from_pretrained(saved_model, dtype="float32")
    pipe.set_progress_bar_config(disable=True)
    return pipe


def music(seconds: float, rate: int, channels: int, level: float = 0.3) -> torch.Tensor:
    drawn = torch.Generator().manual_seed(3)
    return level * (2 * torch.rand(channels, round(seconds * rate), generator=drawn) - 1)


@pytest.mark.parametrize(("name", "rate", "channels", "bits"), [("a.wav", 44100, 1, 32), ("a.flac", 22050, 2, 16)])
def test_strength_zero_is_the_recording_to_the_bit(
    pipe: Mousai, tmp_path: Path, name: str, rate: int, channels: int, bits: int
) -> None:
    path = tmp_path / name
    write_audio(path, music(0.5, rate, channels, level=1.2 if bits == 32 else 0.3), rate, bits=bits)
    made = pipe(PROMPT, init_audio=path, strength=0, seed=1, **QUICK)
    made.save(tmp_path / f"b{path.suffix}")
    first, second = (soundfile.read(tmp_path / one, always_2d=True)[0] for one in (name, f"b{path.suffix}"))
    assert made.sample_rate == rate and np.array_equal(first, second)


def test_nothing_follows_chords_where_nothing_is_made(controlled_model: Path) -> None:
    pipe = Mousai.from_pretrained(controlled_model, dtype="float32")
    given = {"init_audio": music(0.5, 48000, 2), "strength": 0, "chords": "Am"}
    assert "strength=0: keeps the recording as it is, so that nothing follows chords" in refused(pipe, PROMPT, **given)


@pytest.mark.parametrize(("rate", "channels"), [(48000, 2), (44100, 1), (96000, 2), (8000, 1)])
def test_any_rate_and_channels_come_back(pipe: Mousai, tmp_path: Path, rate: int, channels: int) -> None:
    path = tmp_path / "song.wav"
    write_audio(path, music(0.51, rate, channels), rate)
    made = pipe([PROMPT, "jazz"], init_audio=path, strength=0.5, seed=1, **QUICK)
    assert (made.sample_rate, made.audios.shape) == (rate, (2, channels, round(0.51 * rate)))
    assert bool(made.audios.isfinite().all()) and float(made.audios.abs().max()) <= 1


def test_the_latent_goes_away_from_the_recording_step_by_step(pipe: Mousai) -> None:
    sound = music(2.0, 48000, 2)
    own = pipe.encode(sound[None])
    settings = {"init_audio": sound, "seed": 1, "output_type": "latent", "num_inference_steps": 8}
    away = [
        float((pipe(PROMPT, strength=strength, **settings).audios - own).norm()) for strength in (0, 0.2, 0.4, 0.6, 0.8)
    ]
    assert away[0] == 0 and away == sorted(away) and away[1] > 0


def test_the_clock_is_that_of_the_attributes(pipe: Mousai, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    sample = pipe.latent_diffusion.sample
    monkeypatch.setattr(pipe.latent_diffusion, "sample", lambda cond, **rest: seen.append(cond) or sample(cond, **rest))
    known = MusicAttributes(tempo=87.0, first_downbeat=0.3)
    pipe(PROMPT, init_audio=music(0.5, 48000, 2), attributes=known, seed=1, **QUICK)
    pipe(PROMPT, init_audio=music(0.5, 48000, 2), seed=1, **QUICK)
    told = [cond.attributes[0] for cond in seen]
    assert [(one.tempo, one.first_downbeat) for one in told] == [(87.0, 0.3), (None, 0.0)]
