"""Ours: the bundled model as it is used, and the paper's sizes with random weights."""

import math

import torch

from benchmarks.peers.parts import Model, Part, Run, cast, count, noise, ready
from benchmarks.peers.text_encoders import reading, t5_base
from benchmarks.speed.models import autoencoder_config, latent_diffusion_config, unmasked

PROMPT = "calm piano pop, 100 bpm"
RATE = 48000
SCALE = 3.0
"""Of the guidance; any but 1 costs the same."""


def bundled(seconds: float, dtype: torch.dtype, *, quick: bool = False) -> Model:
    """The bundled model with its own settings: 10 steps with two scales of guidance, and Griffin-Lim."""
    from mousai.pipeline import Mousai

    pipeline = Mousai.from_pretrained(dtype=str(dtype).removeprefix("torch."))
    steps = {"num_inference_steps": 2} if quick else {}

    def run() -> object:
        return pipeline(PROMPT, duration=seconds, seed=0, **steps)

    return Model(
        parameters={
            "text encoder": count(pipeline.text_encoder),
            "net": count(pipeline.latent_diffusion),
            "autoencoder": count(pipeline.autoencoder),
        },
        parts=[Part(name="all", unit="the whole piece", units=1, prepare=ready(run))],
        sample_rate=RATE,
        channels=2,
    )


def paper(
    seconds: float, dtype: torch.dtype, *, quick: bool = False, steps: int = 50, decoder_steps: int = 20
) -> Model:
    """The paper's two stages (arXiv 2301.11757), with its number of steps."""
    from dataclasses import replace

    from dmae import DMAE, DecodingConfig
    from mousai.conditioning.conditioning import Conditioning
    from mousai.diffusion.latent_diffusion import LatentDiffusion
    from mousai.sampling_config import SamplingConfig
    from vdiffusion import NoiseSource

    torch.manual_seed(0)
    config = latent_diffusion_config(4 if quick else 1)
    config = replace(config, net=replace(config.net, feed_forward_factor=2.0))
    latent_diffusion = LatentDiffusion(config).eval()
    autoencoder = DMAE(autoencoder_config(8 if quick else 1)).eval()
    encoder = t5_base(quick=quick)
    cast(dtype, latent_diffusion.net, autoencoder.decoder, encoder)
    frames = math.ceil(seconds * RATE / autoencoder.config.hop_length)
    cond = Conditioning(frames=frames, text=unmasked(noise(1, config.max_tokens, config.net.context_features)))
    one_step = SamplingConfig(num_inference_steps=1, guidance_scale=SCALE)
    latent = noise(1, autoencoder.config.latent_channels, frames).tanh()

    def compose() -> Run:
        return lambda: latent_diffusion.sample(cond, noise=NoiseSource(0, [0]), config=one_step)

    return Model(
        parameters={
            "text encoder": count(encoder),
            "net": count(latent_diffusion),
            "autoencoder": count(autoencoder),
        },
        parts=[
            reading(encoder, 16 if quick else config.max_tokens),
            Part(name="net", unit="a guided step", units=steps, prepare=compose),
            Part(
                name="decoder",
                unit="a step over the whole piece",
                units=decoder_steps,
                prepare=ready(lambda: autoencoder.decode(latent, config=DecodingConfig(num_steps=1))),
            ),
        ],
        sample_rate=RATE,
        channels=2,
    )
