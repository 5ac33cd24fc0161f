"""Seeds and batches: the seed decides, and each piece of a batch is what it would be alone."""

import pytest
import torch

from mousai.conditioning.conditioning import Conditioning
from mousai.pipeline import Mousai
from mousai.sampling_config import SamplingConfig
from tests.mousai.pipeline.quick_calls import PROMPT, QUICK, close
from vdiffusion import NoiseSource


def test_the_seed_decides(pipeline: Mousai):
    first = pipeline(PROMPT, **QUICK, seed=1)
    assert first.seed == 1
    assert torch.equal(pipeline(PROMPT, **QUICK, seed=1).audios, first.audios)
    assert not close(pipeline(PROMPT, **QUICK, seed=2).audios, first.audios)


def test_a_drawn_seed_is_told_and_makes_the_same_again(pipeline: Mousai):
    first, second = pipeline(PROMPT, **QUICK), pipeline(PROMPT, **QUICK)
    assert first.seed != second.seed
    assert torch.equal(pipeline(PROMPT, **QUICK, seed=first.seed).audios, first.audios)
    drawn = [pipeline(PROMPT, **QUICK, generator=torch.Generator().manual_seed(5)) for _ in range(2)]
    assert drawn[0].seed == drawn[1].seed
    assert torch.equal(drawn[0].audios, drawn[1].audios)


def test_the_state_of_torch_does_not_matter_and_is_left_alone(pipeline: Mousai):
    torch.manual_seed(0)
    first = pipeline(PROMPT, **QUICK, seed=1).audios
    drawn = torch.rand(3)
    torch.manual_seed(0)
    assert torch.equal(drawn, torch.rand(3))
    assert torch.equal(pipeline(PROMPT, **QUICK, seed=1).audios, first)


def test_latents_are_the_starting_noise(pipeline: Mousai):
    frames = -(-4800 // pipeline.autoencoder.config.hop_length)
    drawn = NoiseSource(1, [0]).draw((8, frames), stage="generator")
    expected = pipeline(PROMPT, **QUICK, seed=1).audios
    assert torch.equal(pipeline(PROMPT, **QUICK, seed=1, latents=drawn).audios, expected)
    assert not close(pipeline(PROMPT, **QUICK, seed=1, latents=drawn.flip(-1)).audios, expected)
    with pytest.raises(ValueError, match=r"latents: expected floating-point \[1, 8, "):
        pipeline(PROMPT, **QUICK, latents=drawn[..., :1])


def test_an_item_does_not_depend_on_its_batch_mates(pipeline: Mousai):
    alone = pipeline(PROMPT, **QUICK, seed=1).audios
    both = pipeline([PROMPT, "slow jazz trio at 72 bpm in F major"], **QUICK, seed=1).audios
    assert both.shape[0] == 2 and close(both[:1], alone)
    others = pipeline([PROMPT, "metal"], **QUICK, seed=1, negative_prompt=[PROMPT, "bass"]).audios
    assert close(others[:1], pipeline(PROMPT, **QUICK, seed=1, negative_prompt=PROMPT).audios)


def test_a_member_of_the_middle_alone(pipeline: Mousai):
    text = pipeline.text_encoder([PROMPT, "metal", "jazz"])
    third = pipeline.text_encoder(["jazz"])
    config = SamplingConfig(num_inference_steps=2)

    def sampled(text, indices):
        return pipeline.latent_diffusion.sample(
            Conditioning(frames=7, text=text), noise=NoiseSource(3, indices), config=config
        )

    assert close(sampled(third, [2]), sampled(text, range(3))[2:])


def test_a_piece_of_a_batch_is_made_again_alone_by_its_own_seed(pipeline: Mousai):
    batch = pipeline([PROMPT, "metal"], **QUICK, num_waveforms_per_prompt=2, seed=5)
    assert batch.seeds == (5, 6, 7, 8) and batch.prompts == (PROMPT, PROMPT, "metal", "metal")
    for audio, prompt, seed in zip(batch.audios, batch.prompts, batch.seeds, strict=True):
        assert close(pipeline(prompt, **QUICK, seed=seed).audios[0], audio)
    drawn = [torch.Generator().manual_seed(k) for k in (1, 2)]
    several = pipeline([PROMPT, "metal"], **QUICK, generator=drawn)
    alone = pipeline("metal", **QUICK, generator=torch.Generator().manual_seed(2))
    assert several.seeds[1] == alone.seed and close(several.audios[1:], alone.audios)


def test_several_waveforms_for_each_prompt(pipeline: Mousai):
    prompts = [PROMPT, "metal"]
    audios = pipeline(prompts, **QUICK, num_waveforms_per_prompt=2, seed=1, negative_prompt=["a", "b"]).audios
    assert audios.shape[0] == 4
    # Prompt by prompt, each with noise of its own.
    spelled_out = [PROMPT, PROMPT, "metal", "metal"]
    assert close(pipeline(spelled_out, **QUICK, seed=1, negative_prompt=["a", "a", "b", "b"]).audios, audios)
    assert not close(audios[0], audios[1])
