"""Songs that differ in one thing only, such as the instrument of the melody, heard side by side.

What a single fact does to the music is a small part of the loss, and what two songs drawn at random say of it is
hidden under all else in which they differ. Twins are cut alike and noised alike:

    item 2k      a song      at its place, diffusion time and noise
    item 2k + 1  its twin    at the same place, time and noise

What they share pulls the weights one way, what they do not share is left as the difference between the two, and that
is the work of the one fact. The loss, and so what is learned in the end, stays what it was.
"""

from collections import defaultdict

import numpy as np

from mousai.errors import UserError
from mousai.training.latents import Captioned
from mousai.training.sharded import ShardedSongs


class Twins:
    """Which song is the twin of which.

    Args:
        songs: of a folder.
        field: of their metadata; songs in which it is the same are twins.
        seed: of the choice among several.

    Raises:
        UserError: no two songs have it the same, or they lie in shards, where twins may lie far apart.
    """

    def __init__(self, songs: Captioned | ShardedSongs, field: str, *, seed: int) -> None:
        if isinstance(songs, ShardedSongs):
            raise UserError(f"crops.twins={field}: is for a folder of songs; these lie in shards")
        self.seed = seed
        groups: dict[str, list[int]] = defaultdict(list)
        for song in range(len(songs)):
            if field in songs.fields(song):
                groups[repr(songs.fields(song)[field])].append(song)
        self._others = {song: [one for one in group if one != song] for group in groups.values() for song in group}
        if not any(self._others.values()):
            raise UserError(f"crops.twins={field}: no two songs have the same {field} in their metadata")

    def of(self, song: int, pair: int) -> int | None:
        """The twin of a song that is heard with it in a pair of items; `None` where it has none."""
        others = self._others.get(song, [])
        return others[int(np.random.default_rng((self.seed, 5, pair)).integers(len(others)))] if others else None
