"""Pairs of songs that differ in one fact alone, such as the instrument of the melody, trained on side by side.

The effect of a single fact on the music is a small part of the loss, and two songs drawn at random differ in so much
else that it is hidden. The songs of a pair get the same cut and the same noise, each under a caption of its own:

    item 2k      a song         at its place, diffusion time and noise
    item 2k + 1  its partner    at the same place, time and noise

What they share pulls the weights one way; what they do not share is the difference between the two, and comes from the
one fact. The loss, and so what is learned in the end, stays the same.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mousai.errors import UserError

MOST = 64
"""Songs of one group at most: a field with one value for more songs, such as the genre, does not tell of pairs."""


def pair_groups(songs: Sequence[Mapping[str, Any]], field: str) -> list[list[int]]:
    """Places of songs whose metadata have the same value of `field`, two or more in each group.

    Args:
        songs: metadata of each song.
        field: name of a field of the metadata.

    Raises:
        UserError: no two songs have the same value, or more than `MOST` have.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for place, fields in enumerate(songs):
        if field in fields:
            groups[repr(fields[field])].append(place)
    for value, group in groups.items():
        if len(group) > MOST:
            raise UserError(
                "crops.pair_by",
                field,
                f"{len(group)} songs have the same, {value}; name a field that only songs share "
                "which are the same but for one fact",
            )
    paired = [group for group in groups.values() if len(group) > 1]
    if not paired:
        raise UserError("crops.pair_by", field, f"no two songs have the same {field} in their metadata")
    return paired


class Pairs:
    """Partners of songs.

    Args:
        songs: metadata of each song.
        field: see `pair_groups`, and what it raises.
        seed: seed of the choice among several.
    """

    def __init__(self, songs: Sequence[Mapping[str, Any]], field: str, *, seed: int) -> None:
        self.seed = seed
        self._group = {song: group for group in pair_groups(songs, field) for song in group}

    def __contains__(self, song: int) -> bool:
        """Tell whether a song has a partner."""
        return song in self._group

    def partner(self, song: int, pair: int) -> int | None:
        """The partner of a song in a pair of items; `None` where it has none."""
        if song not in self:
            return None
        others = [one for one in self._group[song] if one != song]
        return others[int(np.random.default_rng((self.seed, 5, pair)).integers(len(others)))]
