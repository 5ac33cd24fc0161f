import copy
import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mousai.conditioning.attributes import MusicAttributes
from mousai.conditioning.conditioning import Conditioning
from mousai.conditioning.text import MAX_TOKENS, TextEmbedding
from mousai.diffusion.config import LatentDiffusionConfig
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.pipeline import Mousai
from mousai.sampling_config import SamplingConfig
from mousai.storage.folders import describe
from unet1d import Level, UNet1dConfig
from vdiffusion import NoiseSource, alpha_sigma


@pytest.fixture(scope="module")
def config(saved_model: Path) -> LatentDiffusionConfig:
    return describe(saved_model).latent_diffusion


@pytest.fixture(scope="module")
def generator(saved_model: Path) -> LatentDiffusion:
    return Mousai.from_pretrained(saved_model, dtype="float32").latent_diffusion


def sampled(
    model: LatentDiffusion,
    text: TextEmbedding | None,
    *,
    frames: int,
    num_steps: int = 50,
    seed: int = 0,
    indices: tuple[int, ...] | None = None,
    attributes: tuple[MusicAttributes, ...] = (),
    stripped: TextEmbedding | None = None,
    negative: TextEmbedding | None = None,
    init_latent: Tensor | None = None,
    latents: Tensor | None = None,
    callback: Any = None,
    **settings: Any,
) -> Tensor:
    """`LatentDiffusion.sample` with its value objects made from plain arguments."""
    count = 1 if text is None else len(text.hidden)
    return model.sample(
        Conditioning(frames=frames, text=text, attributes=attributes, stripped_text=stripped),
        noise=NoiseSource(seed, range(count) if indices is None else indices),
        config=SamplingConfig(num_inference_steps=num_steps, **settings),
        negative=None if negative is None else Conditioning(frames=frames, text=negative),
        init_latent=init_latent,
        latents=latents,
        callback=callback,
    )


def lost(
    model: LatentDiffusion, latent: Tensor, text: TextEmbedding | None, attributes: Any = (), **given: Any
) -> Tensor:
    """`LatentDiffusion.loss` of latents under texts and attributes."""
    return model.loss(latent, Conditioning(frames=latent.shape[-1], text=text, attributes=attributes), **given)


def some_text(batch: int, *, seed: int = 0, tokens: int = 5) -> TextEmbedding:
    hidden = torch.randn(batch, MAX_TOKENS, 32, generator=torch.Generator().manual_seed(seed))
    mask = torch.arange(MAX_TOKENS).expand(batch, -1) < tokens
    return TextEmbedding(hidden * mask[..., None], mask)


class PointMass(nn.Module):
    """The ideal net where all data is `value`: eps = (x_t - alpha value) / sigma, v = alpha eps - sigma value.

    It notes the conditions it is called with.
    """

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value
        self.calls: list[dict[str, Tensor]] = []

    def encode_context(self, context: Tensor, mask: Tensor) -> dict[str, Tensor]:
        return {"tokens": context, "mask": mask}

    def forward(self, x_t: Tensor, t: Tensor, **conditions: Any) -> Tensor:
        read = conditions["context"]
        self.calls.append(read if isinstance(read, dict) else conditions)
        alpha, sigma = (share[:, None, None] for share in alpha_sigma(t))
        return alpha * (x_t - alpha * self.value) / sigma - sigma * self.value


# ---- configs


def test_the_papers_size():
    with torch.device("meta"):
        model = LatentDiffusion(LatentDiffusionConfig.paper())
    count = sum(parameter.numel() for parameter in model.parameters())
    assert round(count / 1e6, 1) == 857.7
    net = LatentDiffusionConfig.paper().net
    assert (net.in_channels, net.context_features, net.factor) == (32, 768, 32)


def test_the_tiny_size_fits_its_autoencoder():
    from dmae import DMAEConfig

    config = LatentDiffusionConfig.tiny(latent_std=0.4)
    assert config.net.in_channels == DMAEConfig.tiny().latent_channels
    assert config.latent_std == 0.4


