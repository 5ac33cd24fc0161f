"""Keys, scales, chords and voice leading.

Pitches are MIDI numbers (60 is middle C), pitch classes are pitches modulo 12. A *scale index* counts scale notes:
index 0 is the tonic nearest above MIDI 0, seven indices are an octave.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

SCALES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
}
"""Semitones above the tonic of each mode."""

MAJOR_NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
MINOR_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_NUMERALS = {"i": 0, "ii": 1, "iii": 2, "iv": 3, "v": 4, "vi": 5, "vii": 6}


@dataclass(frozen=True)
class Key:
    """A tonic (pitch class) and a mode out of `SCALES`."""

    tonic: int
    mode: str

    def __post_init__(self) -> None:
        """Raise ValueError for a tonic outside 0..11 or an unknown mode."""
        if not 0 <= self.tonic < 12:
            raise ValueError(f"tonic is {self.tonic}; a pitch class from 0 to 11 would do")
        if self.mode not in SCALES:
            raise ValueError(f"mode is {self.mode!r}; one of {', '.join(SCALES)} would do")

    @property
    def quality(self) -> str:
        """`"major"` or `"minor"`, by the third of the mode."""
        return "major" if SCALES[self.mode][2] == 4 else "minor"

    @property
    def name(self) -> str:
        """Tonic and quality, such as `"A minor"`."""
        names = MAJOR_NAMES if self.quality == "major" else MINOR_NAMES
        return f"{names[self.tonic]} {self.quality}"

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """The seven pitch classes of the mode, from the tonic up."""
        return tuple((self.tonic + step) % 12 for step in SCALES[self.mode])

    def pitch(self, index: int) -> int:
        """MIDI pitch of a scale index."""
        octave, degree = divmod(index, 7)
        return 12 * octave + self.tonic + SCALES[self.mode][degree]

    def index_near(self, pitch: float) -> int:
        """The scale index whose pitch is nearest to `pitch` (the lower one of two)."""
        guess = int((pitch - self.tonic) * 7 / 12)
        return min(range(guess - 3, guess + 4), key=lambda index: (abs(self.pitch(index) - pitch), index))


def parse_key(text: str) -> tuple[int, str]:
    """Read `"A minor"`, `"Eb major"`, `"f# min"`, `"Am"` or `"C"` as (pitch class, `"major"` or `"minor"`).

    Raises ValueError for anything else.
    """
    match = re.fullmatch(r"\s*([A-Ga-g])\s*(#|♯|b|♭|sharp|flat)?\s*(major|minor|maj|min|m)?\s*", text)
    if match is None:
        raise ValueError(f'key is {text!r}; a key such as "A minor" or "Eb major" would do')
    letter, accidental, quality = match.groups()
    shift = 0 if accidental is None else 1 if accidental in ("#", "♯", "sharp") else -1
    return (_LETTERS[letter.upper()] + shift) % 12, "minor" if quality in ("minor", "min", "m") else "major"


@dataclass(frozen=True)
class Chord:
    """A chord of a key: pitch classes from the root up, and the scale notes a melody should not rest on."""

    numeral: str
    tones: tuple[int, ...]
    avoid: tuple[int, ...] = ()

    @property
    def root(self) -> int:
        """Pitch class of the root."""
        return self.tones[0]


def chord(key: Key, numeral: str) -> Chord:
    """Spell a Roman numeral in a key: thirds stacked in the mode, `7` and `9` added on request.

    The case says the third: upper case is a major third and lower case a minor one, so that `V` in a minor key has the
    leading tone. The scale note that an altered third displaces goes into `avoid`.
    """
    match = re.fullmatch(r"([ivIV]+)(7|9)?", numeral)
    if match is None or match[1].lower() not in _NUMERALS:
        raise ValueError(f"numeral is {numeral!r}; one of I..VII or i..vii, with 7 or 9 behind it, would do")
    degree = _NUMERALS[match[1].lower()]
    count = {None: 3, "7": 4, "9": 5}[match[2]]
    scale = key.pitch_classes
    tones = [scale[(degree + 2 * step) % 7] for step in range(count)]
    third = (tones[0] + (4 if match[1].isupper() else 3)) % 12
    avoid: tuple[int, ...] = ()
    if third != tones[1]:
        avoid = (tones[1],)
        tones[1] = third
    return Chord(numeral, tuple(tones), avoid)


def lead_voices(tones: Sequence[int], previous: Sequence[int] | None, low: int, high: int) -> tuple[int, ...]:
    """The close position of `tones` inside low..high that moves least from `previous` (mid-register if None).

    Returns ascending MIDI pitches, one per tone.
    """
    candidates: list[tuple[int, ...]] = []
    for start in range(len(tones)):
        rotation = [*tones[start:], *tones[:start]]
        pitches = [rotation[0]]
        for tone in rotation[1:]:
            pitches.append(pitches[-1] + ((tone - pitches[-1]) % 12 or 12))
        for octave in range(0, 128, 12):
            moved = tuple(pitch + octave for pitch in pitches)
            if low <= moved[0] and moved[-1] <= high:
                candidates.append(moved)
    if not candidates:  # register narrower than the chord: stand on its lower edge
        return tuple(sorted(low + (tone - low) % 12 for tone in tones))
    if previous is None:
        return min(candidates, key=lambda pitches: abs(sum(pitches) / len(pitches) - (low + high) / 2))
    return min(candidates, key=lambda pitches: (_movement(pitches, previous), pitches))


def _movement(pitches: Sequence[int], previous: Sequence[int]) -> float:
    """Semitones that the voices move in all, each to its nearest neighbour."""
    return sum(min(abs(pitch - old) for old in previous) for pitch in pitches)


def place(pitch_class: int, low: int) -> int:
    """The lowest pitch of a pitch class at or above `low`."""
    return low + (pitch_class - low) % 12
