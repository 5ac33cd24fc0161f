"""The settings of `mousai evaluate --control`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mousai.errors import UserError, is_finite

PARTS = ("edit", "extend", "loop", "chords", "melody", "vary", "stream")
"""What is measured, in this order."""
COUNTS = {"edit": 40, "extend": 40, "loop": 20, "chords": 40, "melody": 40, "vary": 20, "stream": 20}
"""Songs, loops or changes of a stream of each part."""
FROM_SONGS = ("edit", "extend", "chords", "melody", "vary")
"""Parts that begin with songs."""
MOST_SONGS = 1000


@dataclass(frozen=True, kw_only=True)
class Lengths:
    """Seconds of what is made and heard.

    Args:
        song: songs that are composed.
        known: of a song, what is edited, or gone on from.
        more: new music after it.
        region: start and end of what is edited.
        chords: pieces with the chords of a song.
        melody: pieces with the tune of a song.
        vary: what is varied of a song.
        heard: music before and after the change of a prompt that the style judge hears.
        before_change: music before that change.
        stream: streams whose seams are measured.
        bars: bars of a loop.
    """

    song: float = 30.0
    known: float = 20.0
    more: float = 10.0
    region: tuple[float, float] = (8.0, 12.0)
    chords: float = 16.0
    melody: float = 10.0
    vary: float = 10.0
    heard: float = 8.0
    before_change: float = 16.0
    stream: float = 44.0
    bars: int = 4


FULL = Lengths()
QUICK = Lengths(
    song=10.0,
    known=6.0,
    more=3.0,
    region=(2.0, 4.0),
    chords=6.0,
    melody=4.0,
    vary=4.0,
    heard=2.0,
    before_change=2.0,
    stream=10.0,
    bars=1,
)
"""Lengths of a quick run, whose figures say nothing about the model."""


@dataclass(frozen=True, kw_only=True)
class ControlConfig:
    """What is measured, on how much.

    Args:
        parts: some of `PARTS`.
        songs: songs, loops and changes of each part; `None` for those of `COUNTS`.
        references: folder of annotated songs that no training saw; `None` composes them.
        stream_seconds: seconds of the stream whose speed and memory are measured.

    Raises:
        UserError: a setting is impossible.
    """

    parts: tuple[str, ...] = PARTS
    songs: int | None = None
    references: Path | None = None
    stream_seconds: float = 120.0

    def __post_init__(self) -> None:
        for part in self.parts:
            if part not in PARTS:
                raise UserError("control_parts", part, f"must be some of {', '.join(PARTS)}")
        if not self.parts:
            raise UserError("control_parts", hint=f"must be some of {', '.join(PARTS)}")
        if self.songs is not None and not 1 <= self.songs <= MOST_SONGS:
            raise UserError("control_songs", self.songs, f"must be 1 to {MOST_SONGS}")
        if self.references is not None and not self.references.is_dir():
            raise UserError("references", str(self.references), "no such folder")
        if not (is_finite(self.stream_seconds) and 4 <= self.stream_seconds <= 7200):
            raise UserError("control_stream_seconds", self.stream_seconds, "must be 4 to 7200 seconds")

    def count(self, part: str) -> int:
        """Songs, loops or changes of a part."""
        return COUNTS[part] if self.songs is None else self.songs

    @property
    def most_songs(self) -> int:
        """Songs that the parts need together; each begins with the first of them."""
        return max((self.count(part) for part in self.parts if part in FROM_SONGS), default=0)

    @property
    def composes(self) -> bool:
        """Tell whether songs must be composed."""
        return self.references is None and self.most_songs > 0

    def to_json(self) -> dict[str, Any]:
        """The settings as plain values."""
        found: dict[str, Any] = {"control_parts": list(self.parts), "control_stream_seconds": self.stream_seconds}
        found |= {} if self.songs is None else {"control_songs": self.songs}
        return found | ({} if self.references is None else {"references": str(self.references)})
