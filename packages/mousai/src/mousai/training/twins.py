"""Songs that differ in one thing only, such as the instrument of the melody, heard side by side.

What a single fact does to the music is a small part of the loss, and what two songs drawn at random say of it is
hidden under all else in which they differ. Twins are cut alike and noised alike, each under a caption of its own:

    item 2k      a song      at its place, diffusion time and noise
    item 2k + 1  its twin    at the same place, time and noise

What they share pulls the weights one way, what they do not share is left as the difference between the two, and that
is the work of the one fact. The loss, and so what is learned in the end, stays what it was.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mousai.errors import UserError

MOST = 64
"""Songs that may be twins of each other: a field that more have the same, such as the genre, tells of no twins."""


def twin_groups(songs: Sequence[Mapping[str, Any]], field: str) -> list[list[int]]:
    """Places of songs whose metadata have `field` the same, two or more in each group.

    Args:
        songs: what is known of each.
        field: of what is known.

    Raises:
        UserError: no two songs have it the same, or more than `MOST` have.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for place, fields in enumerate(songs):
        if field in fields:
            groups[repr(fields[field])].append(place)
    for value, group in groups.items():
        if len(group) > MOST:
            raise UserError(
                f"crops.twins={field}: {len(group)} songs have the same, {value}; name a field that only songs share "
                "which are the same but for one fact"
            )
    twins = [group for group in groups.values() if len(group) > 1]
    if not twins:
        raise UserError(f"crops.twins={field}: no two songs have the same {field} in their metadata")
    return twins


class Twins:
    """Which song is the twin of which.

    Args:
        songs: what is known of each.
        field: see `twin_groups`, and what it raises.
        seed: of the choice among several.
    """

    def __init__(self, songs: Sequence[Mapping[str, Any]], field: str, *, seed: int) -> None:
        self.seed = seed
        self._group = {song: group for group in twin_groups(songs, field) for song in group}

    def __contains__(self, song: int) -> bool:
        """Whether a song has a twin."""
        return song in self._group

    def of(self, song: int, pair: int) -> int | None:
        """The twin of a song that is heard with it in a pair of items; `None` where it has none."""
        if song not in self:
            return None
        others = [one for one in self._group[song] if one != song]
        return others[int(np.random.default_rng((self.seed, 5, pair)).integers(len(others)))]
