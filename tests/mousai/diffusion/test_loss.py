"""The loss of stage 2: the v objective, prompts that are dropped, and what it trains."""

import pytest
import torch
from torch import Tensor

from mousai.conditioning.attributes import MusicAttributes
from mousai.conditioning.text import TextEmbedding
from mousai.diffusion.config import LatentDiffusionConfig
from mousai.diffusion.latent_diffusion import LatentDiffusion
from tests.mousai.diffusion.point_mass import PointMass, lost, some_text
from vdiffusion import alpha_sigma


def test_the_loss_is_the_v_objective_on_the_scaled_latent(config: LatentDiffusionConfig):
    model = LatentDiffusion(config)
    model.net = PointMass(0.6)
    t = torch.tensor([0.1, 0.5, 0.9])
    noise = torch.randn(3, 8, 20)
    exact = torch.full((3, 8, 20), 0.6 * config.latent_std)
    assert float(lost(model, exact, some_text(3), t=t, noise=noise)) < 1e-10
    # Data that is off by d: v is off by d (alpha^2 + sigma^2) / sigma in the ideal net's place, so by d / sigma.
    off = float(lost(model, exact + 0.1 * config.latent_std, some_text(3), t=t, noise=noise))
    sigma = alpha_sigma(t)[1]
    assert off == pytest.approx(float((0.1 / sigma).square().mean()), rel=1e-4)


def test_parts_of_another_batch_than_the_latent(generator: LatentDiffusion):
    with pytest.raises(ValueError, match=r"^cond: of 2 members for a batch of 3$"):
        lost(generator, torch.zeros(3, 8, 4), some_text(2))


def test_dropping_the_prompt(generator: LatentDiffusion):
    latent, t, noise = torch.randn(4, 8, 12), torch.full((4,), 0.5), torch.randn(4, 8, 12)

    def loss(text: TextEmbedding, drop: float) -> Tensor:
        generator.zero_grad()
        return lost(generator, latent, text, cond_drop_prob=drop, t=t, noise=noise)

    kept, dropped = loss(some_text(4), 0.0), loss(some_text(4), 1.0)
    assert not torch.allclose(loss(some_text(4, seed=1), 0.0), kept, rtol=1e-3)
    assert torch.equal(loss(some_text(4, seed=1), 1.0), dropped)
    null = generator.null(4)
    assert torch.allclose(loss(null, 0.0), dropped)
    loss(some_text(4), 1.0).backward()
    assert float(generator.null_embedding.grad.abs().sum()) > 0
    loss(some_text(4), 0.0).backward()
    assert generator.null_embedding.grad is None
    generator.zero_grad()


def test_prompts_are_dropped_as_often_as_asked(config: LatentDiffusionConfig):
    model = LatentDiffusion(config)
    model.net = PointMass(0.0)
    text, count = some_text(1000), 0
    lost(model, torch.zeros(1000, 8, 1), text, cond_drop_prob=0.1, generator=torch.Generator().manual_seed(0))
    context, mask = model.net.calls[0]["context"], model.net.calls[0]["context_mask"]
    for row in range(1000):
        is_null = bool(mask[row].all())
        count += is_null
        assert torch.equal(context[row], model.null_embedding if is_null else text.hidden[row])
    assert 60 < count < 140  # 100 expected, standard deviation 9.5


def test_the_losss_generator_decides_all_that_is_drawn(generator: LatentDiffusion):
    latent, text = torch.randn(3, 8, 12), some_text(3)
    losses = [
        lost(generator, latent, text, cond_drop_prob=0.5, generator=torch.Generator().manual_seed(seed)).item()
        for seed in (1, 1, 2)
    ]
    assert losses[0] == losses[1] != losses[2]


def test_text_of_another_shape_is_refused(generator: LatentDiffusion):
    text = some_text(2)
    for hidden in (text.hidden[:, :9], text.hidden[..., :9]):
        with pytest.raises(ValueError, match=r"text\.hidden: expected \[2, 64, 32\]"):
            lost(generator, torch.zeros(2, 8, 4), TextEmbedding(hidden, text.mask))


def test_a_dropped_item_is_told_nothing_of_itself():
    model = LatentDiffusion(LatentDiffusionConfig.tiny(latent_std=0.5, frame_rate=11.7))
    model.net, heard = PointMass(0.0), []
    model.net.forward = lambda x_t, t, **conditions: heard.append(conditions["global_condition"]) or x_t  # type: ignore[method-assign]
    text = TextEmbedding(torch.randn(2, 4, 128), torch.ones(2, 4, dtype=torch.bool))
    stated = [MusicAttributes(tempo=100, key=(4, True), lead="flute")] * 2
    lost(model, torch.randn(2, 128, 8), text, stated, cond_drop_mask=torch.tensor([False, True]))
    assert bool(heard[0][0, 128:].any()) and not bool(heard[0][1, 128:].any())
    torch.testing.assert_close(heard[0][1, :128], model.null_embedding[:4].mean(0))


def test_every_parameter_is_trained(config: LatentDiffusionConfig):
    model = LatentDiffusion(config)
    lost(
        model, torch.randn(4, 8, 12), some_text(4), cond_drop_prob=0.5, generator=torch.Generator().manual_seed(0)
    ).backward()
    assert [key for key, parameter in model.named_parameters() if parameter.grad is None] == []
