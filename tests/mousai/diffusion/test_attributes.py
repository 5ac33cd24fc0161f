"""Music attributes in stage 2: the global condition, and guidance by key and lead."""

from typing import Any

import pytest
import torch
from torch import nn

from mousai.conditioning.attributes import MusicAttributes
from mousai.conditioning.conditioning import Conditioning
from mousai.conditioning.text import TextEmbedding
from mousai.diffusion.config import LatentDiffusionConfig
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.sampling_config import SamplingConfig
from tests.mousai.diffusion.point_mass import sampled, some_text
from vdiffusion import NoiseSource


def test_attributes_to_stay_away_from_are_those_of_the_batch():
    model = LatentDiffusion(LatentDiffusionConfig.tiny(latent_std=0.5, frame_rate=11.7)).eval()
    two, three = (
        TextEmbedding(torch.randn(count, 4, model.config.net.context_features), torch.ones(count, 4, dtype=torch.bool))
        for count in (2, 3)
    )
    away = Conditioning(frames=4, text=three, attributes=[MusicAttributes(tempo=100)] * 3)
    with pytest.raises(ValueError, match=r"^attributes: 3 for a batch of 2$"):
        model.sample(
            Conditioning(frames=4, text=two),
            noise=NoiseSource(0, range(2)),
            config=SamplingConfig(num_inference_steps=1, guidance_scale=2.0),
            negative=away,
        )


def test_key_and_lead_can_count_for_more():
    torch.manual_seed(0)
    model = LatentDiffusion(LatentDiffusionConfig.tiny(latent_std=0.5, frame_rate=11.7)).eval()
    nn.init.normal_(model.net.global_embedding.mix.weight)  # which would not listen to the text yet
    text = TextEmbedding(torch.randn(2, 4, model.config.net.context_features), torch.ones(2, 4, dtype=torch.bool))

    def told(*attributes: MusicAttributes, **settings: Any) -> torch.Tensor:
        return sampled(model, text, frames=8, num_steps=3, attributes=attributes, **settings)

    full, tempo = MusicAttributes(tempo=100, key=(4, True), lead="flute"), MusicAttributes(tempo=100)
    plain = told(full, tempo)
    led = told(full, tempo, attribute_guidance_scale=4.0)
    assert not torch.allclose(led[0], plain[0], atol=1e-3)
    torch.testing.assert_close(led[1], plain[1], rtol=1e-3, atol=1e-4)  # which names neither, and is not changed
    assert torch.equal(told(tempo, tempo, attribute_guidance_scale=4.0), told(tempo, tempo))
    # Led away from the text too, where it names them and a text without them is at hand.
    less = TextEmbedding(torch.randn_like(text.hidden), text.mask)
    assert not torch.allclose(told(full, tempo, attribute_guidance_scale=4.0, stripped=less)[0], led[0], atol=1e-3)
    assert torch.equal(told(full, tempo, attribute_guidance_scale=4.0, stripped=text), led)
    assert not torch.allclose(
        told(full, full, guidance_scale=1.0, attribute_guidance_scale=4.0),
        told(full, full, guidance_scale=1.0),
        atol=1e-3,
    )


def test_what_is_told_of_the_whole_piece_is_the_mean_of_its_text_and_what_is_stated(generator: LatentDiffusion):
    model = LatentDiffusion(LatentDiffusionConfig.tiny(latent_std=0.5, frame_rate=11.7))
    text = TextEmbedding(torch.randn(2, 4, 128), torch.arange(4).expand(2, -1) < torch.tensor([[3], [1]]))
    known = [MusicAttributes(tempo=100, lead="flute"), MusicAttributes(key=(4, True))]
    inject = model.inject(Conditioning(frames=8, attributes=known), 2)
    told = model.global_condition(text, inject)["global_condition"]
    assert told.shape == (2, model.config.net.global_features)
    torch.testing.assert_close(told[:, :128], torch.stack([text.hidden[0, :3].mean(0), text.hidden[1, 0]]))
    steady = inject[0][:, -(told.shape[1] - 128) :]
    assert torch.equal(steady, told[:, 128:, None].expand(-1, -1, 8))  # at every frame
    phases = inject[0][0, : -(told.shape[1] - 128)]
    assert bool((phases.std(dim=1) > 0).all())  # and nothing else is
    assert generator.global_condition(some_text(2), {}) == {}  # a net without such a condition


def test_what_is_told_is_of_one_type_whatever_the_text_encoders_is():
    torch.manual_seed(0)
    model = LatentDiffusion(LatentDiffusionConfig.tiny(latent_std=0.5, frame_rate=11.7)).eval()
    half = TextEmbedding(torch.randn(1, 4, 128, dtype=torch.bfloat16), torch.ones(1, 4, dtype=torch.bool))
    stated = [MusicAttributes(key=(4, True))]
    latent = sampled(
        model, half, frames=4, num_steps=1, attributes=stated, attribute_guidance_scale=2.0
    )  # beside the float32 null
    assert bool(latent.isfinite().all())


def test_a_generator_of_text_alone_hears_the_weight_of_key_and_lead_through_it(generator: LatentDiffusion):
    told = {"frames": 4, "num_steps": 2, "attributes": (MusicAttributes(lead="flute"),)}
    plain = sampled(generator, some_text(1), **told)
    same = sampled(generator, some_text(1), attribute_guidance_scale=4.0, **told)
    torch.testing.assert_close(same, plain, atol=1e-3, rtol=1e-3)
    led = sampled(generator, some_text(1), attribute_guidance_scale=50.0, stripped=some_text(1, seed=1), **told)
    assert not torch.allclose(led, plain, atol=1e-2, rtol=1e-2)
