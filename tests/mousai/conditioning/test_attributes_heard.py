"""Tempo, key and lead of a prompt reach the music."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from mousai import UserError
from mousai.conditioning.attribute_signal import ATTRIBUTE_CHANNELS
from mousai.conditioning.attributes import MusicAttributes
from mousai.conditioning.conditioning import Conditioning
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.pipeline import Mousai


@pytest.fixture(scope="module")
def pipeline(saved_model: Path) -> Mousai:
    """The miniature with a generator that is told tempo and key and hears nothing of the text."""
    made = Mousai.from_pretrained(saved_model, dtype="float32")
    net = made.latent_diffusion.config.net
    first = dataclasses.replace(net.levels[0], inject_channels=ATTRIBUTE_CHANNELS)
    config = dataclasses.replace(
        made.latent_diffusion.config,
        net=dataclasses.replace(net, levels=(first, *net.levels[1:])),
        frame_rate=48000 / 1024,
    )
    torch.manual_seed(0)
    generator = LatentDiffusion(config).eval()
    with torch.no_grad():
        for name, weight in generator.named_parameters():
            if "cross_attention.to_out" in name:
                weight.zero_()
            elif "injection.merge.weight" in name:
                weight[:, -ATTRIBUTE_CHANNELS:] *= 10  # so that it is heard
    return Mousai(made.text_encoder, generator, made.autoencoder, defaults=made.defaults)


def played(pipeline: Mousai, prompt: str | list[str], **settings: Any) -> torch.Tensor:
    length = {} if "init_audio" in settings else {"duration": 0.2}
    return pipeline(prompt, **{**length, "guidance_scale": 3.0, "seed": 1, **settings}).audios


def test_tempo_key_and_lead_of_the_prompt_reach_the_music(pipeline: Mousai):
    plain = played(pipeline, "music")
    assert torch.equal(played(pipeline, "jazz"), plain)
    tempo, other, key, lead = (played(pipeline, text) for text in ("100 bpm", "101 bpm", "D minor", "flute"))
    for one, two in ((plain, tempo), (tempo, other), (plain, key), (tempo, key), (plain, lead), (key, lead)):
        assert not torch.allclose(one, two, atol=1e-4)
    both = played(pipeline, ["jazz at 100 bpm", "pop in D minor"])
    torch.testing.assert_close(both[:1], tempo, atol=1e-4, rtol=1e-3)


def test_key_and_lead_are_weighed_against_the_prompt_without_them(pipeline: Mousai, monkeypatch: pytest.MonkeyPatch):
    read: list[list[str]] = []
    embed = pipeline._embed
    monkeypatch.setattr(pipeline, "_embed", lambda prompts, **how: read.append(list(prompts)) or embed(prompts))
    plain, led = (played(pipeline, ["jazz, flute", "pop"], attribute_guidance_scale=weight) for weight in (0.0, 4.0))
    assert read == [["jazz, flute", "pop"], ["jazz, flute", "pop"], ["jazz", "pop"]]
    assert not torch.allclose(led[0], plain[0], atol=1e-4)
    torch.testing.assert_close(led[1], plain[1], atol=1e-4, rtol=1e-3)


def test_what_the_negative_prompt_states_is_stayed_away_from(pipeline: Mousai):
    plain = played(pipeline, "100 bpm")
    assert torch.equal(played(pipeline, "100 bpm", negative_prompt="music"), plain)
    assert not torch.allclose(played(pipeline, "100 bpm", negative_prompt="60 bpm"), plain, atol=1e-4)
    alone = played(pipeline, "60 bpm", guidance_scale=0.0, negative_prompt="100 bpm")
    torch.testing.assert_close(alone, played(pipeline, "100 bpm", guidance_scale=1.0), atol=1e-4, rtol=1e-3)


def test_a_recordings_beats_lie_where_they_lie(pipeline: Mousai):
    recording = 0.3 * torch.randn(2, 9600, generator=torch.Generator().manual_seed(0))
    settings = {"init_audio": recording, "strength": 0.9}
    plain = played(pipeline, "music", **settings)
    assert torch.equal(played(pipeline, "100 bpm", **settings), plain)
    assert not torch.allclose(played(pipeline, "D minor", **settings), plain, atol=1e-4)


def test_a_dropped_prompt_is_dropped_with_what_it_states(pipeline: Mousai):
    model = pipeline.latent_diffusion
    latent, t = torch.zeros(2, 8, 6), torch.full((2,), 0.5)
    noise = torch.randn(2, 8, 6, generator=torch.Generator().manual_seed(0))
    text = pipeline.text_encoder(["", ""])

    def loss(attributes: list[MusicAttributes], drop: float) -> float:
        cond = Conditioning(frames=6, text=text, attributes=attributes)
        return model.loss(latent, cond, cond_drop_prob=drop, t=t, noise=noise).item()

    known = [MusicAttributes(tempo=100.0), MusicAttributes(key=(2, True))]
    assert loss(known, 0.0) != pytest.approx(loss([], 0.0), rel=1e-6)
    assert loss(known, 1.0) == pytest.approx(loss([], 1.0), rel=1e-6)
    with pytest.raises(ValueError, match=r"parts of different batches: \{'text': 1, 'attributes': 2\}"):
        Conditioning(frames=4, text=pipeline.text_encoder([""]), attributes=known)


def test_a_generator_of_another_frame_rate_is_refused(pipeline: Mousai):
    config = dataclasses.replace(pipeline.latent_diffusion.config, frame_rate=10.0)
    with pytest.raises(UserError, match=r"frame_rate is 10, the autoencoder's latent has 46\.875 frames a second"):
        Mousai(pipeline.text_encoder, LatentDiffusion(config), pipeline.autoencoder)
