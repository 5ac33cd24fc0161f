"""The facts of a song, out of the composer's bars and of the notes that are really played."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...conditioning.chord_labels import quality_of
from ..theory import Chord
from ..writing.performance import Note
from ..writing.score import Bar
from ..writing.tempo import TempoMap
from .spans import BarTime, ChordSpan, KeySpan, SectionSpan

if TYPE_CHECKING:
    from ..song import Track

EARLY = 0.03
"""Seconds before a change of chord from which on a note belongs to what follows: players are not exact."""
MELODIC = ("lead", "answer")
"""Roles whose notes say nothing of the chords."""


def time_bars(bars: Sequence[Bar], tempo_map: TempoMap, duration: float) -> tuple[BarTime, ...]:
    """Bars and beats in seconds, as far as the song goes. The last bar, called ending, belongs to the outro."""
    found: list[BarTime] = []
    for bar in bars:
        beats = tuple(tempo_map.seconds(bar.start + beat) for beat in range(bar.beats))
        end = min(tempo_map.seconds(bar.start + bar.beats), duration)
        within = tuple(beat for beat in beats if beat < duration)
        if within:
            name = "outro" if bar.final else bar.section
            found.append(BarTime(start=beats[0], end=end, beats=within, section=name, first=bar.place == 0))
    return tuple(found)


def section_spans(times: Sequence[BarTime], duration: float) -> tuple[SectionSpan, ...]:
    """Sections from one start to the next; the last one lasts to the song's end."""
    starts = [
        time
        for number, time in enumerate(times)
        if time.first and not (number and time.section == times[number - 1].section == "outro")
    ]
    ends = [time.start for time in starts[1:]] + [float(duration)]
    return tuple(
        SectionSpan(start=time.start, end=end, name=time.section) for time, end in zip(starts, ends, strict=True)
    )


def key_spans(bars: Sequence[Bar], times: Sequence[BarTime], duration: float) -> tuple[KeySpan, ...]:
    """Keys from one change to the next."""
    starts = [
        (time.start, bar.key)
        for number, (bar, time) in enumerate(zip(bars, times, strict=False))
        if not number or bar.key != bars[number - 1].key
    ]
    ends = [start for start, _ in starts[1:]] + [float(duration)]
    return tuple(
        KeySpan(start=start, end=end, key=key.name, mode=key.mode)
        for (start, key), end in zip(starts, ends, strict=True)
    )


def chord_spans(
    bars: Sequence[Bar], tracks: Sequence["Track"], tempo_map: TempoMap, duration: float
) -> tuple[ChordSpan, ...]:
    """Chords from the song's start to its end, each as it is played.

    The plan says which chord a span has. Sevenths and ninths count where a chord layer plays them, and power chords are
    written as such: where no layer that sounds ever plays a third. A chord that goes on is one span; the last one goes
    on to the song's end, where its sound fades.
    """
    spans = [
        (tempo_map.seconds(bar.start + span.start), tempo_map.seconds(bar.start + span.start + 1), span.chord)
        for bar in bars
        for span in bar.spans
    ]
    spans = [span for span in spans if span[0] < duration]
    ends = [start for start, _, _ in spans[1:]] + [float(duration)]
    basses = [note for track in tracks if track.role == "bass" for note in track.notes]
    layers = [track.notes for track in tracks if not track.is_drum and track.role not in ("bass", *MELODIC)]
    heard = [[_within(notes, start, end) for (start, _, _), end in zip(spans, ends, strict=True)] for notes in layers]
    with_thirds = [
        any(_third(chord) & sounds for (_, _, chord), sounds in zip(spans, layer, strict=True)) for layer in heard
    ]
    found: list[ChordSpan] = []
    for number, ((start, second_beat, chord), end) in enumerate(zip(spans, ends, strict=True)):
        playing = [place for place, layer in enumerate(heard) if layer[number]]
        sounds = frozenset().union(*(heard[place][number] for place in playing))
        notes = {note for degree, note in enumerate(chord.tones) if not playing or degree < 3 or note in sounds}
        if playing and not any(with_thirds[place] for place in playing):
            notes -= _third(chord)
        span = ChordSpan(
            start=start,
            end=end,
            root=chord.root,
            quality=quality_of(frozenset((note - chord.root) % 12 for note in notes)),
            bass=_bass_at(basses, start, min(second_beat, end)),
        )
        if found and found[-1].label == span.label:
            before = found.pop()
            span = ChordSpan(start=before.start, end=end, root=before.root, quality=before.quality, bass=before.bass)
        found.append(span)
    return tuple(found)


def _third(chord: Chord) -> frozenset[int]:
    return frozenset(note for note in chord.tones if (note - chord.root) % 12 in (3, 4))


def _within(notes: Sequence[Note], start: float, end: float) -> frozenset[int]:
    """Pitch classes of the notes that begin in a span."""
    return frozenset(note.pitch % 12 for note in notes if start - EARLY <= note.start < end - EARLY)


def _bass_at(notes: Sequence[Note], start: float, second_beat: float) -> int | None:
    """Pitch class of the first bass note of a span's first beat, or of one that is held into it."""
    begun = [note for note in notes if start - EARLY <= note.start < second_beat - EARLY]
    if begun:
        return min(begun, key=lambda note: (note.start, note.pitch)).pitch % 12
    held = [note for note in notes if note.start < start and note.start + note.duration > second_beat - EARLY]
    return max(held, key=lambda note: note.start).pitch % 12 if held else None
