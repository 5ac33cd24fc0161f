"""Data of a run of stage 2 in the device's memory."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from dmae import DMAE
from mousai.device import resolve_device
from mousai.errors import UserError
from mousai.training.config import COMPOSE, ControlConfig, LatentDiffusionTrainingConfig
from mousai.training.data.folder_songs import FolderSongs
from mousai.training.data.songs import latent_songs, split_songs
from mousai.training.resident.latents import ResidentLatents
from mousai.training.resident.song_stream import SAMPLE_RATE, ComposedSong, SongStream, wait_for_songs


def resident_latents(
    config: LatentDiffusionTrainingConfig,
    autoencoder: DMAE,
    stage_1: Path,
    *,
    controls: ControlConfig | None = None,
) -> tuple[ResidentLatents, Callable[[], None]]:
    """Songs for stage 2 on the device, and what ends the processes that compose more of them.

    Args:
        config: config of the run.
        autoencoder: autoencoder of the latents.
        stage_1: folder of the model that has it.
        controls: controls that the model reads, if it reads some.

    Raises:
        UserError: the data cannot be resident; one line that says why.
    """
    if config.crops.pair_by is not None or config.crops.place == "fixed":
        hint = "does not go with crops.pair_by and crops.place=fixed; leave these out"
        raise UserError("loop.resident", True, hint)
    device = resolve_device(config.device)
    if config.data == COMPOSE:
        return _composed(config, autoencoder, device, controls)
    return _of_folder(config, autoencoder, stage_1, device, controls), lambda: None


def _of_folder(
    config: LatentDiffusionTrainingConfig,
    autoencoder: DMAE,
    stage_1: Path,
    device: torch.device,
    controls: ControlConfig | None,
) -> ResidentLatents:
    rate = autoencoder.config.latent_rate
    songs = latent_songs(config, stage_1, frame_rate=rate)
    if not isinstance(songs, FolderSongs):
        raise UserError("loop.resident", True, "is for a folder of songs; these lie in shards")
    train, val = split_songs(songs, config)
    parts = [train] if val is None else [val, train]
    capacity = sum(latent.shape[-1] for part in parts for n in range(len(part)) for latent in part.group(n))
    data = _empty(
        config,
        autoencoder,
        controls=controls,
        capacity=capacity,
        device=device,
        validation=0 if val is None else len(val),
    )
    for part in parts:
        for song in range(len(part)):
            data.add(part.file(song), part.group(song), part.fields(song))
    return data


def _composed(
    config: LatentDiffusionTrainingConfig, autoencoder: DMAE, device: torch.device, controls: ControlConfig | None
) -> tuple[ResidentLatents, Callable[[], None]]:
    composer, offsets = config.composer, config.crops.offsets
    frames = round(composer.songs * offsets * (composer.duration + 1) * autoencoder.config.latent_rate)
    data = _empty(
        config, autoencoder, controls=controls, capacity=frames, device=device, validation=composer.validation
    )
    encoder = autoencoder.to(device).eval()
    stream = SongStream(composer)

    def fetch() -> None:
        for song in stream.fetch():
            if len(data) < composer.songs:
                data.add(f"song {song.number}", encode(encoder, song, offsets), song.fields)

    data.fetch = fetch
    try:
        wait_for_songs(fetch, lambda: len(data), composer.first)
    except BaseException:
        stream.close()
        raise
    return data, stream.close


@torch.no_grad()
def encode(autoencoder: DMAE, song: ComposedSong, offsets: int) -> list[Tensor]:
    """Latents [Z, L] of a composed song, from `offsets` first samples spread over one latent frame.

    Raises:
        UserError: the autoencoder is of another sample rate.
    """
    config = autoencoder.config
    if (config.sample_rate, config.audio_channels) != (SAMPLE_RATE, 2):
        hint = f"gives stereo at {SAMPLE_RATE} Hz; the model has {config.audio_channels} at {config.sample_rate} Hz"
        raise UserError("data", COMPOSE, hint)
    device = next(autoencoder.parameters()).device
    wave = torch.from_numpy(song.wave).to(device).float() / 32767
    latents = []
    for index in range(offsets):
        first = index * config.hop_length // offsets
        whole = (wave.shape[-1] - first) // config.hop_length * config.hop_length
        latents.append(autoencoder.encode(wave[None, :, first : first + whole])[0].bfloat16())
    return latents


def _empty(
    config: LatentDiffusionTrainingConfig,
    autoencoder: DMAE,
    *,
    controls: ControlConfig | None,
    capacity: int,
    device: torch.device,
    validation: int,
) -> ResidentLatents:
    sizes = autoencoder.config
    return ResidentLatents(
        config.crops,
        controls=controls,
        channels=sizes.latent_channels,
        capacity=capacity,
        frame_rate=sizes.latent_rate,
        device=device,
        seed=config.loop.seed,
        validation=validation,
    )
