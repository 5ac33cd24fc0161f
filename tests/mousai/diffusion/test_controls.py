"""Stage 2 with controls: its config, what it is told, and that new channels change nothing at first."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from mousai.conditioning.attribute_signal import ATTRIBUTE_CHANNELS
from mousai.conditioning.attributes import MusicAttributes
from mousai.conditioning.conditioning import Conditioning
from mousai.conditioning.control_signal import CONTROLS
from mousai.conditioning.controls import Controls
from mousai.conditioning.text import TextEmbedding
from mousai.diffusion.config import LatentDiffusionConfig
from mousai.diffusion.guided_net import guided_net
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.diffusion.widening import with_controls
from mousai.sampling_config import SamplingConfig
from mousai.storage.folders import load_latent_diffusion, save_parts
from mousai.storage.weights import save_module
from unet1d import Level, UNet1dConfig
from vdiffusion import NoiseSource

CHANNELS, FRAMES = 8, 12
SONG = Controls(chords=((0.0, 9.0, "A:min"),), melody=((0.1, 0.6, 60),), sections=((0.0, 9.0, "verse"),))
SETTINGS = SamplingConfig(num_inference_steps=3, guidance_scale=2.0)


def small(*controls: str) -> LatentDiffusionConfig:
    """Reads text and attributes, at ten frames a second."""
    return LatentDiffusionConfig(
        net=UNet1dConfig(
            in_channels=CHANNELS,
            levels=(
                Level(channels=16, cross_attention=True, inject_channels=ATTRIBUTE_CHANNELS),
                Level(channels=16, factor=2),
            ),
            context_features=16,
            attention_heads=2,
            attention_head_features=8,
            modulation_features=16,
        ),
        latent_std=0.5,
        frame_rate=10.0,
    ).with_controls(controls)


def made(*controls: str) -> LatentDiffusion:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return LatentDiffusion(small(*controls)).eval()


def text(batch: int = 1) -> TextEmbedding:
    hidden = torch.randn(batch, 64, 16, generator=torch.Generator().manual_seed(5))
    return TextEmbedding(hidden, torch.ones(batch, 64, dtype=torch.bool))


def known(batch: int = 1, frames: slice = slice(0, 5)) -> dict[str, Any]:
    mask = torch.zeros(batch, 1, FRAMES, dtype=torch.bool)
    mask[..., frames] = True
    return {
        "known_latent": torch.randn(batch, CHANNELS, FRAMES, generator=torch.Generator().manual_seed(6)),
        "known_mask": mask,
    }


# ---- config


def test_a_config_with_controls_comes_back_and_keeps_their_order() -> None:
    config = small("known", "melody", "chords")
    assert config.controls == ("chords", "melody", "known")
    assert config.net.inject_channels == {0: ATTRIBUTE_CHANNELS + 37 + 14 + CHANNELS + 1}
    assert LatentDiffusionConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert config.with_controls(["section"]).with_controls(["section"]).controls == CONTROLS
    older = {key: value for key, value in small().to_dict().items() if key != "controls"}
    assert LatentDiffusionConfig.from_dict(older) == small()


@pytest.mark.parametrize("controls", [("drums",), ("chords", "chords"), "chords", 3, (["chords"],)])
def test_controls_that_are_none_are_named(controls: Any) -> None:
    with pytest.raises(ValueError, match="controls must be some of chords, melody, section, known, each once, not"):
        replace(small(), controls=controls)


def test_controls_need_a_frame_rate_and_their_channels() -> None:
    with pytest.raises(ValueError, match="controls chords need a frame_rate above 0"):
        LatentDiffusionConfig.paper().with_controls(["chords"])
    with pytest.raises(ValueError, match=r"frame_rate 10 and controls melody .* must be \{0: 92\}, not \{0: 78\}"):
        replace(small(), controls=("melody",))


# ---- new channels


def test_new_channels_change_nothing_whatever_they_hold() -> None:
    model, frames = made(), FRAMES
    wider = with_controls(model, CONTROLS)
    assert wider.config == small(*CONTROLS) and with_controls(wider, ["chords"]) is wider
    stated = [MusicAttributes(tempo=100, key=(4, True))] * 2
    plain = Conditioning(frames=frames, text=text(2), attributes=stated)
    told = replace(plain, controls=[SONG, SONG], **known(2))
    x_t, t = torch.randn(2, CHANNELS, frames), torch.tensor([0.3, 0.9])
    torch.testing.assert_close(
        wider.denoise(x_t, t, **wider.net_conditions(told, 2)),
        model.denoise(x_t, t, **model.net_conditions(plain, 2)),
        rtol=0,
        atol=0,
    )


def test_a_control_that_is_there_keeps_its_weights_beside_a_new_one() -> None:
    """Chords come before the known part, so its columns move."""
    model = made("known")
    wider = with_controls(model, ["chords"])
    cond = Conditioning(frames=FRAMES, text=text(), **known())
    x_t, t = torch.randn(1, CHANNELS, FRAMES), torch.tensor([0.6])
    before = model.denoise(x_t, t, **model.net_conditions(cond, 1))
    torch.testing.assert_close(
        wider.denoise(x_t, t, **wider.net_conditions(replace(cond, controls=[SONG]), 1)), before, rtol=0, atol=1e-6
    )
    other = made("known").denoise(x_t, t, **model.net_conditions(replace(cond, known_latent=None, known_mask=None), 1))
    assert not torch.allclose(other, before, atol=1e-3)  # what is known is read


def test_a_folder_keeps_the_controls(tmp_path: Path) -> None:
    model = made("melody", "known")
    save_parts(tmp_path, {"latent_diffusion": model}, defaults=SamplingConfig())
    found = load_latent_diffusion(tmp_path)
    assert found.config == model.config
    for key, weight in model.state_dict().items():
        assert torch.equal(found.state_dict()[key], weight)
    save_module(tmp_path / "latent_diffusion", model, {**model.config.to_dict(), "controls": ["melody"]})
    with pytest.raises(Exception, match=r"config\.json: .*with frame_rate 10 and controls melody"):
        load_latent_diffusion(tmp_path)


# ---- what it is told


def test_an_older_model_refuses_what_it_cannot_read() -> None:
    cond = Conditioning(frames=FRAMES, text=text(), controls=[SONG])
    with pytest.raises(ValueError, match=r"tell of chords, which this model does not read \(its controls: none\)"):
        made().sample(cond, noise=NoiseSource(0, [0]), config=SETTINGS)
    with pytest.raises(ValueError, match=r"tell of sections, .* \(its controls: chords, melody\)"):
        made("chords", "melody").sample(cond, noise=NoiseSource(0, [0]), config=SETTINGS)
    made().sample(replace(cond, controls=[Controls()]), noise=NoiseSource(0, [0]), config=SETTINGS)


def test_the_negative_branch_keeps_what_is_known_and_not_what_is_wished() -> None:
    model = made(*CONTROLS)
    cond = Conditioning(
        frames=FRAMES, text=text(), attributes=[MusicAttributes(key=(4, True))], controls=[SONG], **known()
    )
    for negative in (None, Conditioning(frames=FRAMES, text=text())):
        guidance, conditions = guided_net(
            model, cond, replace(SETTINGS, attribute_guidance_scale=1.0), batch=1, negative=negative
        )
        positive, away, partial = (
            one["inject"][0] for one in (conditions, guidance.negative, guidance.partial_negative)
        )
        assert bool((away[:, : -CHANNELS - 1] == 0).all())
        assert torch.equal(away[:, -CHANNELS - 1 :], positive[:, -CHANNELS - 1 :])
        assert bool(positive[:, -1].any()) and bool(positive[:, ATTRIBUTE_CHANNELS : -CHANNELS - 1].any())
        assert torch.equal(partial[:, ATTRIBUTE_CHANNELS:], positive[:, ATTRIBUTE_CHANNELS:])


def test_dropped_members_are_told_what_is_known_alone() -> None:
    model = made(*CONTROLS)
    cond = Conditioning(frames=FRAMES, attributes=[MusicAttributes(tempo=90)] * 2, controls=[SONG] * 2, **known(2))
    kept, dropped = model.inject(cond, 2, dropped=torch.tensor([False, True]))[0]
    assert bool((dropped[: -CHANNELS - 1] == 0).all()) and bool(kept[:ATTRIBUTE_CHANNELS].any())
    for member, signal in enumerate((kept, dropped)):
        assert torch.equal(signal[-CHANNELS - 1 : -1, :5], cond.known_latent[member, :, :5] / 0.5)
        assert torch.equal(signal[-1:], cond.known_mask[member].float())


@torch.no_grad()
def test_the_loss_is_that_of_the_unknown_part() -> None:
    model, latent = made(*CONTROLS), torch.randn(1, CHANNELS, FRAMES)
    given = {
        "t": torch.tensor([0.5]),
        "noise": torch.randn(1, CHANNELS, FRAMES),
        "cond_drop_mask": torch.tensor([False]),
    }
    mask = known()["known_mask"]
    cond = Conditioning(frames=FRAMES, text=text(), known_latent=latent, known_mask=mask)
    found = model.loss(latent, cond, **given)
    v = model.denoise(*noisy(model, latent, given), **model.net_conditions(cond, 1))
    target = given["noise"] * 0.5**0.5 - latent / 0.5 * 0.5**0.5
    assert float(found) == pytest.approx(float((v - target)[..., 5:].square().mean()), rel=1e-4)
    # Padding does not count either.
    part = model.loss(latent, cond, mask=torch.arange(FRAMES)[None, None] < 9, **given)
    assert float(part) == pytest.approx(float((v - target)[..., 5:9].square().mean()), rel=1e-4)


def noisy(model: LatentDiffusion, latent: torch.Tensor, given: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """x_t and t at t = 1 / 2, where both shares are the root of a half."""
    return (latent / model.config.latent_std + given["noise"]) * 0.5**0.5, given["t"]


# ---- sampling


@pytest.mark.parametrize("sampler", ["ddim", "dpmpp_2m", "heun"])
def test_the_known_part_comes_out_in_one_pass(sampler: str) -> None:
    model, steps = made(*CONTROLS), []
    part = known()
    cond = Conditioning(frames=FRAMES, text=text(), controls=[SONG], **part)

    def note(step: int, t: float, estimate: torch.Tensor) -> None:
        steps.append(step)
        torch.testing.assert_close(estimate[..., :5], part["known_latent"][..., :5], rtol=1e-3, atol=1e-4)

    config = replace(SETTINGS, sampler=sampler, num_inference_steps=4)
    found = model.sample(cond, noise=NoiseSource(0, [0]), config=config, callback=note)
    assert torch.equal(found[..., :5], part["known_latent"][..., :5]) and bool(found.isfinite().all())
    assert len(steps) == 4  # and not the many of RePaint
    other = model.sample(
        replace(cond, known_latent=part["known_latent"].roll(1, 1)), noise=NoiseSource(0, [0]), config=config
    )
    assert not torch.allclose(other[..., 5:], found[..., 5:], atol=1e-4)  # the rest follows what is known


def test_a_known_part_counts_more_than_the_latent_to_start_from() -> None:
    model, part = made("known"), known()
    cond = Conditioning(frames=FRAMES, text=text(), **part)
    found = model.sample(
        cond,
        noise=NoiseSource(0, [0]),
        config=replace(SETTINGS, strength=0.5),
        init_latent=torch.full((1, CHANNELS, FRAMES), 7.0),
    )
    assert torch.equal(found[..., :5], part["known_latent"][..., :5])


def test_an_older_model_repaints_as_it_did() -> None:
    steps: list[int] = []
    cond = Conditioning(frames=FRAMES, text=text(), **known())
    config = replace(SETTINGS, num_inference_steps=4, inpaint_resamples=3)
    found = made().sample(
        cond, noise=NoiseSource(0, [0]), config=config, callback=lambda step, t, x: steps.append(step)
    )
    assert len(steps) == 3 * 3 + 1 and torch.equal(found[..., :5], cond.known_latent[..., :5])
