"""The plan of a song: sections, layers and the chord of every bar."""

from collections.abc import Sequence
from random import Random

from .score import Bar, Span
from .styles import Style
from .theory import Key, chord

_BODY = ("verse", "chorus", "break", "chorus", "verse", "chorus", "bridge", "chorus")
_INTENSITY = {"intro": 0.82, "verse": 0.92, "chorus": 1.05, "break": 0.82, "bridge": 0.9, "ending": 1.0}


def plan_form(style: Style, key: Key, count: int, beats: int, roles: Sequence[str], rng: Random) -> tuple[Bar, ...]:
    """Lay out `count` bars of `beats` beats.

    Verse and chorus have a progression each; the first bar stands on the tonic, the last two are a cadence onto the
    tonic. `roles` are the layers of the song (such as drums, bass, chords, pad, lead).
    """
    mode = "minor" if key.quality == "minor" else "major"
    table = style.progressions[mode]
    progressions = {"verse": rng.choice(table), "chorus": rng.choice(table), "bridge": rng.choice(table)}
    for name in ("intro", "break", "ending"):
        progressions[name] = progressions["verse" if name == "intro" else "chorus"]
    layers = {name: _layers(name, roles, rng) for name in ("intro", "verse", "chorus", "break", "bridge", "ending")}
    sections = _sections(count - 1, rng)
    bars: list[Bar] = []
    for position, (name, place) in enumerate(sections):
        ends = position + 1 == len(sections) or sections[position + 1][1] == 0
        numerals = progressions[name][place % len(progressions[name])].split()
        if position == 0:
            numerals[0] = _tonic(key, style.sevenths)
        if position + 1 == len(sections) and position > 0:
            numerals = [style.cadence[mode]]
        spans = _spans(key, numerals, beats)
        bars.append(
            Bar(
                index=position,
                beats=beats,
                section=name,
                section_start=place == 0,
                phrase_bar=place % 4,
                roles=layers[name],
                intensity=_INTENSITY[name],
                spans=spans,
                fill=ends or (place % 4 == 3 and rng.random() < 0.35),
                crash=place == 0 and name in ("chorus", "verse") and position > 0,
                final=False,
            )
        )
    bars.append(
        Bar(
            index=len(bars),
            beats=beats,
            section="ending",
            section_start=True,
            phrase_bar=3,
            roles=frozenset(roles),
            intensity=1.0,
            spans=_spans(key, [_tonic(key, style.sevenths)], beats),
            fill=False,
            crash=True,
            final=True,
        )
    )
    return tuple(bars)


def _tonic(key: Key, sevenths: bool) -> str:
    return ("I" if key.quality == "major" else "i") + ("7" if sevenths and key.mode != "mixolydian" else "")


def _spans(key: Key, numerals: Sequence[str], beats: int) -> tuple[Span, ...]:
    """Divide a bar among its chords: halves in 4/4, two beats and one in 3/4."""
    if len(numerals) == 1:
        return (Span(0.0, beats, chord(key, numerals[0])),)
    first = float((beats + 1) // 2)
    return (Span(0.0, first, chord(key, numerals[0])), Span(first, beats - first, chord(key, numerals[1])))


def _sections(count: int, rng: Random) -> list[tuple[str, int]]:
    """(section, bar within it) of every bar but the last: an intro of 0 to 4 bars, then phrases of 4 or 8."""
    intro = rng.choice((0, 2, 2, 4)) if count >= 20 else rng.choice((0, 1, 2, 2)) if count >= 10 else 0
    length = 8 if count > 40 else 4
    offset = rng.choice((0, 0, 1))  # some songs start with the chorus
    found = [("intro", place) for place in range(min(intro, count))]
    body = 0
    while len(found) < count:
        name = _BODY[(body + offset) % len(_BODY)]
        found += [(name, place) for place in range(min(length, count - len(found)))]
        body += 1
    return found


def _layers(name: str, roles: Sequence[str], rng: Random) -> frozenset[str]:
    """Which layers play in a section; never fewer than two where the song has them, and never drums alone."""
    everything = set(roles)
    optional = [role for role in ("pad", "second", "arpeggio") if role in everything]
    left: set[str] = set()
    if name == "verse" and optional and rng.random() < 0.6:
        left = {rng.choice(optional)}
    elif name == "intro":
        left = {"lead"} | ({rng.choice(["drums", *optional])} if rng.random() < 0.6 else set())
    elif name == "break":
        left = {rng.choice(["drums", "bass", "lead"])} | ({"lead"} if rng.random() < 0.4 else set())
    elif name == "bridge" and optional:
        left = {"lead"} if rng.random() < 0.3 else {rng.choice(optional)}
    kept = everything - left
    tonal = kept - {"drums", "lead"}
    if len(kept) < 2 or not tonal:
        return frozenset(everything)
    return frozenset(kept)
