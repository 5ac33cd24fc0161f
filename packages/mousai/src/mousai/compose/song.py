"""A composed song: its notes in seconds, and the facts that a caption may tell."""

from dataclasses import dataclass

from .annotations.spans import BarTime, ChordSpan, KeySpan, SectionSpan
from .writing.performance import Note
from .writing.score import Bar
from .writing.tempo import TempoMap

VERSION = 3
"""Of what is composed, how it is rendered and what is written of it: the songs of one seed are alike as long as it
stays (but for the wording of captions). 3: more styles, forms for songs of minutes, changes of key and tempo, facts
beside the sound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """The notes of one layer; `volume` and `pan` (64 is the middle) are MIDI controller values."""

    role: str
    instrument: str
    program: int
    is_drum: bool
    volume: int
    pan: int
    reverb: int
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Song:
    """A composed song. `style` is the branch of `genre`; `mode` the exact mode of `key`; `energy` is from 0 to 1.

    `bpm`, `key` and `mode` are those of the song's start; `tempo_map` and `keys` tell how they change. `bars` is the
    composer's plan, `bar_times` when its bars and beats are. Chords, sections and keys cover the song without gaps.
    """

    seed: int
    genre: str
    style: str
    bpm: int
    key: str
    mode: str
    tempo_map: TempoMap
    bars: tuple[Bar, ...]
    beats_per_bar: int
    duration: float
    palette: str
    energy: float
    mood: str
    title: str
    lead: str
    tracks: tuple[Track, ...]
    bar_times: tuple[BarTime, ...]
    chords: tuple[ChordSpan, ...]
    sections: tuple[SectionSpan, ...]
    keys: tuple[KeySpan, ...]

    @property
    def instruments(self) -> tuple[str, ...]:
        """Names of the instruments that sound, the lead first, each once."""
        return tuple(dict.fromkeys((self.lead, *(track.instrument for track in self.tracks))))

    @property
    def key_changes(self) -> bool:
        """Tell whether the song leaves its key."""
        return any(bar.key != self.bars[0].key for bar in self.bars)

    @property
    def seconds_per_beat(self) -> float:
        """Duration of a beat at the tempo of the song's start (`tempo_map` knows of changes)."""
        return 60.0 / self.bpm

    @property
    def tempos(self) -> tuple[tuple[float, float, float], ...]:
        """(start, end, beats per minute) of every tempo, in seconds, from the song's start to its end."""
        starts = [self.tempo_map.seconds(beat) for beat, _ in self.tempo_map.steps]
        ends = [*starts[1:], self.duration]
        tempos = [bpm for _, bpm in self.tempo_map.steps]
        return tuple(step for step in zip(starts, ends, tempos, strict=True) if step[0] < self.duration)

    @property
    def downbeats(self) -> tuple[float, ...]:
        """Seconds of the bar lines."""
        return tuple(bar.start for bar in self.bar_times)

    @property
    def beats(self) -> tuple[float, ...]:
        """Seconds of all beats."""
        return tuple(beat for bar in self.bar_times for beat in bar.beats)
