"""Reference songs: annotated music that no training saw, composed here or brought by the user."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from mousai.audio.files import audio_info, read_audio
from mousai.conditioning.attributes import MusicAttributes
from mousai.conditioning.chord_labels import notes_of, parse_label
from mousai.conditioning.controls import Controls
from mousai.data.annotation import attributes_of, controls_of
from mousai.errors import UserError
from mousai.evaluation.clips import Row
from mousai.evaluation.control_config import ControlConfig, Lengths
from mousai.evaluation.features.waveform import Array
from mousai.evaluation.rendering import render_missing

FEWEST_NOTES = 6
"""Notes of a tune that can be recognized."""
LEAST_TRIADS = 0.5
"""Share of the time in which major or minor triads sound, below which the chord judge has too little to hear."""
LEAST_KNOWN = 6.0
"""Seconds of a song that must be there before the new music after it."""
ATTEMPTS = 200


@dataclass(frozen=True)
class ReferenceSong:
    """A song and what is known of it.

    Args:
        path: file of it.
        seconds: length.
        fields: `bpm`, `key`, `chords`, `melody`, ..., as a row of `mousai compose` has them.
    """

    path: Path
    seconds: float
    fields: Mapping[str, Any]

    def sound(self, sample_rate: int, seconds: float | None = None) -> Array:
        """Its first seconds, `[2, samples]`; all of it where none are given."""
        found: Array = read_audio(self.path, sample_rate=sample_rate, duration=seconds)
        return found

    @cached_property
    def digest(self) -> str:
        """Short hash of the file and of what is known of it, by which a measured row is known again."""
        known = repr((self.attributes, self.controls)).encode()
        return hashlib.sha256(self.path.read_bytes() + known).hexdigest()[:16]

    @cached_property
    def attributes(self) -> MusicAttributes:
        """Tempo, key, lead and first downbeat."""
        return attributes_of(self.fields)

    @cached_property
    def controls(self) -> Controls:
        """Chords, melody and sections."""
        return controls_of(self.fields)

    @property
    def prompt(self) -> str:
        """Style and tempo, and nothing that tells of notes."""
        style = self.fields.get("style") or self.fields.get("genre") or "music"
        return f"{style}, {self.attributes.tempo:g} bpm" if self.attributes.tempo else str(style)

    @property
    def known(self) -> MusicAttributes:
        """What an edit or a continuation is told: tempo, first downbeat and key."""
        return replace(self.attributes, lead=None)

    @property
    def clock(self) -> MusicAttributes:
        """Tempo and first downbeat alone."""
        return replace(self.attributes, key=None, lead=None)

    def chords(self, seconds: float) -> list[tuple[float, float, str]]:
        """Chords up to a second."""
        told = [event for event in self.controls.chords or () if event[0] < seconds]
        return [(start, min(end, seconds), label) for start, end, label in told]

    def melody(self, seconds: float) -> list[tuple[float, float, int]]:
        """Notes of the tune up to a second."""
        told = [event for event in self.controls.melody or () if event[0] < seconds - 0.05]
        return [(start, min(end, seconds), pitch) for start, end, pitch in told]

    def serves(self, part: str, lengths: Lengths) -> bool:
        """Tell whether enough is known of it for a part of the evaluation."""
        if part == "chords":
            triads = sum(end - start for start, end, label in self.chords(lengths.chords) if is_triad(label))
            return self.seconds >= lengths.chords and triads >= LEAST_TRIADS * lengths.chords and self._steady
        if part == "melody":
            enough = len(self.melody(lengths.melody)) >= FEWEST_NOTES
            return self.seconds >= lengths.melody and enough and self._steady
        if part == "vary":
            return self.seconds >= lengths.vary
        if part == "edit":
            return self._steady and self.seconds >= lengths.region[1] + 1
        known = min(LEAST_KNOWN, lengths.known) + lengths.more
        return self._steady and self.attributes.key is not None and self.seconds >= known

    @property
    def _steady(self) -> bool:
        return self.attributes.tempo is not None


def is_triad(label: str) -> bool:
    """Tell whether a chord is a major or minor triad, with whatever above it, as mir_eval counts them."""
    root, quality, _ = parse_label(label)
    return root is not None and {note for note in notes_of(quality) if note < 8} in ({0, 4, 7}, {0, 3, 7})


def songs_for(
    part: str, songs: Sequence[ReferenceSong], config: ControlConfig, lengths: Lengths
) -> list[ReferenceSong]:
    """The songs of a part: the first ones of which enough is known.

    Raises:
        UserError: it is not known of any.
    """
    found = [song for song in songs if song.serves(part, lengths)][: config.count(part)]
    if not found:
        needs = {"chords": "major or minor chords", "melody": "a melody", "vary": "sound", "edit": "a tempo"}
        hint = f"holds no song that is long enough and has {needs.get(part, 'a tempo and a key')}, for {part}"
        raise UserError("references", str(config.references), hint)
    return found


def folder_songs(folder: Path) -> list[ReferenceSong]:
    """The songs of a folder, with the tunes that their JAMS files tell.

    Raises:
        UserError: the folder holds no audio, or a table cannot be read.
    """
    from mousai.data.melodies import with_melodies
    from mousai.data.records import find_records

    found = []
    for record in with_melodies(find_records(folder, tags=False)):
        assert isinstance(record.path, Path)  # `find_records` reads folders, and no shards
        found.append(ReferenceSong(record.path, audio_info(record.path).duration, record.fields))
    return found


def composed_songs(folder: Path, count: int, lengths: Lengths) -> list[ReferenceSong]:
    """Compose songs that serve every part, of every genre in turn, from seeds of no data set.

    A song that changes its tempo or key, or has no triads or no tune, gives way to that of the next seed.

    Args:
        folder: where they are written; those that are there already are kept.
        count: how many.
        lengths: seconds.
    """
    from mousai.compose import render_song

    drawn = [next(_candidates(number, lengths)) for number in range(count)]
    facts = {row["file_name"]: fields for row, fields in drawn}

    def compose(row: Row) -> tuple[Array, Row]:
        return render_song(_composed(row)).mix, {}

    rows = render_missing(folder, [row for row, _ in drawn], compose, "composing songs")
    return [ReferenceSong(folder / row["file_name"], row["duration"], facts[row["file_name"]]) for row in rows]


def _candidates(number: int, lengths: Lengths) -> Iterator[tuple[Row, dict[str, Any]]]:
    """Rows of the songs, with their facts, that would serve as the song of a number."""
    from mousai.compose import GENRES, song_facts
    from mousai.compose.annotations.files import melody_notes

    for attempt in range(ATTEMPTS):
        text = f"mousai.evaluation.control/{number}/{attempt}"
        seed = int(hashlib.sha256(text.encode()).hexdigest()[:12], 16)
        row: Row = {"file_name": f"{number:03d}.flac", "song": seed, "duration": lengths.song}
        row["genre"] = list(GENRES)[(number + attempt // 20) % len(GENRES)]  # a genre without triads gives way too
        song = _composed(row)
        melody = [[round(start, 4), round(end, 4), pitch] for start, end, pitch in melody_notes(song)]
        fields = {**song_facts(song), "melody": [note for note in melody if note[1] > note[0]]}
        candidate = ReferenceSong(Path(row["file_name"]), lengths.song, fields)
        if fields["beats_per_bar"] == 4 and all(
            candidate.serves(part, lengths) for part in ("edit", "extend", "chords", "melody")
        ):
            yield row, fields


def _composed(row: Row) -> Any:
    from mousai.compose import compose_song

    return compose_song(row["song"], genre=row["genre"], duration=row["duration"])
