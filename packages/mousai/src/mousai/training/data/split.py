"""Split of files into those to train on and those for validation."""

import hashlib
from collections.abc import Sequence

SMALLEST = 20
"""Files from which on some are left to validation; a model needs all of fewer."""


def is_validation(names: Sequence[str], share: float) -> list[bool]:
    """Tell whether each file is for validation, by a hash of its name, so that new files move none of the old ones.

    At least one of 20 files or more; none of fewer. Files of the same name stay together.
    """
    ranks = [hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names]
    if not share or len(names) < SMALLEST:
        return [False] * len(names)
    chosen = [int.from_bytes(rank) < share * 2**64 for rank in ranks]
    if not any(chosen):
        least = min(ranks)
        return [rank == least for rank in ranks]
    return chosen


def train_val_split(names: Sequence[str], share: float) -> tuple[list[int], list[int]]:
    """Places of the names to train on, and of those for validation (`is_validation`)."""
    chosen = is_validation(names, share)
    train, val = ([place for place, is_val in enumerate(chosen) if is_val == which] for which in (False, True))
    return train, val
