"""A whole model in miniature, with random weights: every path of the real one, in milliseconds."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

CAPTIONS = [
    "calm piano pop, 100 bpm",
    "fast metal in A minor with distorted guitars and drums",
    "slow jazz trio at 72 bpm in F major",
    "hip hop beat with deep bass, 90 bpm",
    "electronic dance music, 128 bpm, E minor, bright synthesizers",
]


@pytest.fixture(scope="session")
def captions() -> list[str]:
    return CAPTIONS


@pytest.fixture(scope="session")
def saved_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A model folder: 48 kHz stereo, latents of 8 channels and 1024 samples a frame; not to be changed."""
    import torch

    from dmae import DMAE, DMAEConfig, EncoderConfig, PriorConfig, SpectrogramConfig
    from mousai.conditioning.text import T5TextEncoder
    from mousai.diffusion.config import LatentDiffusionConfig
    from mousai.diffusion.latent_diffusion import LatentDiffusion
    from mousai.pipeline import Mousai
    from mousai.sampling_config import SamplingConfig
    from unet1d import Level, UNet1dConfig

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
    generator = LatentDiffusionConfig(
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
            T5TextEncoder.small(CAPTIONS, features=32, layers=1).eval(),
            LatentDiffusion(generator).eval(),
            DMAE(autoencoder).eval(),
            defaults=SamplingConfig(num_inference_steps=3, guidance_scale=2.0, decoder_steps=2),
            about="A model in miniature.\nIts weights are random.",
        )
        with torch.no_grad():
            pipeline.autoencoder.prior.mean.fill_(3.0)  # about as loud as music
            for name, weight in pipeline.latent_diffusion.named_parameters():
                if "cross" in name:
                    weight.mul_(4.0)  # so that the prompt is heard
    folder = tmp_path_factory.mktemp("models") / "miniature"
    pipeline.save_pretrained(folder)
    # Threads that wait for each other cost such small tensors twenty times what they compute.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield folder
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def controlled_model(saved_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with tempo, key and lead, and with chords, melody and section; not to be changed."""
    from dataclasses import replace

    import torch

    from mousai.conditioning.attribute_signal import ATTRIBUTE_CHANNELS
    from mousai.diffusion.latent_diffusion import LatentDiffusion
    from mousai.pipeline import Mousai

    pipeline = Mousai.from_pretrained(saved_model, dtype="float32", device="cpu")
    plain = pipeline.latent_diffusion.config
    first, *deeper = plain.net.levels
    net = replace(plain.net, levels=(replace(first, inject_channels=ATTRIBUTE_CHANNELS), *deeper))
    config = replace(plain, net=net, frame_rate=48000 / 1024).with_controls(("chords", "melody", "section"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        pipeline.latent_diffusion = LatentDiffusion(config).eval()
    folder = tmp_path_factory.mktemp("models") / "controlled"
    pipeline.save_pretrained(folder)
    return folder


@pytest.fixture
def model_copy(saved_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of that folder to break."""
    folder = tmp_path_factory.mktemp("copies") / "model"
    shutil.copytree(saved_model, folder)
    return folder
