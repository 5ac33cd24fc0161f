"""Grooves, half time, fills, pick-ups, builds and the last hit."""

from collections.abc import Mapping, Sequence
from random import Random

from ..instruments import DRUM_KEYS
from .score import Bar, BeatNote
from .steps import bar_of, parse

FULL_FILLS: tuple[tuple[int, Mapping[str, str]], ...] = (
    (4, {"snare": "xoXx"}),
    (4, {"snare": "x.x.", "kick": "x..."}),
    (4, {"snare": "xx..", "low tom": "..xX"}),
    (8, {"snare": "x.xox...", "high tom": "......xx", "kick": "x...x..."}),
    (8, {"high tom": "xx......", "mid tom": "..xx....", "low tom": "....xxXX"}),
    (8, {"snare": "x..x..x.", "kick": ".x..x..x", "low tom": ".......x"}),
    (8, {"snare": "o.oxoxxX", "kick": "x...x..."}),
    (8, {"snare": "X.x.....", "mid tom": "...x.x..", "low tom": "......x.", "kick": "x..x..x."}),
)
SOFT_FILLS: tuple[tuple[int, Mapping[str, str]], ...] = (
    (4, {"snare": "o.oo"}),
    (4, {"rim": "x..x"}),
    (4, {"snare": "oo.x"}),
)
_KEPT = ("hat", "ride", "shaker")  # cymbals go on through a fill
_BACKBEAT = ("kick", "snare", "clap", "rim")  # what half time slows down
_SPARE = ("hat", "ride", "shaker", "open", "tambourine", "maracas", "conga")
PICKUPS = 0.6
"""Chance that drums which come in after a rest announce it."""


def drum_part(
    bars: Sequence[Bar],
    role: str,
    grooves: Sequence[Mapping[str, str]],
    velocity: float,
    rng: Random,
    *,
    fills: str = "full",
) -> list[BeatNote]:
    """Play a groove (one for the song, varied per section) with fills where the form asks for them.

    A fill ends on the next downbeat, also where the drums pause there. `fills` is `"full"`, `"soft"` or `"none"`; keys
    of a groove are names out of `DRUM_KEYS`.
    """
    groove = rng.choice(grooves)
    spare = [name for name in groove if name in _SPARE]
    thinner = {section: _thinned(groove, spare, rng) for section in ("intro", "verse", "break", "bridge", "outro")}
    choices = {"full": FULL_FILLS, "soft": SOFT_FILLS, "none": ()}[fills]
    short = [one for one in choices if one[0] == 4]
    notes: list[BeatNote] = []
    filled = False
    for number, bar in enumerate(bars):
        level = velocity * bar.intensity
        following = bars[number + 1] if number + 1 < len(bars) else bar
        playing = role in bar.roles
        if bar.final:
            last = ("kick", "crash") if fills == "full" else ("kick",) if filled or "kick" in groove else ()
            notes += [BeatNote(bar.start, 1.0, DRUM_KEYS[name], velocity) for name in last if playing]
            continue
        if filled and not playing:
            landing = ("kick", "crash") if fills == "full" else ("kick",)
            notes += [BeatNote(bar.start, 1.0, DRUM_KEYS[name], level) for name in landing]
        filled = False
        enters = role in following.roles and not following.final and short and rng.random() < PICKUPS
        if not playing:
            if enters:
                notes += _filled(bar, *rng.choice(short), level)
                filled = True
            continue
        if bar.drums == "build":
            notes += _build(bar, level)
        else:
            steps, fill = rng.choice(choices) if bar.fill and choices else (0, {})
            kept = 4 * bar.beats - steps
            for name, pattern in dict(thinner.get(bar.section, groove)).items():
                rhythm = _rhythm(bar, name, pattern)
                notes += _hits(bar, name, rhythm if name in _KEPT else rhythm[:kept], 0, level)
            notes += _filled(bar, steps, fill, level)
            filled = steps > 0
        if bar.crash and fills == "full":
            notes.append(BeatNote(bar.start, 1.0, DRUM_KEYS["crash"], velocity * 0.95))
    return notes


def _thinned(groove: Mapping[str, str], spare: Sequence[str], rng: Random) -> Mapping[str, str]:
    """A lighter version of the groove that keeps its pulse."""
    if len(spare) >= 2 and rng.random() < 0.7:
        left_out = rng.choice(spare)
        return {name: steps for name, steps in groove.items() if name != left_out}
    return groove


def _rhythm(bar: Bar, name: str, pattern: str) -> str:
    """Hits of a drum in a bar; at half time the first half of its rhythm, twice as long."""
    steps = bar_of(pattern, bar.index, bar.beats)
    if bar.drums == "half" and name in _BACKBEAT:
        return "".join(step + "." for step in steps[: len(steps) // 2])
    return steps


def _build(bar: Bar, velocity: float) -> list[BeatNote]:
    """A snare roll over a steady kick that gets denser towards the end of the section."""
    beats = bar.beats
    rolls = {0: "xoxx" if bar.place else "xoxo", 1: "x.x."}
    roll = rolls.get(bar.left, "x...") * beats
    level = velocity * (0.72 + 0.28 / (1 + bar.left))
    kick = "X..." * beats if bar.left else "X..." * (beats // 2) + "." * (4 * (beats - beats // 2))
    return _hits(bar, "snare", roll, 0, level * 0.86) + _hits(bar, "kick", kick, 0, level)


def _filled(bar: Bar, steps: int, fill: Mapping[str, str], velocity: float) -> list[BeatNote]:
    """A fill at the end of a bar."""
    offset = 4 * bar.beats - steps
    return [note for name, rhythm in fill.items() for note in _hits(bar, name, rhythm, offset, velocity)]


def _hits(bar: Bar, name: str, steps: str, offset: int, velocity: float) -> list[BeatNote]:
    """The notes of a drum whose rhythm starts `offset` steps into the bar."""
    found: list[BeatNote] = []
    for step in parse(steps):
        start = bar.start + offset / 4 + step.start
        level = velocity * step.accent
        found.append(BeatNote(start, 0.2, DRUM_KEYS[name], level))
        if step.symbol == "r":
            found.append(BeatNote(start + 0.125, 0.1, DRUM_KEYS[name], level * 0.85))
    return found