@pytest.mark.parametrize("make", [LatentDiffusionConfig.paper, LatentDiffusionConfig.tiny])
def test_configs_come_back(make):
    import json

    config = make()
    assert LatentDiffusionConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_wrong_configs_are_named(config: LatentDiffusionConfig):
    values = config.to_dict()
    with pytest.raises(ValueError, match="unknown key 'latent_sdt'; did you mean 'latent_std'"):
        LatentDiffusionConfig.from_dict({**values, "latent_sdt": 1.0})
    with pytest.raises(ValueError, match="known keys"):
        LatentDiffusionConfig.from_dict({**values, "zzz": 1.0})
    with pytest.raises(ValueError, match="'net' is missing"):
        LatentDiffusionConfig.from_dict({"latent_std": 1.0})
    with pytest.raises(ValueError, match="unknown key 'channel'"):
        LatentDiffusionConfig.from_dict({**values, "net": {**values["net"], "channel": 1}})
    for latent_std in (0.0, -1.0, float("nan"), float("inf"), "1", True, None):
        with pytest.raises(ValueError, match="latent_std"):
            dataclasses.replace(config, latent_std=latent_std)
    for frame_rate in (-1.0, float("nan"), float("inf"), "1", True, None):
        with pytest.raises(ValueError, match="frame_rate"):
            dataclasses.replace(config, frame_rate=frame_rate)
    with pytest.raises(ValueError, match=r"frame_rate 10 the net's inject_channels by depth must be \{0: 78\}, not"):
        dataclasses.replace(config, frame_rate=10.0)
    tiny = LatentDiffusionConfig.tiny()
    with pytest.raises(ValueError, match=r"net\.global_features must be 0 or 188 .*, not 7"):
        dataclasses.replace(tiny, net=dataclasses.replace(tiny.net, global_features=7))
    for max_tokens in (-1, 1.5, True):
        with pytest.raises(ValueError, match="max_tokens"):
            dataclasses.replace(config, max_tokens=max_tokens)
    with pytest.raises(ValueError, match=r"max_tokens=64 but net\.context_features is 0"):
        LatentDiffusionConfig(net=UNet1dConfig(in_channels=8, levels=(Level(channels=8),)))
    with pytest.raises(ValueError, match="attend_to_padding"):
        dataclasses.replace(config, attend_to_padding=1)
    for net in (5, None, []):
        with pytest.raises(ValueError, match="UNet1dConfig"):
            LatentDiffusionConfig.from_dict({"net": net})


# ---- the loss


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


# ---- sampling


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


def test_a_dropped_item_is_told_nothing_of_itself():
    model = LatentDiffusion(LatentDiffusionConfig.tiny(latent_std=0.5, frame_rate=11.7))
    model.net, heard = PointMass(0.0), []
    model.net.forward = lambda x_t, t, **conditions: heard.append(conditions["global_condition"]) or x_t  # type: ignore[method-assign]
    text = TextEmbedding(torch.randn(2, 4, 128), torch.ones(2, 4, dtype=torch.bool))
    stated = [MusicAttributes(tempo=100, key=(4, True), lead="flute")] * 2
    lost(model, torch.randn(2, 128, 8), text, stated, cond_drop_mask=torch.tensor([False, True]))
    assert bool(heard[0][0, 128:].any()) and not bool(heard[0][1, 128:].any())
    torch.testing.assert_close(heard[0][1, :128], model.null_embedding[:4].mean(0))


def test_sampling_is_repeatable_and_the_seed_matters(generator: LatentDiffusion):
    text = some_text(2)
    first = sampled(generator, text, frames=6, num_steps=2, seed=1)
    assert torch.equal(sampled(generator, text, frames=6, num_steps=2, seed=1), first)
    assert not torch.allclose(sampled(generator, text, frames=6, num_steps=2, seed=2), first, atol=1e-2)
    assert not torch.allclose(first[0], first[1], atol=1e-2)


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


# ---- copies


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


def test_every_parameter_is_trained(config: LatentDiffusionConfig):
    model = LatentDiffusion(config)
    lost(
        model, torch.randn(4, 8, 12), some_text(4), cond_drop_prob=0.5, generator=torch.Generator().manual_seed(0)
    ).backward()
    assert [key for key, parameter in model.named_parameters() if parameter.grad is None] == []


# ---- without text, without guidance


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
