"""A target: something that mutated input is given to."""

import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from mousai.errors import UserError


class Target(ABC):
    """Something that mutated input is given to.

    Args:
        folder: folder of its samples, which is its own.
    """

    share: ClassVar[float]
    """Share of all cases that it gets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def make(self, rng: random.Random, place: Path) -> Any:
        """Make a case: write its files into `place`, an empty folder; return what else there is, as JSON takes it."""

    @abstractmethod
    def run(self, case: Any, place: Path) -> bool:
        """Give a case to the code that reads it; return whether it was taken.

        Raises:
            UserError: it was refused, as it may be. Any other error is a fault.
        """


def taken(*calls: Callable[[], Any]) -> bool:
    """Call each, also where one before was refused; return whether none was."""
    found = True
    for call in calls:
        try:
            call()
        except UserError as error:
            check_line(error)
            found = False
    return found


def check_line(error: UserError) -> None:
    """Raise `AssertionError` unless an error is one line of printable text of bounded length."""
    line = str(error)
    assert line.isprintable(), f"holds what a terminal obeys: {line!a}"
    assert len(line) < 60_000, f"a line of {len(line)} letters"
