"""A run of stage 1, put together from its config."""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from dmae import DMAE, DMAEConfig
from mousai.audio.files import read_audio
from mousai.data.shards import is_shards
from mousai.errors import UserError
from mousai.storage.file_parts import FilePart
from mousai.storage.folders import autoencoder_config, load_autoencoder
from mousai.training.config import AutoencoderTrainingConfig
from mousai.training.cuda_graph import use_cuda_graphs
from mousai.training.data.audio_files import audio_files
from mousai.training.data.sharded_files import ShardedFiles, audio_shards
from mousai.training.data.split import train_val_split
from mousai.training.data.waveform_crops import WaveformCrops
from mousai.training.sources import model_folder, shards_of, sizes_of
from mousai.training.stages.autoencoder.module import AutoencoderStage
from mousai.training.stages.autoencoder.phases import begin_prior, freeze_other_part
from mousai.training.stages.autoencoder.resident import build_resident_autoencoder
from mousai.training.stages.experiment import VALIDATION_ITEMS, Experiment
from mousai.training.stages.module import Sound


def build_autoencoder(config: AutoencoderTrainingConfig, *, fresh: bool) -> Experiment:
    """Build what a run of stage 1 needs; see `mousai.training.stages.build.build`."""
    start = (
        None if config.start_from is None else model_folder(config.start_from, field="start_from", need=["autoencoder"])
    )
    sizes = autoencoder_config(start) if start else sizes_of(DMAEConfig, config.model)
    _check_phase(sizes, config)
    if config.loop.resident:
        return build_resident_autoencoder(config, sizes, _model(start, sizes, config), fresh=fresh)
    train, val = _files(config, seconds=config.crops.samples / sizes.sample_rate)
    model = _model(start, sizes, config)
    crops = WaveformCrops(train, sizes, config.crops, seed=config.loop.seed, latent_noise=config.latent_noise)
    if fresh:
        begin_prior(model, lambda index: crops[index]["wave"], config)
    stage = AutoencoderStage(model.train(), config)
    if config.logging.listen_every:
        listened = val if len(val) else train
        count = config.logging.listen_count
        first = listened.first(count) if isinstance(listened, ShardedFiles) else listened[:count]
        stage.originals = _originals(first, sizes, config)
    validation = WaveformCrops(val, sizes, config.crops, seed=config.loop.seed, count=VALIDATION_ITEMS)
    return Experiment(
        stage=stage,
        train=crops,
        validation=validation if len(val) else None,
        config=sizes,
        files=len(train) + len(val),
    )


def _model(start: Path | None, sizes: DMAEConfig, config: AutoencoderTrainingConfig) -> DMAE:
    """The model, with what the phase does not train frozen, and the ways to compute that the config asks for."""
    model = load_autoencoder(start) if start else DMAE(sizes)
    if config.phase != "all":
        freeze_other_part(model, phase=config.phase)
    model.decoder.set_checkpointing(config.loop.activation_checkpointing)
    if config.loop.compile:
        model.decoder.compile()
    if config.loop.cuda_graph:
        use_cuda_graphs(model.decoder)
    return model


def _check_phase(sizes: DMAEConfig, config: AutoencoderTrainingConfig) -> None:
    if (sizes.prior is None) == (config.phase == "all"):
        return
    way = "phase=all"
    if sizes.prior is not None:
        way = "phase=latent and then, from its model, phase=decoder (or magnitudes)"
    what = "without" if sizes.prior is None else "with"
    raise UserError("phase", config.phase, f"a model {what} a prior is trained by {way}")


def _files(
    config: AutoencoderTrainingConfig, *, seconds: float
) -> tuple[list[Path] | ShardedFiles, list[Path] | ShardedFiles]:
    """Files to train on, and those for validation."""
    share = config.logging.validation_share
    if is_shards(config.data):
        shards = shards_of(config)
        audio_shards(shards)
        both = [np.array(some, dtype=np.int64) for some in train_val_split(shards.names, share)]
        train, val = (ShardedFiles(shards, these, seed=config.loop.seed, seconds=seconds) for these in both)
        return train, val
    files = audio_files([Path(config.data)])
    places = train_val_split([path.relative_to(config.data).as_posix() for path in files], share)
    train_files, val_files = ([files[place] for place in some] for some in places)
    return train_files, val_files


def _originals(files: Sequence[Path | FilePart], sizes: DMAEConfig, config: AutoencoderTrainingConfig) -> list[Sound]:
    """Beginnings of files, for samples."""
    found: list[Sound] = []
    for path in files:
        try:
            wave = read_audio(
                path,
                sample_rate=sizes.sample_rate,
                channels=sizes.audio_channels,
                duration=config.logging.listen_seconds,
            )
        except UserError as error:
            print(f"mousai: no sample of it: {error}", file=sys.stderr)
        else:
            clipped = torch.from_numpy(np.ascontiguousarray(wave.clip(-1, 1)))
            found.append(Sound(Path(str(path)).stem, clipped, sizes.sample_rate))
    return found
