"""Write golden.json: the latents that two tiny models give for weights and waves that are formulas.

    python tests/dmae/golden/make_golden.py

Run it again only when the mathematics is meant to change, and say so where you commit the new numbers.
"""

import json
from pathlib import Path

import torch
from torch import Tensor

from dmae import DMAE, DecodingConfig, DMAEConfig, EncoderConfig, PriorConfig, SpectrogramConfig
from unet1d import Level, UNet1dConfig

GOLDEN = Path(__file__).with_name("golden.json")

PATCHES = DMAEConfig(
    latent_channels=3,
    spectrogram=SpectrogramConfig(n_fft=15, hop_length=4),
    encoder=EncoderConfig(width=4, factors=(2, 2), blocks=(1, 2), groups=2),
    transform_size=4,
    transform_filters=8,
    decoder=UNet1dConfig(
        in_channels=8,
        levels=(Level(channels=4), Level(channels=4, factor=4, inject_channels=3)),
        modulation_features=4,
        fourier_features=4,
        groups=2,
    ),
    latent_depth=1,
)
BANDS = DMAEConfig(
    latent_channels=3,
    spectrogram=SpectrogramConfig(n_fft=16, hop_length=4, bands=5, side_bands=2),
    encoder=EncoderConfig(width=4, factors=(4,), blocks=(2,), groups=2),
    transform="mdct",
    transform_size=8,
    prior=PriorConfig(width=4, blocks=1),
    decoder=UNet1dConfig(
        in_channels=16,
        levels=(Level(channels=4, inject_channels=14), Level(channels=4, factor=2, inject_channels=3)),
        modulation_features=4,
        fourier_features=4,
        groups=2,
    ),
    latent_depth=1,
)


def waves(shape: tuple[int, ...], phase: float) -> Tensor:
    """Numbers that look random, from sines alone: no generator, whose numbers may differ between machines."""
    index = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
    return (2 * torch.sin(1.7 * index + phase) * torch.cos(0.31 * index * index + phase)).view(shape).float()


def golden_outputs() -> dict[str, Tensor]:
    """Latents [2, 3, 4] of waves of 61 samples, and the waveforms [2, 2, 61] that two steps make of them."""
    outputs = {}
    for name, config in (("patches", PATCHES), ("bands", BANDS)):
        model = DMAE(config)
        with torch.no_grad():
            for number, (key, parameter) in enumerate(model.named_parameters()):
                wide = max(1, parameter[0].numel()) if parameter.ndim > 1 else 4
                gain = 0.5 if key.startswith("encoder.") else 1.0  # far from the bound, where little is seen
                parameter.copy_(gain * waves(tuple(parameter.shape), number) / wide**0.5)
            if config.prior is not None:
                model.prior.slope.copy_(1 + 0.1 * waves(tuple(model.prior.slope.shape), 0.5))
                model.prior.log_gain.mul_(0.1)
            latent = model.encode(0.3 * waves((2, 2, 61), 0.1))
            noise = waves((2, config.diffused_channels, 4 * 16 // config.diffused_size), 0.2)
            wave = model.decode(latent, DecodingConfig(num_steps=2), length=61, initial_noise=noise)
        outputs[f"{name} latent"], outputs[f"{name} wave"] = latent, wave
    return outputs


if __name__ == "__main__":
    rounded = {
        name: [[[float(f"{value:.6g}") for value in row] for row in item] for item in output.tolist()]
        for name, output in golden_outputs().items()
    }
    GOLDEN.write_text(json.dumps(rounded) + "\n")
    print(f"wrote {GOLDEN}")
