"""A whole model in miniature, with random weights: every path of the real one, in milliseconds; the tests use it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from dmae import DMAE, DMAEConfig, EncoderConfig, PriorConfig, SpectrogramConfig
from mousai.conditioning.attribute_signal import ATTRIBUTE_CHANNELS
from mousai.conditioning.text import T5TextEncoder
from mousai.diffusion.config import LatentDiffusionConfig
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.pipeline import Mousai
from mousai.sampling_config import SamplingConfig
from unet1d import Level, UNet1dConfig

CAPTIONS = (
    "calm piano pop, 100 bpm",
    "fast metal in A minor with distorted guitars and drums",
    "slow jazz trio at 72 bpm in F major",
    "hip hop beat with deep bass, 90 bpm",
    "electronic dance music, 128 bpm, E minor, bright synthesizers",
)


def save_miniature(folder: Path, captions: Sequence[str] = CAPTIONS) -> None:
    """Write a model folder: 48 kHz stereo, latents of 8 channels and 1024 samples a frame.

    Args:
        folder: folder to make.
        captions: texts whose words its text encoder knows.
    """
    autoencoder = DMAEConfig(
        latent_channels=8,
        spectrogram=SpectrogramConfig(n_fft=512, hop_length=128, bands=40, side_bands=16),
        encoder=EncoderConfig(width=16, factors=(8,), blocks=(1,)),
        prior=PriorConfig(width=16, blocks=1),
        transform="mdct",
        transform_size=256,
        decoder=UNet1dConfig(
            in_channels=512,
            levels=(Level(channels=16, inject_channels=112), Level(channels=16, factor=4, inject_channels=8)),
            modulation_features=16,
        ),
        latent_depth=1,
    )
    stage_2 = LatentDiffusionConfig(
        net=UNet1dConfig(
            in_channels=8,
            levels=(
                Level(channels=16, cross_attention=True),
                Level(channels=16, factor=2, attention=True, cross_attention=True),
            ),
            context_features=32,
            attention_heads=2,
            attention_head_features=8,
            modulation_features=16,
        ),
        latent_std=0.5,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        pipeline = Mousai(
            T5TextEncoder.small(list(captions), features=32, layers=1).eval(),
            LatentDiffusion(stage_2).eval(),
            DMAE(autoencoder).eval(),
            defaults=SamplingConfig(num_inference_steps=3, guidance_scale=2.0, decoder_steps=2),
            about="A model in miniature.\nIts weights are random.",
        )
        with torch.no_grad():
            assert pipeline.autoencoder.prior is not None
            pipeline.autoencoder.prior.mean.fill_(3.0)  # about as loud as music
            for name, weight in pipeline.latent_diffusion.named_parameters():
                if "cross" in name:
                    weight.mul_(4.0)  # so that the prompt is heard
    pipeline.save_pretrained(folder)


def save_controlled(folder: Path, plain: Path) -> None:
    """Write a model folder like `plain` with tempo, key and lead, and with chords, melody and section.

    Args:
        folder: folder to make.
        plain: folder of `save_miniature`.
    """
    pipeline = Mousai.from_pretrained(plain, dtype="float32", device="cpu")
    config = pipeline.latent_diffusion.config
    first, *deeper = config.net.levels
    net = replace(config.net, levels=(replace(first, inject_channels=ATTRIBUTE_CHANNELS), *deeper))
    config = replace(config, net=net, frame_rate=48000 / 1024).with_controls(("chords", "melody", "section"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        pipeline.latent_diffusion = LatentDiffusion(config).eval()
    pipeline.save_pretrained(folder)
