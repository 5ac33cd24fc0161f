"""Grooves, fills and the last hit."""

from collections.abc import Mapping, Sequence
from random import Random

from .instruments import DRUM_KEYS
from .score import Bar, BeatNote
from .steps import bar_of, parse

_FILLS: tuple[tuple[int, Mapping[str, str]], ...] = (
    (4, {"snare": "xoXx"}),
    (4, {"snare": "x.x.", "kick": "x..."}),
    (8, {"snare": "x.xox...", "high tom": "......xx", "kick": "x...x..."}),
    (8, {"high tom": "xx......", "mid tom": "..xx....", "low tom": "....xxXX"}),
    (8, {"snare": "x..x..x.", "kick": ".x..x..x", "low tom": ".......x"}),
)
_SOFT_FILLS: tuple[tuple[int, Mapping[str, str]], ...] = ((4, {"snare": "o.oo"}), (4, {"rim": "x..x"}))


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

    `fills` is `"full"`, `"soft"` or `"none"`; keys of a groove are names out of `DRUM_KEYS`.
    """
    groove = rng.choice(grooves)
    spare = [name for name in groove if name in ("hat", "ride", "shaker", "open", "tambourine", "maracas", "conga")]
    thinner = {section: _thinned(groove, spare, rng) for section in ("intro", "verse", "break", "bridge")}
    choices = {"full": _FILLS, "soft": _SOFT_FILLS, "none": ()}[fills]
    notes: list[BeatNote] = []
    for bar in bars:
        if role not in bar.roles:
            continue
        if bar.final:
            last = ("kick", "crash") if fills == "full" else ("kick",) if "kick" in groove else ()
            notes += [BeatNote(bar.start, 1.0, DRUM_KEYS[name], velocity) for name in last]
            continue
        playing = dict(thinner.get(bar.section, groove))
        size = 4 * bar.beats
        fill_steps, fill = rng.choice(choices) if bar.fill and choices else (0, {})
        for name, pattern in playing.items():
            steps = bar_of(pattern, bar.index, bar.beats)
            keep = size - fill_steps if name not in ("hat", "ride", "shaker") else size
            notes += _hits(bar, name, steps[:keep], 0, velocity * bar.intensity)
        for name, steps in fill.items():
            notes += _hits(bar, name, steps, size - fill_steps, velocity * bar.intensity)
        if bar.crash and fills == "full":
            notes.append(BeatNote(bar.start, 1.0, DRUM_KEYS["crash"], velocity * 0.95))
    return notes


def _thinned(groove: Mapping[str, str], spare: Sequence[str], rng: Random) -> Mapping[str, str]:
    """A lighter version of the groove that keeps its pulse."""
    if len(spare) >= 2 and rng.random() < 0.7:
        left_out = rng.choice(spare)
        return {name: steps for name, steps in groove.items() if name != left_out}
    return groove


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
