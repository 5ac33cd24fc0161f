"""Songs that are composed while training goes on."""

from dataclasses import dataclass

from mousai.errors import UserError
from mousai.training.config.checks import check_above, check_least

COMPOSE = "compose"
"""The `data` of a run on songs that are composed meanwhile."""


@dataclass(frozen=True, kw_only=True)
class ComposerConfig:
    """Songs that `mousai compose`'s composer makes while training goes on, for data=compose.

    Args:
        palettes: kinds of songs, taken in turn, see `mousai compose --palette`.
        seed: seed of the first palette's songs; the others have the numbers after it.
        duration: seconds of each song.
        songs: songs that are kept at most.
        first: songs that must be there before training begins.
        validation: songs, the first, that only validation uses.
        workers: processes that compose; by default one for each core but one.
    """

    palettes: tuple[str, ...] = ("all",)
    seed: int = 0
    duration: float = 30.0
    songs: int = 3000
    first: int = 160
    validation: int = 32
    workers: int | None = None

    def __post_init__(self) -> None:
        """Check every value."""
        if not self.palettes:
            raise UserError("composer.palettes", list(self.palettes), "must name one palette or more")
        check_least("composer.seed", self.seed, 0)
        check_above("composer.duration", self.duration, 0)
        if self.workers is not None:
            check_least("composer.workers", self.workers, 1)
        if not 0 < self.validation < self.first <= self.songs:
            raise UserError(
                "composer.validation",
                self.validation,
                f"it, composer.first={self.first} and composer.songs={self.songs} must rise, from 1 or more",
            )
