"""Songs that cannot be used: counted and listed, and too many of them end the work."""

from collections.abc import Mapping
from pathlib import Path

from mousai.data import check
from mousai.errors import UserError
from mousai.storage.weights import save_config


class BadSongs:
    """Songs that cannot be used, by name, and what is wrong with each.

    Args:
        source: folder or shards that the songs come from.
        report: JSON file of the bad songs.
        total: number of songs in all, of which no more than a hundredth may be bad.
    """

    def __init__(self, source: Path | str, report: Path, *, total: int) -> None:
        self.source, self.report, self.total = source, report, total
        self.found: dict[str, str] = {}

    def add(self, bad: Mapping[str, str]) -> None:
        """Add some more.

        Raises:
            UserError: these are too many; the report is written.
        """
        self.found |= bad
        if len(self.found) > check.MOST_BAD * self.total:
            self.save()
            name, why = next(iter(self.found.items()))
            raise UserError(
                self.source,
                hint=f"{len(self.found)} of {self.total} songs are bad, which is more than "
                f"{check.MOST_BAD:.0%}, such as {name}: {why} (all in {self.report}; `mousai data check` says more)",
            )

    def save(self) -> None:
        """Write the report."""
        save_config(self.report, dict(sorted(self.found.items())))
