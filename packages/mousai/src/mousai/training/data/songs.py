"""Songs as latents with their metadata, from a folder or from shards, as a config names them."""

from pathlib import Path

from mousai.data.records import song_name
from mousai.data.shards import is_shards
from mousai.errors import UserError
from mousai.training.config import LatentDiffusionTrainingConfig
from mousai.training.data.folder_songs import FolderSongs, encode_folder
from mousai.training.data.sharded_songs import ShardedSongs, latent_shards
from mousai.training.data.split import train_val_split
from mousai.training.sources import shards_of

Songs = FolderSongs | ShardedSongs


def latent_songs(config: LatentDiffusionTrainingConfig, stage_1: Path, *, frame_rate: float) -> Songs:
    """The songs of `data`, as latents of the model `stage_1`; with crops.short=leave only those that are long enough.

    Args:
        config: names the songs.
        stage_1: folder of a model with an autoencoder.
        frame_rate: latent frames per second.

    Raises:
        UserError: nothing is known of any song, too many are bad, the latents are of another autoencoder, or
            crops.pair_by makes no pairs.
    """
    songs: Songs
    pair_by = config.crops.pair_by
    if is_shards(config.data):
        if pair_by is not None:
            raise UserError(f"crops.pair_by={pair_by}: is for a folder of songs; these lie in shards")
        songs = latent_shards(
            shards_of(config), stage_1 / "autoencoder", offsets=config.crops.offsets, frame_rate=frame_rate
        )
    else:
        cache = Path(config.out) / "latents" if config.crops.latents is None else Path(config.crops.latents)
        songs = encode_folder(
            stage_1 / "autoencoder", Path(config.data), cache, offsets=config.crops.offsets, pair_by=pair_by
        )
    return songs.at_least(config.crops.frames) if config.crops.short == "leave" else songs


def split_songs(songs: Songs, config: LatentDiffusionTrainingConfig) -> tuple[Songs, Songs | None]:
    """Songs to train on, and those for validation, `None` where there are none; a pair is never split."""
    data, share, pair_by = Path(config.data), config.logging.validation_share, config.crops.pair_by
    if isinstance(songs, ShardedSongs):
        names = songs.names
    else:
        names = [
            str(one.fields[pair_by]) if pair_by is not None and pair_by in one.fields else song_name(one, data)
            for one in songs.records
        ]
    train, val = train_val_split(names, share)
    return songs.chosen(train), songs.chosen(val) if val else None
