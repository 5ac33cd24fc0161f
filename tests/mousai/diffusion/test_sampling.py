"""Sampling a latent: what decides it, what it may not depend on, and what is refused."""

import copy
import dataclasses

import pytest
import torch
from torch import Tensor

from mousai.conditioning.conditioning import Conditioning
from mousai.conditioning.text import MAX_TOKENS, TextEmbedding
from mousai.diffusion.config import LatentDiffusionConfig
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.sampling_config import SamplingConfig
from tests.mousai.diffusion.point_mass import PointMass, sampled, some_text
from vdiffusion import NoiseSource

SETTINGS = SamplingConfig(num_inference_steps=1, guidance_scale=2.0)


@pytest.mark.parametrize("steps", [1, 2, 7])
@pytest.mark.parametrize("guidance", [1.0, 4.0])
def test_sampling_finds_the_only_latent_there_is(config: LatentDiffusionConfig, steps: int, guidance: float):
    model = LatentDiffusion(dataclasses.replace(config, latent_std=0.25))
    model.net = PointMass(0.8)
    found = sampled(model, some_text(2), frames=5, num_steps=steps, guidance_scale=guidance)
    assert found.shape == (2, 8, 5)
    assert torch.allclose(found, torch.tensor(0.2), atol=1e-5)
    start = torch.randn(2, 8, 5)
    found = sampled(model, some_text(2), frames=5, num_steps=steps, init_latent=start, strength=0.4)
    assert torch.allclose(found, torch.tensor(0.2), atol=1e-5)


def test_both_branches_of_guidance_are_one_batch(config: LatentDiffusionConfig):
    model = LatentDiffusion(config)
    model.net = PointMass(0.0)
    text, negative = some_text(2), some_text(2, seed=1, tokens=9)
    sampled(model, text, frames=3, num_steps=1)
    sampled(model, text, frames=3, num_steps=1, negative=negative)
    sampled(model, text, frames=3, num_steps=1, guidance_scale=1.0)
    default, given, none = model.net.calls
    assert torch.equal(default["tokens"], torch.cat([text.hidden, model.null(2).hidden]))
    assert torch.equal(default["mask"], torch.cat([text.mask, torch.ones(2, MAX_TOKENS, dtype=torch.bool)]))
    assert torch.equal(given["tokens"], torch.cat([text.hidden, negative.hidden]))
    assert torch.equal(given["mask"], torch.cat([text.mask, negative.mask]))
    assert torch.equal(none["tokens"], text.hidden)


def test_sampling_is_repeatable_and_the_seed_matters(generator: LatentDiffusion):
    text = some_text(2)
    first = sampled(generator, text, frames=6, num_steps=2, seed=1)
    assert torch.equal(sampled(generator, text, frames=6, num_steps=2, seed=1), first)
    assert not torch.allclose(sampled(generator, text, frames=6, num_steps=2, seed=2), first, atol=1e-2)
    assert not torch.allclose(first[0], first[1], atol=1e-2)


def test_latents_of_a_user_may_lie_on_another_device_than_the_model(generator: LatentDiffusion):
    """On the meta device, which refuses to mix with another one as a GPU does."""
    model, text = copy.deepcopy(generator).to("meta"), some_text(1)
    there = TextEmbedding(text.hidden.to("meta"), text.mask.to("meta"))
    start, recording = torch.randn(1, 8, 6), torch.zeros(1, 8, 6, device="meta")
    for init in (None, recording):
        given = {} if init is None else {"init_latent": init, "strength": 0.5}
        found = sampled(model, there, frames=6, num_steps=2, latents=start, guidance_scale=1.0, **given)
        assert found.shape == (1, 8, 6) and found.device.type == "meta"


