"""From settings to all that a run of stage 1 needs."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dmae import DMAE, DMAEConfig, fit_sigma, initialise_from_data
from mousai.audio.files import read_audio
from mousai.data.shard_set import is_shards
from mousai.errors import UserError
from mousai.storage.file_parts import FilePart
from mousai.storage.folders import autoencoder_config, load_autoencoder
from mousai.training.assembled import VALIDATION_ITEMS, Assembled, model_folder, shards_of, sizes_of
from mousai.training.audio_files import audio_files
from mousai.training.items import AutoencoderCrops, parted
from mousai.training.modules import AutoencoderStage, Sound
from mousai.training.phases import freeze_other_part
from mousai.training.settings import AutoencoderSettings
from mousai.training.sharded import ShardedFiles, audio_shards

_SAMPLE = 120  # crops from which a prior is begun
_FAR = 10**9  # number of the first of these, which no run comes to


def assemble_autoencoder(settings: AutoencoderSettings, *, fresh: bool) -> Assembled:
    """Build what a run of stage 1 needs; see `mousai.training.assembly`."""
    begun = None if settings.start_from is None else model_folder(settings.start_from, need=["autoencoder"])
    config = autoencoder_config(begun) if begun else sizes_of(DMAEConfig, settings.model)
    if (config.prior is None) != (settings.phase == "all"):
        way = (
            "phase=all"
            if config.prior is None
            else "phase=latent and then, from its model, phase=decoder (or magnitudes)"
        )
        what = "without" if config.prior is None else "with"
        raise UserError(f"phase={settings.phase}: a model {what} a prior is trained by {way}")
    kept, apart = _sounds(settings, seconds=settings.crops.samples / config.sample_rate)
    model = load_autoencoder(begun) if begun else DMAE(config)
    crops = AutoencoderCrops(kept, config, settings.crops, seed=settings.loop.seed, latent_noise=settings.latent_noise)
    if fresh and settings.phase != "all":
        _begin_prior(model, crops, settings)
    if settings.phase != "all":
        freeze_other_part(model, phase=settings.phase)
    model.decoder.set_checkpointing(settings.loop.checkpointing)
    if settings.loop.compile:
        model.decoder.compile()
    stage = AutoencoderStage(model.train(), settings)
    if settings.watching.listen_every:
        heard = apart if len(apart) else kept
        count = settings.watching.listen_count
        first = heard.first(count) if isinstance(heard, ShardedFiles) else heard[:count]
        stage.originals = _originals(first, config, settings)
    validation = AutoencoderCrops(apart, config, settings.crops, seed=settings.loop.seed, count=VALIDATION_ITEMS)
    return Assembled(
        stage=stage,
        train=crops,
        validation=validation if len(apart) else None,
        config=config,
        files=len(kept) + len(apart),
    )


def _sounds(
    settings: AutoencoderSettings, *, seconds: float
) -> tuple[list[Path] | ShardedFiles, list[Path] | ShardedFiles]:
    """Files to learn from, and those that are held out."""
    share = settings.watching.validation_share
    if is_shards(settings.data):
        shards = shards_of(settings)
        audio_shards(shards)
        both = [np.array(some, dtype=np.int64) for some in parted(shards.names, share)]
        kept, apart = (ShardedFiles(shards, these, seed=settings.loop.seed, seconds=seconds) for these in both)
        return kept, apart
    files = audio_files([Path(settings.data)])
    places = parted([path.relative_to(settings.data).as_posix() for path in files], share)
    learned, held = ([files[place] for place in some] for some in places)
    return learned, held


def _begin_prior(model: DMAE, crops: AutoencoderCrops, settings: AutoencoderSettings) -> None:
    """The parts of a prior that need no training, from a sample of the data."""

    def sample() -> Any:
        from tqdm import tqdm

        for number in tqdm(range(_FAR, _FAR + _SAMPLE), desc="hearing a sample", unit="crop", file=sys.stderr):
            wave: Tensor = crops[number]["wave"]
            yield wave[None]

    if settings.phase == "latent" and settings.start_from is None:
        found = initialise_from_data(model, sample())
        print(f"principal components hold {found['explained']:.1%} of the weighted variance", file=sys.stderr)
    if settings.phase == "decoder":
        fitted = fit_sigma(model, sample())
        print(
            f"negative log-likelihood under the prior: {fitted['before']:.3f} -> {fitted['after']:.3f}", file=sys.stderr
        )


def _originals(files: Sequence[Path | FilePart], config: DMAEConfig, settings: AutoencoderSettings) -> list[Sound]:
    found: list[Sound] = []
    for path in files:
        try:
            wave = read_audio(
                path,
                sample_rate=config.sample_rate,
                channels=config.audio_channels,
                duration=settings.watching.listen_seconds,
            )
        except UserError as error:
            print(f"mousai: not listened to: {error}", file=sys.stderr)
        else:
            found.append(
                Sound(
                    Path(str(path)).stem, torch.from_numpy(np.ascontiguousarray(wave.clip(-1, 1))), config.sample_rate
                )
            )
    return found
