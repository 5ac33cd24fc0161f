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
    """A chord of a key: pitch classes from the root up, and the scale notes a melody should not rest on.

    `bass` is the pitch class that the bass plays; None means the root.
    """

    numeral: str
    tones: tuple[int, ...]
    avoid: tuple[int, ...] = ()
    slash: int | None = None

    @property
    def root(self) -> int:
        """Pitch class of the root."""
        return self.tones[0]

    @property
    def bass(self) -> int:
        """Pitch class that the bass plays."""
        return self.root if self.slash is None else self.slash


_NUMERAL = re.compile(r"(b)?([ivIV]+)(7|9|b7|sus)?(?:/([1357]))?")


def chord(key: Key, numeral: str) -> Chord:
    """Spell a Roman numeral in a key: thirds stacked in the mode, with these additions.

    The case says the third: upper case is a major third and lower case a minor one, so that `V` in a minor key has the
    leading tone. A major chord has a perfect fifth, also where that of the mode is diminished: `III7` in mixolydian is
    the dominant of the sixth degree. `VI` in dorian is the one of the minor scale, as songs in minor keys mean it. `b`
    before it lowers root and fifth by a semitone (`bVII` in a major key). Behind it, `7` and `9` add thirds of a mode,
    `b7` a minor seventh (`IVb7`), `sus` puts the fourth in place of the third. `/3`, `/5` and `/7` put that tone of the
    chord into the bass, and `/1` the tonic of the key. The scale notes that an altered tone displaces go into `avoid`.

    Raises ValueError for anything else.
    """
    match = _NUMERAL.fullmatch(numeral)
    if match is None or match[2].lower() not in _NUMERALS or (match[4] == "7" and match[3] in (None, "sus")):
        raise ValueError(
            f"numeral is {numeral!r}; one of I..VII or i..vii, with b before it and 7, 9, b7, sus or /3 behind it, "
            "would do"
        )
    degree = _NUMERALS[match[2].lower()]
    count = {None: 3, "sus": 3, "7": 4, "b7": 4, "9": 5}[match[3]]
    scale = key.pitch_classes
    natural = [scale[(degree + 2 * step) % 7] for step in range(count)]
    tones = list(natural)
    is_major = match[2].isupper()
    if is_major and degree == 5 and key.mode == "dorian" and not match[1]:
        tones[0] = (tones[0] - 1) % 12
    if is_major:
        tones[2] = (tones[0] + 7) % 12
    if match[1]:
        tones[0] = (tones[0] - 1) % 12
        tones[2] = (tones[0] + 7) % 12
    tones[1] = (tones[0] + (5 if match[3] == "sus" else 4 if is_major else 3)) % 12
    if match[3] == "b7":
        tones[3] = (tones[0] + 10) % 12
    displaced = (old for old, new in zip(natural, tones, strict=True) if old != new)
    avoid = tuple(tone for tone in displaced if tone not in tones)
    slash = None
    if match[4]:
        slash = key.tonic if match[4] == "1" else tones[int(match[4]) // 2]
    return Chord(numeral, tuple(tones), avoid, slash)


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
