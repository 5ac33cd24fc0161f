"""Bass lines from strings: `R` root, `T` third, `F` fifth, `O` root an octave up, `A` a step before the next root."""

from collections.abc import Sequence
from random import Random

from ..theory import Key, place
from .score import Bar, BeatNote
from .steps import STEPS_PER_BEAT, bar_of, parse


def bass_line(
    bars: Sequence[Bar], role: str, patterns: Sequence[str], low: int, velocity: float, rng: Random
) -> list[BeatNote]:
    """Play `patterns` (one per section, drawn once for the song) on the chords; roots stay within an octave of `low`.

    The root (of a slash chord: its bass, and nothing else) sounds on every change of chord whatever the pattern says
    there. An approach note is a scale step from the
    next root, or a semitone in a pattern of quarter notes (the walking bass).
    """
    chosen: dict[str, str] = {}
    notes: list[BeatNote] = []
    for number, bar in enumerate(bars):
        if role not in bar.roles:
            continue
        if bar.final:
            notes.append(BeatNote(bar.start, bar.hold, place(bar.spans[0].chord.root, low), velocity))
            continue
        if bar.section not in chosen:
            chosen[bar.section] = rng.choice(patterns)
        following = (bars[number + 1] if number + 1 < len(bars) else bar).spans[0].chord.bass
        steps = _with_changes(bar_of(chosen[bar.section], bar.index, bar.beats), bar)
        for step in parse(steps):
            harmony = bar.chord_at(step.start)
            base = place(harmony.bass, low)
            fifth = base + (harmony.tones[2] - harmony.root) % 12
            pitch = {
                "R": base,
                "T": base + (harmony.tones[1] - harmony.root) % 12,
                "F": fifth if fifth < low + 14 else fifth - 12,
                "O": base + 12,
                "A": _approach(place(following, low), bar.key, rng, chromatic=steps.count("---") == bar.beats),
            }[step.symbol if harmony.slash is None or step.symbol in "OA" else "R"]
            weight = 1.06 if step.start == 0 else 0.96
            notes.append(BeatNote(bar.start + step.start, step.length * 0.94, pitch, velocity * weight * bar.intensity))
    return notes


def _with_changes(steps: str, bar: Bar) -> str:
    """The rhythm with a root on every change of chord inside the bar, and at the start of the song."""
    if bar.index == 0:
        steps = "R" + steps[1:]
    for span in bar.spans[1:]:
        place = round(span.start * STEPS_PER_BEAT)
        steps = steps[:place] + "R" + steps[place + 1 :]
    return steps


def _approach(target: int, key: Key, rng: Random, *, chromatic: bool) -> int:
    """A neighbour of the next root."""
    above = rng.random() < 0.5
    if chromatic:
        return target + (1 if above else -1)
    index = key.index_near(target)
    pitch = key.pitch(index + (1 if above else -1))
    return pitch
