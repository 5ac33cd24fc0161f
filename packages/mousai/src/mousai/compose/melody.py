"""Melodies out of motifs: stated, moved to the next chord, answered and brought to rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from .score import Bar, BeatNote
from .steps import Step, parse
from .theory import Chord, Key

RHYTHMS: dict[str, tuple[str, ...]] = {
    "song": (
        "x---x---x-x-x---",
        "x-----x-x---x---",
        "..x-x-x-x-----..",
        "x-x-x---x-x-x---",
        "x---x-x-x-----x-",
        "x-----x-----x---",
    ),
    "riff": ("x-xx-xx-x-x-x-x-", "x-x-xxx-x-x-xx--", "x--x--x-x--x--x-", "x-xxx-x-x-xxx-x-", "x--x--x---x-x-x-"),
    "hook": ("x--x--x-..x-x---", "x-.x-.x-x---x---", "x--x--x-----....", "..x-..x-..x-x---", "x---..x-x--x--x-"),
    "sparse": ("x-----------....", "x-------x-------", "........x-------", "x-----x---------", "x---------------"),
    "swing": ("x-x-x---..x-x-x-", "..x-x-x-x-x-x---", "x---..x-..x-x---", "x-x-x-x-x---....", "x-----x-..x-x-x-"),
    "lyric": ("x-------x---x---", "x---x---x-------", "x-----x-x-------", "x---x-x-x---x---", "x-------x-x-x---"),
    "dance": ("x-x-x-x-x-x-x-x-", "x-x-x-xxx-x-x---", "x---x-x-x-x-x-x-", "x-x-x---x-x-x-x-", "x-x-x-xxx-x-x-xx"),
    "latin": ("x---x-x-..x-x---", "..x-x---x-x-x---", "x-x-..x-x---x---", "x---x-x-----x-x-", "..x-x-x-x-----x-"),
    "waltz": ("x-------x---", "x---x---x---", "x-----x-x-x-", "x-------....", "x---x-x-x---"),
}
"""One-bar rhythms by character (`mousai.compose.steps`)."""

_ENDINGS = {
    4: ("x-x-x-------....", "x---x-------....", "x-----------....", "x-----x-------.."),
    3: ("x-------....", "x---x-----.."),
}
_MOVES = (-3, -2, -1, -1, -1, 0, 1, 1, 1, 2, 3)


@dataclass(frozen=True)
class Motif:
    """A bar of rhythm and the scale steps from each note to the next."""

    rhythm: str
    moves: tuple[int, ...]


def melody_part(
    bars: Sequence[Bar],
    role: str,
    feel: str,
    key: Key,
    low: int,
    high: int,
    velocity: float,
    rng: Random,
) -> list[BeatNote]:
    """Sing over the chords in low..high, in phrases of four bars: motif, second motif, motif again, rest.

    Every note is in the scale of `key`; notes on beats one and three and long notes are chord tones. Verse and chorus
    have motifs of their own and the chorus sits higher; a motif that comes back may have another tail. The last note is
    the tonic.
    """
    beats = bars[0].beats
    motifs: dict[tuple[str, int], Motif] = {}
    for name in ("verse", "chorus", "bridge"):
        for number in (0, 1):
            motifs[name, number] = _motif(rng.choice(RHYTHMS[feel]), rng)
    endings = [_motif(rng.choice(_ENDINGS[beats]), rng) for _ in range(2)]
    arc = {name: tuple(rng.choice((0, 1, 2, 3)) for _ in range(4)) for name in ("verse", "chorus", "bridge")}
    middle = key.index_near((low + high) / 2)
    notes: list[BeatNote] = []
    previous = middle
    for bar in bars:
        if role not in bar.roles:
            continue
        if bar.final:
            tonic = min(
                (
                    index
                    for index in range(previous - 7, previous + 8)
                    if index % 7 == 0 and _inside(key, index, low, high)
                ),
                key=lambda index: abs(index - previous),
                default=key.index_near(low + 6) // 7 * 7,
            )
            notes.append(BeatNote(bar.start, bar.beats, key.pitch(tonic), velocity))
            continue
        name = bar.section if bar.section in ("verse", "chorus", "bridge") else "chorus"
        if bar.phrase_bar == 3:
            motif = endings[name == "chorus"]
        else:
            motif = motifs[name, bar.phrase_bar % 2]
            if bar.phrase_bar == 2 and rng.random() < 0.4:  # the motif comes back with another tail
                motif = Motif(motif.rhythm, (*motif.moves[:-1], rng.choice(_MOVES)) if motif.moves else ())
        lift = 2 if name == "chorus" else 0
        target = middle - 2 + lift + arc[name][bar.phrase_bar]
        index = _nearest(bar.chord_at(0), key, round((target * 2 + previous) / 3))
        for number, step in enumerate(parse(motif.rhythm)):
            if number:
                index += motif.moves[(number - 1) % len(motif.moves)]
            index = _settle(index, bar.chord_at(step.start), key, step, previous, low, high)
            level = velocity * bar.intensity * (1.06 if step.start % 2 == 0 else 0.97)
            notes.append(BeatNote(bar.start + step.start, step.length * 0.96, key.pitch(index), level))
            previous = index
    return notes


def _motif(rhythm: str, rng: Random) -> Motif:
    count = max(len(parse(rhythm)) - 1, 1)
    return Motif(rhythm, tuple(rng.choice(_MOVES) for _ in range(count)))


def _inside(key: Key, index: int, low: int, high: int) -> bool:
    return low <= key.pitch(index) <= high


def _nearest(harmony: Chord, key: Key, index: int) -> int:
    """The scale index of a tone of the chord nearest to `index`."""
    scale = key.pitch_classes
    near = [i for i in range(index - 4, index + 5) if scale[i % 7] in harmony.tones[:3]]
    return min(near, key=lambda i: (abs(i - index), i))


def _settle(index: int, harmony: Chord, key: Key, step: Step, previous: int, low: int, high: int) -> int:
    """Bring a note into the register, within an octave of the one before, and onto the chord where it weighs."""
    while index - previous > 5:
        index -= 7
    while previous - index > 5:
        index += 7
    while key.pitch(index) > high:
        index -= 7
    while key.pitch(index) < low:
        index += 7
    strong = step.start % 2 == 0 or step.length >= 1
    if strong or key.pitch_classes[index % 7] in harmony.avoid:
        index = _nearest(harmony, key, index)
    return index
