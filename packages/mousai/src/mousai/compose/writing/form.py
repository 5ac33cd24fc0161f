"""The plan of a song: sections, layers and the chord of every bar."""

from collections.abc import Sequence
from random import Random

from ..styles import Style
from ..theory import Key, chord
from .changes import STEADY, Changes
from .score import Bar, Span
from .sections import lay_out

_INTENSITY = {
    "intro": 0.84, "verse": 0.92, "build": 0.94, "chorus": 1.05, "drop": 1.06, "break": 0.82, "bridge": 0.9,
    "solo": 1.0, "outro": 0.86,
}  # fmt: skip
_SAME_CHORDS = {"intro": "verse", "build": "verse", "solo": "verse", "drop": "chorus", "break": "chorus"}
_HIGH = ("chorus", "drop")


def plan_form(
    style: Style, key: Key, count: int, roles: Sequence[str], rng: Random, changes: Changes = STEADY
) -> tuple[Bar, ...]:
    """Lay out `count` bars.

    Verse, chorus and bridge have a progression each; the first bar stands on the tonic, the last two are a cadence onto
    the tonic. `roles` are the layers of the song (such as drums, bass, chords, pad, lead). With `changes.lift` the
    last chorus (or, where there is none, the last verse) and what follows stand that much higher.
    """
    sections = lay_out(style.form, count - 1, style.section_bars, rng)
    progressions = _progressions(style, key, sections, rng)
    layers = {name: _layers(name, roles, rng) for name in dict.fromkeys(name for name, _ in sections)}
    lifted = _lifted_from(sections) if changes.lift else len(sections)
    stops = rng.random() < (0.7 if style.form == "dance" else 0.18 if style.fills == "full" else 0.0)
    stop = rng.choice((1.0, 1.0, 2.0)) if style.form == "dance" else 1.0
    slow_drums = style.beats == 4 and style.fills == "full" and rng.random() < 0.15
    visits: dict[str, int] = {}
    bars: list[Bar] = []
    for number, (name, length) in enumerate(sections):
        visit = visits[name] = visits.get(name, -1) + 1
        following = sections[number + 1][0] if number + 1 < len(sections) else "ending"
        tonality = Key((key.tonic + changes.lift) % 12, key.mode) if number >= lifted else key
        for place in range(length):
            left = length - 1 - place
            playing = layers[name]
            if name == "intro" and length >= 4 and place < length // 2 and "drums" in playing:
                playing = _without(playing, "drums")
            if name == "build" and bars:
                playing = _without(playing, "bass")
            if name in _HIGH and number > 0 and all(other not in _HIGH for other, _ in sections[number + 1 :]):
                playing = frozenset(roles)  # the last one has everybody
            numerals = progressions[name][place % len(progressions[name])].split()
            if not bars:
                numerals[0] = _tonic(key, style)
            if following == "ending" and left == 0 and bars:
                numerals = style.cadence[key.quality].split()
            stopping = stops and left == 0 and following in _HIGH and name != following and length >= 2
            bars.append(
                Bar(
                    index=len(bars),
                    beats=style.beats,
                    key=tonality,
                    section=name,
                    place=place,
                    left=left,
                    visit=visit,
                    roles=tuple(sorted(playing)),
                    intensity=_INTENSITY[name] + (0.1 * place / length if name == "build" else 0.0),
                    spans=_spans(tonality, numerals, style.beats),
                    fill=not stopping and name != "build" and (left == 0 or (place % 4 == 3 and rng.random() < 0.35)),
                    crash=place == 0 and name in ("chorus", "verse", "drop", "solo", "bridge") and number > 0,
                    final=False,
                    drums="build" if name == "build" else "half" if slow_drums and name == "bridge" else "groove",
                    stop=stop if stopping else 0.0,
                )
            )
    last_key = bars[-1].key if bars else key
    bars.append(
        Bar(
            index=len(bars),
            beats=style.beats,
            key=last_key,
            section="ending",
            place=0,
            left=0,
            visit=0,
            roles=tuple(sorted(roles)),
            intensity=1.0,
            spans=_spans(last_key, [_tonic(last_key, style)], style.beats),
            fill=False,
            crash=True,
            final=True,
            hold=float(style.beats if changes.steady else 2 * style.beats),
        )
    )
    return tuple(bars)


def _progressions(
    style: Style, key: Key, sections: Sequence[tuple[str, int]], rng: Random
) -> dict[str, tuple[str, ...]]:
    """The chords of every section, in bars."""
    table = style.progressions[key.quality]
    chosen = {name: rng.choice(table) for name in ("verse", "chorus", "bridge")}
    if chosen["bridge"] == chosen["chorus"] and len(table) > 2:
        chosen["bridge"] = rng.choice([one for one in table if one not in (chosen["verse"], chosen["chorus"])])
    for name, other in _SAME_CHORDS.items():
        chosen[name] = chosen[other]
    names = [name for name, _ in sections]
    chosen["outro"] = chosen["chorus" if any(name in _HIGH for name in names) else "verse"]
    return chosen


def _lifted_from(sections: Sequence[tuple[str, int]]) -> int:
    """The section from which a song is lifted: its last chorus or verse, if it is not the first one of its name."""
    for number in range(len(sections) - 1, 0, -1):
        name = sections[number][0]
        if name in ("chorus", "verse") and name in [other for other, _ in sections[:number]]:
            return number
    return len(sections)


def _tonic(key: Key, style: Style) -> str:
    if style.tonic_seventh:
        return style.tonic_seventh[key.quality]
    return ("I" if key.quality == "major" else "i") + ("7" if style.sevenths and key.mode != "mixolydian" else "")


def _spans(key: Key, numerals: Sequence[str], beats: int) -> tuple[Span, ...]:
    """Divide a bar among its chords: halves in 4/4, two beats and one in 3/4."""
    if len(numerals) == 1:
        return (Span(0.0, beats, chord(key, numerals[0])),)
    first = float((beats + 1) // 2)
    return (Span(0.0, first, chord(key, numerals[0])), Span(first, beats - first, chord(key, numerals[1])))


def _without(playing: frozenset[str], role: str) -> frozenset[str]:
    """One layer less, unless too few would be left."""
    kept = playing - {role}
    return kept if kept - {"drums", "lead", "answer"} else playing


def _layers(name: str, roles: Sequence[str], rng: Random) -> frozenset[str]:
    """Layers that play in a section; never fewer than two where the song has them, and never drums alone."""
    everything = set(roles)
    optional = [role for role in ("pad", "second", "arpeggio", "answer") if role in everything]
    left: set[str] = set()
    if name == "verse" and optional and rng.random() < 0.6:
        left = {rng.choice(optional)}
    elif name == "intro":
        left = {"lead", "answer"} | ({rng.choice(["drums", *optional])} if rng.random() < 0.6 else set())
    elif name == "outro":
        left = {"lead", "answer"} if rng.random() < 0.4 else {rng.choice(optional)} if optional else set()
    elif name == "build":
        left = {"lead"} if rng.random() < 0.5 else set()
    elif name == "break":
        left = {rng.choice(["drums", "drums", "bass", "lead"])} | ({"lead"} if rng.random() < 0.4 else set())
    elif name == "bridge" and optional:
        left = {"lead"} if rng.random() < 0.3 else {rng.choice(optional)}
    kept = everything - left
    tonal = kept - {"drums", "lead", "answer"}
    if len(kept) < 2 or not tonal:
        return frozenset(everything)
    return frozenset(kept)
