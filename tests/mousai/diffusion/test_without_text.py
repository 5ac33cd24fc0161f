"""Stage 2 without text, without an embedding for no prompt, or with the padding of its text."""

import dataclasses
from pathlib import Path

import pytest
import torch

from mousai.diffusion.config import LatentDiffusionConfig
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.pipeline import Mousai
from tests.mousai.diffusion.point_mass import lost, sampled, some_text
from unet1d import Level, UNet1dConfig


@pytest.fixture(scope="module")
def unconditional() -> LatentDiffusion:
    net = UNet1dConfig(in_channels=4, levels=(Level(channels=8), Level(channels=8, factor=2)), modulation_features=8)
    torch.manual_seed(0)
    return LatentDiffusion(LatentDiffusionConfig(net=net, max_tokens=0)).eval()


def test_a_generator_without_text(unconditional: LatentDiffusion):
    found = sampled(unconditional, None, frames=6, num_steps=3, guidance_scale=1.0, indices=(0, 1))
    assert found.shape == (2, 4, 6) and bool(found.isfinite().all())
    alone = sampled(unconditional, None, frames=6, num_steps=3, guidance_scale=1.0)
    torch.testing.assert_close(alone, found[:1])
    lost(unconditional, torch.randn(3, 4, 6), None, cond_drop_prob=0.0).backward()
    with pytest.raises(ValueError, match="guidance_scale=3: this latent diffusion reads no text"):
        sampled(unconditional, None, frames=6)
    with pytest.raises(ValueError, match="text: this model reads none"):
        sampled(unconditional, some_text(1), frames=6)


def test_a_generator_of_text_wants_it(generator: LatentDiffusion):
    with pytest.raises(ValueError, match="text: must be given"):
        sampled(generator, None, frames=6)


def test_without_an_embedding_for_no_prompt_there_is_no_guidance(config: LatentDiffusionConfig):
    torch.manual_seed(0)
    model = LatentDiffusion(dataclasses.replace(config, max_tokens=0)).eval()
    text = some_text(2)
    plain = sampled(model, text, frames=4, num_steps=2, guidance_scale=1.0)
    led = sampled(model, text, frames=4, num_steps=2, guidance_scale=2.0, negative=some_text(2, seed=1))
    assert not torch.allclose(plain, led)
    lost(model, torch.zeros(2, 8, 4), text, cond_drop_prob=0.0)
    with pytest.raises(ValueError, match=r"guidance_scale must be 1 and cond_drop_prob 0, or give a negative prompt"):
        sampled(model, text, frames=4, guidance_scale=2.0)
    with pytest.raises(ValueError, match="guidance_scale must be 1 and cond_drop_prob 0"):
        lost(model, torch.zeros(2, 8, 4), text, cond_drop_prob=0.1)


def test_padding_counts_only_where_the_model_was_trained_so(saved_model: Path):
    text_encoder = Mousai.from_pretrained(saved_model).text_encoder
    padded = text_encoder(["piano"], keep_padding=True)
    masked = text_encoder(["piano"])
    assert bool(padded.mask.all()) and not bool(masked.mask.all())
    assert torch.equal(padded.hidden * masked.mask[..., None], masked.hidden)
    assert bool(padded.hidden[~masked.mask].any())
