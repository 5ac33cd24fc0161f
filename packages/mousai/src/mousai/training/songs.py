"""Songs as latents with what is known of them, from a folder or from shards, as settings name them."""

from pathlib import Path

from mousai.data.records import song_name
from mousai.data.shard_set import is_shards
from mousai.errors import UserError
from mousai.training.assembled import shards_of
from mousai.training.items import parted
from mousai.training.latents import Captioned, encode_folder
from mousai.training.settings import LatentDiffusionSettings
from mousai.training.sharded import ShardedSongs, latent_shards

Songs = Captioned | ShardedSongs


def latent_songs(settings: LatentDiffusionSettings, stage_1: Path, *, frame_rate: float) -> Songs:
    """The songs of `data`, as latents of the model `stage_1`; with crops.short=leave only those that are long enough.

    Args:
        settings: name the songs.
        stage_1: folder of a model with an autoencoder.
        frame_rate: of its latents, frames per second.

    Raises:
        UserError: nothing is known of any song, too many are bad, the latents are of another autoencoder, or no songs
            are the twins that crops.twins speaks of.
    """
    songs: Songs
    twins = settings.crops.twins
    if is_shards(settings.data):
        if twins is not None:
            raise UserError(f"crops.twins={twins}: is for a folder of songs; these lie in shards")
        songs = latent_shards(
            shards_of(settings),
            stage_1 / "autoencoder",
            offsets=settings.crops.offsets,
            frame_rate=frame_rate,
        )
    else:
        cache = Path(settings.out) / "latents" if settings.crops.latents is None else Path(settings.crops.latents)
        songs = encode_folder(
            stage_1 / "autoencoder", Path(settings.data), cache, offsets=settings.crops.offsets, twins=twins
        )
    return songs.at_least(settings.crops.frames) if settings.crops.short == "leave" else songs


def split_songs(songs: Songs, settings: LatentDiffusionSettings) -> tuple[Songs, Songs | None]:
    """Songs to learn from, and those that are held out, `None` where there are none; twins are never parted."""
    data, share, twins = Path(settings.data), settings.watching.validation_share, settings.crops.twins
    if isinstance(songs, ShardedSongs):
        names = songs.names
    else:
        names = [
            str(one.fields[twins]) if twins is not None and twins in one.fields else song_name(one, data)
            for one in songs.records
        ]
    kept, apart = parted(names, share)
    return songs.chosen(kept), songs.chosen(apart) if apart else None