def test_a_masked_token_cannot_change_the_latent(generator: LatentDiffusion):
    text, negative = some_text(2, tokens=5), some_text(2, seed=1, tokens=7)

    def sample(text: TextEmbedding, negative: TextEmbedding) -> Tensor:
        return sampled(generator, text, frames=6, num_steps=2, guidance_scale=3.0, negative=negative)

    def shouted(text: TextEmbedding, *, where: Tensor) -> TextEmbedding:
        return TextEmbedding(
            torch.where(where[..., None], 100 + 50 * torch.randn_like(text.hidden), text.hidden), text.mask
        )

    first = sample(text, negative)
    assert torch.equal(sample(shouted(text, where=~text.mask), shouted(negative, where=~negative.mask)), first)
    assert not torch.allclose(sample(shouted(text, where=text.mask), negative), first, atol=1e-2)
    assert not torch.allclose(sample(text, shouted(negative, where=negative.mask)), first, atol=1e-2)


def test_the_callback_sees_the_estimates(generator: LatentDiffusion):
    seen: list[tuple[int, float, Tensor]] = []
    found = sampled(generator, some_text(1), frames=4, num_steps=3, callback=lambda *step: seen.append(step))
    assert [step[0] for step in seen] == [0, 1, 2]
    assert [step[1] for step in seen] == pytest.approx([1.0, 2 / 3, 1 / 3])
    assert torch.allclose(seen[-1][2], found, atol=1e-5)  # as `sample` gives them, not divided by latent_std


def test_impossible_arguments(generator: LatentDiffusion):
    text = some_text(2)
    for match, settings in {
        "frames=0": {"frames": 0},
        "num_inference_steps=0": {"frames": 4, "num_steps": 0},
        "init_latent": {"frames": 4, "init_latent": torch.zeros(2, 8, 5)},
        "strength=-0.1": {"frames": 4, "init_latent": torch.zeros(2, 8, 4), "strength": -0.1},
        "guidance_scale=nan": {"frames": 4, "guidance_scale": float("nan")},
        "cond": {"frames": 4, "indices": (0,)},
    }.items():
        with pytest.raises(ValueError, match=match):
            sampled(generator, text, **settings)


def test_parts_of_a_conditioning_that_do_not_fit(generator: LatentDiffusion):
    def sample(cond: Conditioning, negative: Conditioning | None = None, members: int = 2) -> None:
        generator.sample(cond, noise=NoiseSource(0, range(members)), config=SETTINGS, negative=negative)

    known = {"known_latent": torch.zeros(2, 7, 4), "known_mask": torch.ones(2, 1, 4, dtype=torch.bool)}
    with pytest.raises(ValueError, match="known_latent: has 7 channels, must have 8"):
        sample(Conditioning(frames=4, text=some_text(2), **known))
    with pytest.raises(ValueError, match="cond: of 2 members for a batch of 3"):
        sample(Conditioning(frames=4, text=some_text(2)), members=3)
    with pytest.raises(ValueError, match="negative: has no text; give one, or no negative conditioning"):
        sample(Conditioning(frames=4, text=some_text(2)), Conditioning(frames=4))


def test_copies_compute_with_their_own_weights(generator: LatentDiffusion, config: LatentDiffusionConfig):
    original = copy.deepcopy(generator)

    def result(model: LatentDiffusion) -> Tensor:
        return sampled(model, some_text(1), frames=4, num_steps=2)

    before = result(original)
    by_state = LatentDiffusion(config)
    assert not torch.allclose(result(by_state), before, atol=1e-2)
    by_state.load_state_dict(original.state_dict())
    copies = [copy.deepcopy(original), by_state]
    with torch.no_grad():
        for parameter in original.parameters():
            parameter.mul_(0.5)
    assert not torch.allclose(result(original), before, atol=1e-2)
    for made in copies:
        assert torch.equal(result(made), before)
    # And the other way round: what happens to a copy does not reach the original.
    after = result(original)
    with torch.no_grad():
        for parameter in copies[0].parameters():
            parameter.zero_()
    assert torch.equal(result(original), after)
