"""Melodies out of motifs: stated, moved to the next chord, answered and brought to rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from ..theory import Chord, Key
from .score import Bar, BeatNote
from .steps import parse

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
    "funk": ("x.xx..x-..x.x-x-", "..x.xx..x-x...x-", "x-.x..x.x.xx..x-", "xx.x..x-....x-x-", "x..x..x-x..x..x-"),
    "blues": ("x-x-x-x-x-----..", "..x-x-x-x---....", "x---x-x-x---x---", "..x-x---x-x-x---"),
    "theme": ("x-----x-x-------", "x-------x---x---", "x---x---x---x-x-", "x-----------x-x-", "x-----x-x---x---"),
    "waltz": ("x-------x---", "x---x---x---", "x-----x-x-x-", "x-------....", "x---x-x-x---"),
}
"""One-bar rhythms by character (`mousai.compose.writing.steps`)."""

_ENDINGS = {
    4: ("x-x-x-------....", "x---x-------....", "x-----------....", "x-----x-------.."),
    3: ("x-------....", "x---x-----.."),
}
SUNG = ("verse", "chorus", "bridge", "solo")
"""Sections with a melody of their own."""
_SUNG_AS = {"intro": "verse", "build": "verse", "drop": "chorus", "break": "chorus", "outro": "chorus"}
PICKUPS = 0.5
"""Share of songs that have pick-ups."""
_PICKUPS = ((1.0, 0.5), (0.5,), (0.75, 0.5, 0.25), (1.0,), (1.5, 1.0, 0.5))
"""When the notes of a pick-up come, in beats before the bar line."""
ANSWERED = (1, 3)
"""Bars of a phrase whose second half belongs to the answer."""
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
    low: int,
    high: int,
    velocity: float,
    rng: Random,
) -> list[BeatNote]:
    """Sing over the chords in low..high, in phrases of four bars: motif, second motif, motif again, rest.

    Every note is in the scale of its bar's key; notes on beats one and three and long notes are chord tones. Every
    section has motifs of its own and the chorus sits higher. A section that comes back is sung as before, the verse now
    and then with other tails; a solo is always new. Where an answer plays (`answer_part`), the melody leaves it room.
    Some songs have pick-ups into their sections. The last note is the tonic.
    """
    beats = bars[0].beats
    motifs = {name: tuple(_motif(rng.choice(RHYTHMS[feel]), rng) for _ in range(2)) for name in SUNG}
    endings = {name: _motif(rng.choice(_ENDINGS[beats]), rng) for name in ("open", "closed")}
    arc = {name: tuple(rng.choice((0, 1, 2, 3)) for _ in range(4)) for name in SUNG}
    picked = {name: rng.choice(_PICKUPS) for name in SUNG} if rng.random() < PICKUPS else {}
    sung: list[list[BeatNote]] = []
    known: dict[tuple[object, ...], tuple[int, list[tuple[float, float, int]]]] = {}
    pitch = round((low + high) / 2)
    for bar in bars:
        if role not in bar.roles:
            sung.append([])
            continue
        if bar.final:
            sung.append([BeatNote(bar.start, bar.hold, _last(bar.key, pitch, low, high), velocity)])
            continue
        name = _SUNG_AS.get(bar.section, bar.section)
        fresh = name == "solo" or (name == "verse" and bar.visit > 0 and rng.random() < 0.25)
        chords = tuple((span.start, span.chord.numeral) for span in bar.spans)
        place = (name, bar.phrase_bar, bar.left == 0, chords, bar.place // 4 if name == "solo" else 0)
        if fresh or place not in known:
            if name == "solo":
                motif = _motif(rng.choice(RHYTHMS[feel]), rng)
            elif bar.phrase_bar == 3:
                motif = endings["closed" if bar.left == 0 else "open"]
            else:
                motif = motifs[name][bar.phrase_bar % 2]
                if bar.phrase_bar == 2 and rng.random() < 0.4:  # the motif comes back with another tail
                    motif = Motif(motif.rhythm, (*motif.moves[:-1], rng.choice(_MOVES)) if motif.moves else ())
            target = -2 + (2 if name == "chorus" else 1 if name == "bridge" else 0) + arc[name][bar.phrase_bar]
            known[place] = bar.key.tonic, _sing(bar, motif, target, pitch, low, high)
        tonic, line = known[place]
        if "answer" in bar.roles and bar.phrase_bar in ANSWERED:
            line = [note for note in line if note[0] < beats / 2]
        shift = _shift([sounding for _, _, sounding in line], (bar.key.tonic - tonic + 6) % 12 - 6, low, high)
        level = velocity * bar.intensity
        notes = [
            BeatNote(bar.start + start, length, sounding + shift, level * (1.06 if start % 2 == 0 else 0.97))
            for start, length, sounding in line
        ]
        sung.append(notes)
        pitch = notes[-1].pitch if notes else pitch
    for number, bar in enumerate(bars[1:], 1):
        name = _SUNG_AS.get(bar.section, bar.section)
        if bar.section_start and not bar.final and sung[number] and name in picked:
            _pick_up(bars[number - 1], bar, sung[number - 1], sung[number], picked[name], (low, high), velocity)
    return [note for notes in sung for note in notes]


def answer_part(
    bars: Sequence[Bar], role: str, patterns: Sequence[str], low: int, high: int, velocity: float, rng: Random
) -> list[BeatNote]:
    """Answer the melody in the second half of the bars that it leaves (`ANSWERED`).

    `patterns` are rhythms of half a bar, one for every section.
    """
    beats = bars[0].beats
    licks = {name: _motif(rng.choice(patterns), rng) for name in SUNG}
    notes: list[BeatNote] = []
    pitch = round((low + high) / 2)
    for bar in bars:
        if role not in bar.roles:
            continue
        if bar.final:
            notes.append(BeatNote(bar.start, bar.hold, _last(bar.key, pitch, low, high), velocity))
            continue
        if bar.phrase_bar not in ANSWERED:
            continue
        lick = licks[_SUNG_AS.get(bar.section, bar.section)]
        for start, length, sounding in _sing(bar, lick, 0, pitch, low, high, offset=beats / 2):
            pitch = sounding
            notes.append(BeatNote(bar.start + start, length, pitch, velocity * bar.intensity))
    return notes


def _sing(
    bar: Bar, motif: Motif, target: int, pitch: int, low: int, high: int, *, offset: float = 0.0
) -> list[tuple[float, float, int]]:
    """A motif on the chords of a bar as (start, length, pitch), near `target` scale steps over the middle."""
    key = bar.key
    middle, previous = key.index_near((low + high) / 2), key.index_near(pitch)
    index = _nearest(bar.chord_at(offset), key, round(((middle + target) * 2 + previous) / 3))
    found: list[tuple[float, float, int]] = []
    for number, step in enumerate(parse(motif.rhythm)):
        if number:
            index += motif.moves[(number - 1) % len(motif.moves)]
        start = step.start + offset
        harmony = bar.chord_at(start)
        index = _settle(index, harmony, key, start % 2 == 0 or step.length >= 1, previous, low, high)
        length = step.length
        for span in bar.spans[1:]:  # a note that the next chord does not hold ends where it comes
            clash = key.pitch(index) % 12 not in span.chord.tones
            if start < span.start < start + length and clash:
                length = span.start - start
        found.append((start, length * 0.96, key.pitch(index)))
        previous = index
    return found


def _pick_up(
    before: Bar,
    bar: Bar,
    earlier: list[BeatNote],
    sung: Sequence[BeatNote],
    rhythm: tuple[float, ...],
    register: tuple[int, int],
    velocity: float,
) -> None:
    """Lead into a section by steps: notes at the end of the bar before it, which belong to its first chord."""
    first = sung[0]
    if first.start != bar.start:
        return
    begin = bar.start - rhythm[0]
    if any(note.start >= begin for note in earlier):
        return
    for number, note in enumerate(earlier):
        if note.start + note.length > begin:
            earlier[number] = BeatNote(note.start, begin - note.start, note.pitch, note.velocity)
    goal = bar.key.index_near(first.pitch)
    below = bar.key.pitch(goal - len(rhythm)) >= register[0]
    scale = bar.chord_at(0).avoid
    for number, ahead in enumerate(rhythm):
        away = len(rhythm) - number
        index = goal - away if below else goal + away
        if bar.key.pitch(index) % 12 in scale:
            continue
        until = rhythm[number + 1] if number + 1 < len(rhythm) else 0.0
        level = velocity * before.intensity * (0.9 + 0.04 * number)
        earlier.append(BeatNote(bar.start - ahead, (ahead - until) * 0.92, bar.key.pitch(index), level))


def _last(key: Key, pitch: int, low: int, high: int) -> int:
    """The tonic in low..high nearest to a pitch."""
    tonics = [one for one in range(low, high + 1) if one % 12 == key.tonic]
    return min(tonics, key=lambda one: (abs(one - pitch), one))


def _shift(pitches: Sequence[int], lift: int, low: int, high: int) -> int:
    """Semitones that move a line by `lift`, by octaves back into the register where it would leave it."""
    if not lift or not pitches:
        return 0
    if max(pitches) + lift > high + 2:
        return lift - 12
    return lift + 12 if min(pitches) + lift < low - 2 else lift


def _motif(rhythm: str, rng: Random) -> Motif:
    count = max(len(parse(rhythm)) - 1, 1)
    return Motif(rhythm, tuple(rng.choice(_MOVES) for _ in range(count)))


def _nearest(harmony: Chord, key: Key, index: int) -> int:
    """The scale index of a tone of the chord nearest to `index`."""
    scale = key.pitch_classes
    near = [i for i in range(index - 4, index + 5) if scale[i % 7] in harmony.tones[:3]]
    return min(near, key=lambda i: (abs(i - index), i))


def _settle(index: int, harmony: Chord, key: Key, strong: bool, previous: int, low: int, high: int) -> int:
    """Bring a note into the register, within an octave of the one before, and onto the chord where it weighs."""
    while index - previous > 5:
        index -= 7
    while previous - index > 5:
        index += 7
    while key.pitch(index) > high:
        index -= 7
    while key.pitch(index) < low:
        index += 7
    if strong or key.pitch_classes[index % 7] in harmony.avoid:
        index = _nearest(harmony, key, index)
    return index
