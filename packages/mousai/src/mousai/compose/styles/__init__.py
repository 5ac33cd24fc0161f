"""The table of styles: what tells a house track from a waltz."""

from ...errors import UserError
from .bands import BANDS
from .club import CLUB
from .concert import CONCERT
from .dance import DANCE_STYLES
from .groove_bands import GROOVE_BANDS
from .model import Part, Style
from .roots import ROOTS
from .world import WORLD

__all__ = ["GENRES", "STYLES", "Part", "Style", "styles_of"]

STYLES: tuple[Style, ...] = (*DANCE_STYLES, *BANDS, *CONCERT, *WORLD, *CLUB, *GROOVE_BANDS, *ROOTS)
"""Every style that the composer knows; several may share a genre."""

GENRES: tuple[str, ...] = tuple(dict.fromkeys(style.genre for style in STYLES))
"""The genres, in the order of the table."""


def styles_of(genre: str) -> tuple[Style, ...]:
    """The styles of a genre, or the style of that name or of a word for it (`dnb`).

    Raises UserError for an unknown name.
    """
    wanted = genre.strip().lower()
    found = tuple(style for style in STYLES if wanted in (style.genre, style.name))
    found = found or tuple(style for style in STYLES if wanted in style.words)
    if not found:
        raise UserError("genre", genre, f"one of {', '.join(GENRES)} would do")
    return found
