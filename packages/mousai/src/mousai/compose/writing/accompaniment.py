"""Chords: held, struck, strummed, as power chords, and broken into arpeggios."""

from collections.abc import Sequence
from random import Random

from ..theory import Chord, lead_voices, place
from .score import Bar, BeatNote
from .steps import parse, steps_in_bar

STRUM = 0.028
"""Beats between neighbouring strings of a strummed chord."""


def chord_part(
    bars: Sequence[Bar],
    role: str,
    patterns: Sequence[str],
    low: int,
    high: int,
    velocity: float,
    rng: Random,
    *,
    strum: bool = False,
    power: bool = False,
) -> list[BeatNote]:
    """Play the chords in a rhythm of `patterns`, one per section, voices led smoothly within low..high.

    `strum` spreads each chord, down on the beat and up off it; `power` plays root, fifth and octave.
    """
    chosen: dict[str, str] = {}
    notes: list[BeatNote] = []
    previous: tuple[int, ...] | None = None
    for bar in bars:
        if role not in bar.roles:
            continue
        if bar.section not in chosen:
            chosen[bar.section] = rng.choice(patterns)
        rhythm = (
            parse("x" + "-" * (4 * bar.beats - 1))
            if bar.final
            else tuple(steps_in_bar(chosen[bar.section], bar.index, bar.beats))
        )
        for step in rhythm:
            harmony = bar.chord_at(step.start)
            if power:
                root = place(harmony.root, low)
                voices: tuple[int, ...] = (root, root + 7, root + 12)
            else:
                voices = lead_voices(harmony.tones, previous, low, high)
                previous = voices
            length = bar.hold if bar.final else step.length * (1.0 if step.length >= 1 else 0.85)
            for end in (span.start + span.length for span in bar.spans):
                if step.start < end and not bar.final:  # a held chord stops where the harmony changes
                    length = min(length, end - step.start)
                    break
            ordered = voices if step.start % 1 == 0 else tuple(reversed(voices))
            for number, pitch in enumerate(ordered):
                delay = number * STRUM if strum else 0.0
                level = velocity * step.accent * bar.intensity
                notes.append(BeatNote(bar.start + step.start + delay, max(length - delay, 0.1), pitch, level))
    return notes


def arpeggio_part(
    bars: Sequence[Bar], role: str, patterns: Sequence[str], low: int, high: int, velocity: float, rng: Random
) -> list[BeatNote]:
    """Break the chords: digits of the pattern name the voice from the bottom up (0, 1, 2 …, wrapping by octaves)."""
    pattern = rng.choice(patterns)
    notes: list[BeatNote] = []
    previous: tuple[int, ...] | None = None
    for bar in bars:
        if role not in bar.roles:
            continue
        if bar.final:
            voices = lead_voices(bar.spans[0].chord.tones[:3], previous, low, high)
            notes += [BeatNote(bar.start + 0.04 * n, bar.hold, p, velocity) for n, p in enumerate(voices)]
            continue
        for step in steps_in_bar(pattern, bar.index, bar.beats):
            voices = lead_voices(_triad(bar.chord_at(step.start)), previous, low, high)
            previous = voices
            octave, voice = divmod(int(step.symbol), len(voices))
            level = velocity * (1.12 if step.start == 0 else 1.04 if step.start % 1 == 0 else 0.92) * bar.intensity
            notes.append(BeatNote(bar.start + step.start, step.length, voices[voice] + 12 * octave, level))
    return notes


def _triad(harmony: Chord) -> tuple[int, ...]:
    return harmony.tones[:3]
