"""Values for what happens when in a song. Times are seconds from its start; pitch classes are 0 (C) to 11 (B)."""

from dataclasses import dataclass

from ...conditioning.chord_labels import notes_of, spell_label


@dataclass(frozen=True, slots=True, kw_only=True)
class BarTime:
    """A bar, from its bar line to the next one or to the song's end, and the seconds of its beats, the first its start.

    `first` tells whether a section begins with it. The last bar of a song may be cut short, and then lacks the beats
    that the cut took.
    """

    start: float
    end: float
    beats: tuple[float, ...]
    section: str
    first: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChordSpan:
    """A chord that sounds from `start` to `end`.

    `root` is a pitch class, or None where no chord is; `quality` is Harte's (`mousai.conditioning.chord_labels`);
    `bass` is the pitch class that the bass plays as the chord begins, None where it does not play.
    """

    start: float
    end: float
    root: int | None
    quality: str
    bass: int | None = None

    @property
    def label(self) -> str:
        """The chord in Harte's syntax: `A:min7/b3`."""
        return spell_label(self.root, self.quality, self.bass)

    @property
    def pitch_classes(self) -> frozenset[int]:
        """Its notes, without a bass that is none of them."""
        return frozenset() if self.root is None else frozenset((self.root + n) % 12 for n in notes_of(self.quality))


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionSpan:
    """A section: intro, verse, chorus, bridge, break, solo, build, drop or outro."""

    start: float
    end: float
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySpan:
    """A key, such as `A minor`, and its exact mode (major, minor, dorian, mixolydian)."""

    start: float
    end: float
    key: str
    mode: str
