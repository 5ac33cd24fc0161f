"""Training of stage 1: first the latent, from magnitudes, then the diffusion on top of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from dmae import DMAE, DMAEConfig, fit_sigma, initialise_from_data
from mousai.checkpoint import load_config, load_state, save_module
from mousai.errors import UserError
from mousai.training.crops import RandomCrops, audio_files
from mousai.training.loop import TrainSettings, batches, saved_step, train

Phase = Literal["latent", "decoder", "all"]


def train_autoencoder(
    data: list[Path],
    out: Path,
    settings: TrainSettings,
    *,
    phase: Phase,
    config: DMAEConfig | None = None,
    start_from: Path | None = None,
    crop_seconds: float = 10.0,
    batch: int = 6,
    seed: int = 0,
    latent_noise: float = 0.02,
    workers: int = 1,
) -> None:
    """Train an autoencoder on the audio files below some folders and write its model folder to `out`.

    With a prior, training has two phases: `"latent"` fills the linear maps with principal components of the data and
    then trains encoder and prior on the magnitudes; `"decoder"` fits the prior's sigma, freezes all that and trains
    the U-Net. A model without a prior, like the paper's, is trained in one phase, `"all"`.

    Args:
        data: folders of audio files.
        out: of the run; an interrupted run of the same phase goes on.
        settings: time and rate.
        phase: see above.
        config: of the model, by default `DMAEConfig.tiny()`; not beside `start_from`.
        start_from: folder of an autoencoder to start from.
        crop_seconds: length of the random crops.
        batch: crops per step.
        seed: of the crops and of the noise.
        latent_noise: see `DMAE.losses`.
        workers: processes that read and change crops.

    Raises:
        UserError: a folder holds no audio, the phase does not fit the model, or training diverged.
    """
    files = audio_files(data)
    torch.manual_seed(seed)
    if start_from is not None:
        config = DMAEConfig.from_dict(load_config(start_from))
    config = DMAEConfig.tiny() if config is None else config
    if (config.prior is None) != (phase == "all"):
        raise UserError(
            f"phase={phase!r}: a model {'without' if config.prior is None else 'with'} a prior is trained in "
            f"{'one phase, all' if config.prior is None else 'the phases latent and decoder'}"
        )
    model = DMAE(config)
    if start_from is not None:
        load_state(start_from, model)
    crops = RandomCrops(
        files,
        samples=round(crop_seconds * config.sample_rate),
        sample_rate=config.sample_rate,
        channels=config.audio_channels,
        seed=seed,
        start=saved_step(out) * batch,
    )
    sample = (crops.crop(number)[None] for number in range(10**9, 10**9 + 120))
    # Where a run goes on these two are done again: the sample is the same, and what was trained since comes on top.
    if phase == "latent" and start_from is None:
        found = initialise_from_data(model, sample)
        print(f"principal components hold {found['explained']:.1%} of the weighted variance")
    if phase == "decoder":
        fitted = fit_sigma(model, sample)
        print(f"negative log-likelihood under the prior: {fitted['before']:.3f} -> {fitted['after']:.3f}")
    if phase != "all":
        freeze_other_part(model, phase=phase)
    stream: Iterator[Tensor] = iter(
        DataLoader(crops, batch_size=None, num_workers=workers, prefetch_factor=8 if workers else None)
    )
    waves = batches(stream, batch)

    def step_loss(step: int) -> tuple[Tensor, dict[str, float]]:
        losses = model.losses(next(waves), diffusion=phase != "latent", latent_noise=latent_noise)
        parts = {key: getattr(losses, key) for key in ("diffusion", "magnitude", "likelihood", "saturation")}
        return losses.total(), {key: float(value.detach()) for key, value in parts.items() if value is not None}

    train(
        model,
        step_loss,
        settings,
        out,
        save_model=lambda: save_module(out, model, config.to_dict()),
        name=f"autoencoder ({phase})",
        slow=("net.linear",),
    )


def freeze_other_part(model: DMAE, *, phase: Phase) -> None:
    """Freeze all but the decoder (phase "decoder"), or the decoder and the prior's sigma (phase "latent")."""
    for key, parameter in model.named_parameters():
        if key.startswith("decoder."):
            parameter.requires_grad_(phase == "decoder")
        else:
            parameter.requires_grad_(phase == "latent" and key not in ("prior.log_gain", "prior.slope"))
