"""What a call returns: its length, its level, its types, and the files it is saved as."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from mousai import UserError
from mousai.audio.files import read_metadata
from mousai.output import MousaiOutput
from mousai.pipeline import Mousai
from tests.mousai.pipeline.quick_calls import PROMPT, QUICK
from tests.mousai.refusing import refused


@pytest.mark.parametrize("duration", [1 / 48000, 0.1, 0.123456, 1.0])
def test_exactly_the_seconds_asked_for(pipeline: Mousai, duration: float):
    result = pipeline(PROMPT, **{**QUICK, "duration": duration})
    assert result.audios.shape == (1, 2, round(duration * 48000))
    assert result.sample_rate == pipeline.sample_rate == 48000


@pytest.mark.parametrize("settings", [{}, {"guidance_scale": 50.0}, {"num_inference_steps": 1, "decoder_steps": 1}])
def test_the_sound_is_finite_within_bounds_and_not_silent(pipeline: Mousai, settings: dict):
    audios = pipeline([PROMPT, ""], **{**QUICK, **settings}, seed=1).audios
    assert audios.dtype == torch.float32 and bool(audios.isfinite().all())
    assert audios.abs().amax() <= 0.99 + 1e-6
    assert bool((audios.square().mean(dim=(1, 2)).sqrt() > 1e-3).all())


def test_decode_limits_a_loud_moment_and_leaves_the_rest(pipeline: Mousai, monkeypatch: pytest.MonkeyPatch):
    loud = torch.full((2, 2, 48_000), 0.25)
    loud[0, 1, 24_000] = -2.0
    monkeypatch.setattr(pipeline.autoencoder, "decode", lambda latent, config, **others: loud.clone())
    found = pipeline.decode(torch.zeros(2, 8, 1))
    assert float(found[0].abs().max()) == pytest.approx(0.99, rel=0.01)
    assert torch.equal(found[0, :, :20_000], loud[0, :, :20_000])
    assert torch.equal(found[1], loud[1])


def test_decode_turns_down_what_no_limiter_could_hold(pipeline: Mousai, monkeypatch: pytest.MonkeyPatch):
    loud = torch.full((1, 2, 48_000), 0.25)
    loud[0, :, 24_000] = 39.6  # ten times 0.99, times four
    monkeypatch.setattr(pipeline.autoencoder, "decode", lambda latent, config, **others: loud.clone())
    found = pipeline.decode(torch.zeros(1, 8, 1))
    assert torch.allclose(found[0, :, :20_000], torch.tensor(0.025))
    assert float(found.max()) == pytest.approx(0.99, rel=0.01)


def test_output_types(pipeline: Mousai):
    tensor = pipeline(PROMPT, **QUICK, seed=1)
    array = pipeline(PROMPT, **QUICK, seed=1, output_type="np")
    latent = pipeline(PROMPT, **QUICK, seed=1, output_type="latent")
    assert isinstance(array.audios, np.ndarray) and np.array_equal(array.audios, tensor.audios.numpy())
    decoded = pipeline.decode(latent.audios, length=4800, seed=1, decoder_steps=2)
    assert torch.equal(decoded, tensor.audios)


def test_what_a_pipeline_says_of_itself(pipeline: Mousai):
    assert list(pipeline.components) == ["text_encoder", "latent_diffusion", "autoencoder"]
    again = Mousai(**pipeline.components, defaults=pipeline.defaults)
    again.set_progress_bar_config(disable=True)
    assert torch.equal(again(PROMPT, **QUICK, seed=1).audios, pipeline(PROMPT, **QUICK, seed=1).audios)
    said = r"Mousai\(text_encoder 0\.0 M, latent_diffusion 0\.0 M, autoencoder 0\.\d M; 48000 Hz, cpu, float32\)"
    assert re.fullmatch(said, repr(pipeline))


def test_a_result_is_saved_with_all_that_makes_it_again(pipeline: Mousai, tmp_path: Path):
    result = pipeline([PROMPT, "metal"], **QUICK, seed=7, negative_prompt="bass")
    assert isinstance(result, MousaiOutput) and result.seeds == (7, 8) and result.prompts == (PROMPT, "metal")
    paths = result.save(tmp_path / "song.wav")
    assert [path.name for path in paths] == ["song-1.wav", "song-2.wav"]
    stored = read_metadata(paths[1])
    assert (stored["prompt"], stored["seed"], stored["negative_prompt"]) == ("metal", "8", "bass")
    assert (stored["steps"], stored["decoder_steps"], stored["sampler"]) == ("2", "2", "ddim")
    assert stored["dtype"] == "float32"
    assert "strength" not in stored  # which belongs to a recording
    paths[0].unlink()
    with pytest.raises(UserError, match=r"song-2\.wav: exists already"):
        result.save(tmp_path / "song.wav")
    assert not paths[0].exists()  # nothing is written where one of them cannot be
    latent = pipeline(PROMPT, **QUICK, output_type="latent")
    assert "output_type='latent'" in refused(latent.save, tmp_path / "latent.wav")
    assert not (tmp_path / "latent.wav").exists()
