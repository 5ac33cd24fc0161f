"""Small autoencoders of every kind for the tests of dmae."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from dmae import DMAE, DMAEConfig, EncoderConfig, PriorConfig, SpectrogramConfig
from unet1d import Level, UNet1dConfig

# As the paper has it: plain magnitudes, learned patches, white noise. A latent frame is 32 samples.
PATCHES = DMAEConfig(
    sample_rate=8000,
    latent_channels=4,
    spectrogram=SpectrogramConfig(n_fft=31, hop_length=8),
    encoder=EncoderConfig(width=8, factors=(2, 2), blocks=(1, 1), groups=2),
    transform_size=8,
    transform_filters=16,
    decoder=UNet1dConfig(
        in_channels=16,
        levels=(Level(channels=8), Level(channels=8, factor=2), Level(channels=8, factor=2, inject_channels=4)),
        modulation_features=8,
        fourier_features=8,
        groups=2,
    ),
    latent_depth=2,
)

# As the bundled model has it: bands, lapped transform, a prior. A latent frame is 32 samples, four spectra, two blocks.
BANDS = DMAEConfig(
    sample_rate=8000,
    latent_channels=6,
    spectrogram=SpectrogramConfig(n_fft=32, hop_length=8, bands=8, side_bands=4),
    encoder=EncoderConfig(width=8, factors=(4,), blocks=(2,)),
    transform="mdct",
    transform_size=16,
    prior=PriorConfig(width=8, blocks=1),
    decoder=UNet1dConfig(
        in_channels=32,
        levels=(Level(channels=8, inject_channels=24), Level(channels=8, factor=2, inject_channels=6)),
        modulation_features=8,
        fourier_features=8,
        groups=2,
    ),
    latent_depth=1,
)

# As the authors' README has it: log-mel magnitudes, a wider second stage, and the waveform itself diffused from white
# noise. A latent frame is 32 samples, four spectra.
MEL = DMAEConfig(
    sample_rate=8000,
    latent_channels=4,
    spectrogram=SpectrogramConfig(n_fft=32, hop_length=8, mel_channels=6, log_floor=1e-5),
    encoder=EncoderConfig(width=8, factors=(2,), blocks=(1,), groups=2, multipliers=(1, 2), patch_size=2),
    transform="waveform",
    transform_size=1,
    decoder=UNet1dConfig(
        in_channels=2,
        levels=(Level(channels=8, factor=8), Level(channels=8, factor=4, inject_channels=4)),
        modulation_features=8,
        fourier_features=8,
        groups=2,
    ),
    latent_depth=1,
)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """One thread: for models as small as these a second one costs more than it brings."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def seed() -> None:
    """The same random numbers in every run."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def patches() -> DMAEConfig:
    """A small config in the manner of the paper."""
    return PATCHES


@pytest.fixture(scope="session")
def bands() -> DMAEConfig:
    """A small config in the manner of the bundled model."""
    return BANDS


@pytest.fixture(scope="session")
def mel() -> DMAEConfig:
    """A small config in the manner of the authors' README."""
    return MEL


@pytest.fixture(params=["patches", "bands", "mel"], scope="session")
def config(request: pytest.FixtureRequest) -> DMAEConfig:
    """Each of them."""
    return {"patches": PATCHES, "bands": BANDS, "mel": MEL}[request.param]


@pytest.fixture(scope="session")
def make() -> Callable[[DMAEConfig], DMAE]:
    """`make(config)` -> a model none of whose weights are zero, so that every path counts."""

    def build(config: DMAEConfig) -> DMAE:
        model = DMAE(config)
        generator = torch.Generator().manual_seed(5)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim > 1:
                    wide = parameter[0].numel()
                    parameter.copy_(torch.randn(parameter.shape, generator=generator) / wide**0.5)
            if config.prior is not None:
                for parameter, middle in ((model.prior.log_gain, 0.0), (model.prior.slope, 0.9)):
                    parameter.copy_(middle + 0.1 * torch.randn(parameter.shape, generator=generator))
                model.prior.log_mean.fill_(-2)
                for part in (model.prior, model.encoder):
                    part.mean.copy_(torch.linspace(-3, -1, config.n_bands))
                    part.scale.copy_(torch.linspace(2, 1, config.n_bands))
        return model.eval()

    return build


@pytest.fixture(scope="session")
def model(config: DMAEConfig, make: Callable[[DMAEConfig], DMAE]) -> DMAE:
    """A model of each kind that no test changes."""
    return make(config)


@pytest.fixture(scope="session")
def make_wave() -> Callable[..., Tensor]:
    """`make_wave(batch, length)` -> stereo noise of standard deviation 0.1 that swells."""

    def wave(batch: int, length: int, *, seed: int = 1) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        swell = 0.1 + 0.05 * torch.sin(torch.arange(length) / 50)
        return swell * torch.randn(batch, 2, length, generator=generator)

    return wave
