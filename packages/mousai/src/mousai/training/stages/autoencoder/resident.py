"""A run of stage 1 on data in the device's memory."""

from collections.abc import Callable
from pathlib import Path

import torch
from tqdm import tqdm

from dmae import DMAE, DMAEConfig
from mousai.audio.files import audio_info, read_audio
from mousai.data.shards import is_shards
from mousai.device import resolve_device
from mousai.errors import UserError
from mousai.training.config import COMPOSE, AutoencoderTrainingConfig
from mousai.training.data.audio_files import audio_files
from mousai.training.data.split import train_val_split
from mousai.training.resident.song_stream import SAMPLE_RATE, SongStream, wait_for_songs
from mousai.training.resident.waveforms import ResidentWaveforms
from mousai.training.stages.autoencoder.module import AutoencoderStage
from mousai.training.stages.autoencoder.phases import begin_prior
from mousai.training.stages.experiment import Experiment
from mousai.training.stages.module import Sound


def build_resident_autoencoder(
    config: AutoencoderTrainingConfig, sizes: DMAEConfig, model: DMAE, *, fresh: bool
) -> Experiment:
    """Build what a run of stage 1 needs whose songs lie on the device."""
    device = resolve_device(config.device)
    if config.data == COMPOSE:
        data, close = _composed(config, sizes, device)
    else:
        data, close = _of_folder(config, sizes, device), _nothing_to_close
    stage = AutoencoderStage(model.train(), config)
    stage.resident = data
    try:
        if fresh:
            begin_prior(model, lambda index: data.batch(index, 1)["wave"][0].cpu(), config)
    except BaseException:
        close()
        raise
    if config.logging.listen_every:
        length = round(config.logging.listen_seconds * sizes.sample_rate)
        count = min(config.logging.listen_count, len(data))
        stage.originals = [
            Sound(data.names[n], data.wave(n)[:, :length].cpu(), sizes.sample_rate) for n in range(count)
        ]
    return Experiment(
        stage=stage, train=None, validation=None, config=sizes, files=len(data), resident=True, close=close
    )


def _nothing_to_close() -> None:
    pass


def _of_folder(config: AutoencoderTrainingConfig, sizes: DMAEConfig, device: torch.device) -> ResidentWaveforms:
    """All songs of a folder, those for validation first."""
    if is_shards(config.data):
        raise UserError("loop.resident", True, "is for a folder of songs; these lie in shards")
    files = audio_files([Path(config.data)])
    names = [path.relative_to(config.data).as_posix() for path in files]
    train, val = train_val_split(names, config.logging.validation_share)
    chosen = [files[place] for place in (*val, *train)]
    capacity = sum(int((audio_info(path).duration + 0.1) * sizes.sample_rate) for path in chosen)
    data = _empty(config, sizes, capacity=capacity, device=device, validation=len(val))
    for path in tqdm(chosen, desc="reading", unit="song"):
        data.add(path.name, read_audio(path, sample_rate=sizes.sample_rate, channels=sizes.audio_channels))
    return data


def _composed(
    config: AutoencoderTrainingConfig, sizes: DMAEConfig, device: torch.device
) -> tuple[ResidentWaveforms, Callable[[], None]]:
    """The first songs of a stream; the others come while training goes on."""
    composer = config.composer
    if (sizes.sample_rate, sizes.audio_channels) != (SAMPLE_RATE, 2):
        hint = f"gives stereo at {SAMPLE_RATE} Hz; the model has {sizes.audio_channels} at {sizes.sample_rate} Hz"
        raise UserError("data", COMPOSE, hint)
    capacity = round(composer.songs * (composer.duration + 1) * SAMPLE_RATE)
    data = _empty(config, sizes, capacity=capacity, device=device, validation=composer.validation)
    stream = SongStream(composer)

    def fetch() -> None:
        for song in stream.fetch():
            if len(data) < composer.songs:
                data.add(f"song {song.number}", song.wave)

    data.fetch = fetch
    try:
        wait_for_songs(data.fetch, lambda: len(data), composer.first)
    except BaseException:
        stream.close()
        raise
    return data, stream.close


def _empty(
    config: AutoencoderTrainingConfig, sizes: DMAEConfig, *, capacity: int, device: torch.device, validation: int
) -> ResidentWaveforms:
    return ResidentWaveforms(
        sizes,
        config.crops,
        capacity=capacity,
        device=device,
        seed=config.loop.seed,
        validation=validation,
        latent_noise=config.latent_noise,
    )
