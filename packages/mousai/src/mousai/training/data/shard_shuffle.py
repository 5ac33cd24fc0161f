"""Order in which the songs of many shards are trained on: mixed within a window of a few shards, window after window.

    pass p:   shards in random order  ->  windows of WINDOW shards  ->  what is in a window, shuffled

All of it follows from the seed and the index of the item, as everything about an item does (`index_sampler`), so
nothing has to be remembered to go on with a run, and any process can work out what item n is. A window is what makes
that affordable: a machine needs the shards of one at a time, and each shard once in a pass. With no more shards than a
window has, the order is that of a folder of the same songs.

The price: a machine reads every shard once in a pass, also where several machines share the items among them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

WINDOW = 16
"""Shards that are mixed with each other. It is part of the order, so a run cannot go on with another number."""

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ShardWindow:
    """Place of an item: a window of shards, and a position in it.

    Args:
        pass_number: number of passes over everything before this one.
        number: number of the window in its pass.
        position: position of the item in the window.
        shards: shards of the window.
        pieces: pieces of songs in these shards, ascending.
    """

    pass_number: int
    number: int
    position: int
    shards: tuple[int, ...]
    pieces: Places


class ShardShuffle:
    """Item index -> window of shards, see above.

    Args:
        shard_of: the shard of each piece.
        seed: seed of the order.
        items: how many items each piece gives in a pass on average; by default one each.
        window: shards in a window; by default `WINDOW`.
    """

    def __init__(
        self, shard_of: Sequence[int] | Places, *, seed: int, items: npt.ArrayLike = 1.0, window: int | None = None
    ) -> None:
        of = np.asarray(shard_of, dtype=np.int64)
        weights = np.broadcast_to(np.asarray(items, dtype=np.float64), of.shape)
        self.seed, self.window = seed, WINDOW if window is None else window
        self._shards = np.unique(of)  # those without a piece, all for validation perhaps, are not there
        by_shard = np.argsort(of, kind="stable")
        self._pieces: list[Places] = np.split(by_shard, np.flatnonzero(np.diff(of[by_shard])) + 1)
        self._items = np.array([max(1, round(weights[pieces].sum())) for pieces in self._pieces])
        self.total = int(self._items.sum())
        self._pass: tuple[int, Places, Places] | None = None
        self._window: tuple[tuple[int, int], tuple[int, ...], Places] | None = None
        self._order: tuple[tuple[int, int], Places] | None = None

    def at(self, index: int) -> ShardWindow:
        """The window of an item."""
        pass_number, position = divmod(index, self.total)
        shards, ends = self._of_pass(pass_number)
        window = int(np.searchsorted(ends, position, side="right"))
        begin = 0 if window == 0 else int(ends[window - 1])
        if self._window is None or self._window[0] != (pass_number, window):
            chosen = np.sort(shards[window * self.window : (window + 1) * self.window])
            pieces = np.sort(np.concatenate([self._pieces[shard] for shard in chosen]))
            self._window = ((pass_number, window), tuple(int(self._shards[shard]) for shard in chosen), pieces)
        return ShardWindow(pass_number, window, position - begin, self._window[1], self._window[2])

    def shards_after(self, found: ShardWindow) -> tuple[int, ...]:
        """The shards of the window that comes next."""
        pass_number, number = found.pass_number, found.number + 1
        if number == len(self._of_pass(pass_number)[1]):
            pass_number, number = pass_number + 1, 0
        chosen = self._permuted(pass_number)[number * self.window : (number + 1) * self.window]
        return tuple(int(self._shards[shard]) for shard in np.sort(chosen))

    def piece(self, index: int) -> int:
        """The piece of an item where each gives one item in a pass."""
        found = self.at(index)
        key = (found.pass_number, found.number)
        if self._order is None or self._order[0] != key:
            # The first window has the seed that a folder has.
            seed = (self.seed, 1, found.pass_number, *([found.number] if found.number else []))
            self._order = (key, np.random.default_rng(seed).permutation(len(found.pieces)))
        return int(found.pieces[self._order[1][found.position]])

    def _of_pass(self, number: int) -> tuple[Places, Places]:
        """Shards of a pass in their order, and at which position each of its windows ends."""
        if self._pass is None or self._pass[0] != number:
            shards = self._permuted(number)
            ends = np.cumsum(self._items[shards])[self.window - 1 :: self.window]
            if len(shards) % self.window:
                ends = np.append(ends, self.total)
            self._pass = (number, shards, ends)
        return self._pass[1], self._pass[2]

    def _permuted(self, pass_number: int) -> Places:
        return np.random.default_rng((self.seed, 4, pass_number)).permutation(len(self._shards))
