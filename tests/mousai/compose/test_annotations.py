"""Every fact of a song against the notes of its MIDI file."""

import io
import json
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import mir_eval
import numpy as np
import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mousai.compose import STYLES, Song, compose_song, song_facts
from mousai.compose.annotations.extraction import EARLY
from mousai.compose.annotations.files import song_files
from mousai.compose.annotations.jams import song_to_jams
from mousai.conditioning import chord_labels
from mousai.conditioning.tables import (
    BASS,
    FRAME_RATE,
    NOTES,
    ONSET,
    PITCH,
    ROOT,
    chord_table,
    frame_count,
    melody_table,
)

SEEDS = st.integers(0, 2**48)
NAMES = st.sampled_from([style.name for style in STYLES])
SLACK = 0.002
"""Seconds that a time in a MIDI file may be off: two ticks at 60 bpm."""


def played(song: Song) -> pretty_midi.PrettyMIDI:
    return pretty_midi.PrettyMIDI(io.BytesIO(song_files(song)["midi"]))


def notes_of(midi: pretty_midi.PrettyMIDI, *roles: str) -> list[pretty_midi.Note]:
    return [note for part in midi.instruments if part.name in roles for note in part.notes]


def harmony_of(midi: pretty_midi.PrettyMIDI) -> list[pretty_midi.Note]:
    layers = [part.name for part in midi.instruments if not part.is_drum]
    return notes_of(midi, *(set(layers) - {"bass", "lead", "answer"}))


@lru_cache
def changing(seconds: float = 40.0) -> tuple[Song, Song]:
    """A song that changes its tempo and one that changes its key."""
    found: dict[str, Song] = {}
    seed = 0
    while len(found) < 2:
        song = compose_song(seed, genre="pop", duration=seconds)
        found |= {} if song.tempo_map.steady else {"tempo": song}
        found |= {} if len(song.keys) == 1 else {"key": song}
        seed += 1
    return found["tempo"], found["key"]


def begins_with(spans: Sequence[object], duration: float) -> None:
    """Spans cover a song without gaps and overlaps."""
    assert spans[0].start == 0.0 and spans[-1].end == duration  # type: ignore[attr-defined]
    for one, other in pairwise(spans):
        assert one.end == other.start  # type: ignore[attr-defined]
    assert all(span.end > span.start for span in spans)  # type: ignore[attr-defined]


@settings(max_examples=10)
@given(SEEDS, NAMES, st.floats(1.0, 90.0))
def test_facts_cover_the_song(seed: int, style: str, duration: float) -> None:
    song = compose_song(seed, genre=style, duration=duration)
    for spans in (song.chords, song.sections, song.keys):
        begins_with(spans, duration)
    assert {section.start for section in song.sections} <= set(song.downbeats)
    assert {key.start for key in song.keys} <= set(song.downbeats)
    assert {chord.start for chord in song.chords} <= set(song.beats)
    assert song.beats == tuple(sorted(set(song.beats))) and song.beats[-1] < duration
    assert all(len(bar.beats) == song.beats_per_bar for bar in song.bar_times[:-1])
    for bar, following in pairwise(song.bar_times):
        assert bar.end == following.start
    assert (song.keys[0].key, song.keys[0].mode, song.tempos[0][2]) == (song.key, song.mode, song.bpm)
    assert all(one.label != other.label for one, other in pairwise(song.chords))


@settings(max_examples=10)
@given(SEEDS, NAMES)
def test_a_row_survives_json_and_says_what_the_song_knows(seed: int, style: str) -> None:
    song = compose_song(seed, genre=style, duration=40.0)
    row = song_facts(song)
    assert json.loads(json.dumps(row)) == row
    assert [chord["label"] for chord in row["chords"]] == [chord.label for chord in song.chords]
    assert np.allclose(row["downbeats"], song.downbeats, atol=1e-6) and row["first_downbeat"] == 0.0
    assert row["bpm"] == (song.bpm if len(row["tempo_map"]) == 1 else None)
    assert row["key"] == (song.key if len(row["keys"]) == 1 else None)
    assert row["chords"][-1]["end"] == row["sections"][-1]["end"] == row["tempo_map"][-1]["end"] == 40.0


def test_a_song_that_changes_does_not_tell_one_tempo_or_key() -> None:
    tempo, key = (song_facts(song) for song in changing())
    assert tempo["bpm"] is None and len(tempo["tempo_map"]) > 1
    assert key["key"] is key["mode"] is None and len(key["keys"]) > 1


@settings(max_examples=10)
@given(SEEDS, NAMES)
def test_chords_are_what_the_chord_layers_play(seed: int, style: str) -> None:
    song = compose_song(seed, genre=style)
    sounding = harmony_of(played(song))
    for chord in song.chords:
        heard = {
            note.pitch % 12
            for note in sounding
            if chord.start - EARLY <= note.start - SLACK < chord.end - EARLY - SLACK
        }
        root, bitmap, bass = mir_eval.chord.encode(chord.label)
        own = {(root + int(step)) % 12 for step in np.flatnonzero(bitmap)} - {(root + bass) % 12}
        assert heard <= chord.pitch_classes
        ninth = {(root + 2) % 12} if chord.quality.endswith("9") else set()  # which mir_eval leaves out
        assert own <= chord.pitch_classes <= own | {(root + bass) % 12} | ninth
        sevenths = {(chord.root + step) % 12 for step in (9, 10, 11)} & chord.pitch_classes
        if heard:
            assert sevenths <= heard


@settings(max_examples=10)
@given(SEEDS, NAMES)
def test_the_bass_of_a_chord_is_the_first_note_of_the_bass(seed: int, style: str) -> None:
    song = compose_song(seed, genre=style)
    bass = sorted(notes_of(played(song), "bass"), key=lambda note: note.start)
    for chord in song.chords:
        beat = next((beat for beat in song.beats if beat > chord.start), song.duration) - chord.start
        first = [note for note in bass if -EARLY <= note.start - SLACK - chord.start < beat - EARLY - SLACK]
        held = [note for note in bass if note.start < chord.start and note.end > chord.start + beat]
        if first:
            assert first[0].pitch % 12 == chord.bass
            root, _, over = mir_eval.chord.encode(chord.label)
            assert (root + over) % 12 == chord.bass
        elif not held:
            assert chord.bass is None and "/" not in chord.label


@pytest.mark.parametrize("what", ["tempo", "key", "waltz", "techno"])
def test_the_midi_file_has_the_beats_keys_sections_and_names(what: str) -> None:
    changes = {"tempo": 0, "key": 1}
    song = changing()[changes[what]] if what in changes else compose_song(3, genre=what)
    midi = played(song)
    count = len(song.downbeats)
    assert np.allclose(midi.get_downbeats()[:count], song.downbeats, atol=SLACK)
    assert np.allclose(midi.get_beats()[: len(song.beats)], song.beats, atol=SLACK)
    assert np.allclose(midi.get_tempo_changes()[1], [bpm for _, _, bpm in song.tempos], atol=0.01)
    names = [pretty_midi.key_number_to_key_name(key.key_number).split() for key in midi.key_signature_changes]
    assert [name[1].lower() for name in names] == [key.key.split()[1] for key in song.keys]
    assert [text.text for text in midi.text_events] == [section.name for section in song.sections]
    assert [part.name for part in midi.instruments] == [track.role for track in song.tracks]
    for part, track in zip(midi.instruments, song.tracks, strict=True):
        assert (part.program, part.is_drum) == (track.program, track.is_drum)
        assert sorted(note.pitch for note in part.notes) == sorted(note.pitch for note in track.notes)
        starts = sorted(note.start for note in part.notes), sorted(note.start for note in track.notes)
        assert np.allclose(*starts, atol=SLACK)


@settings(max_examples=10)
@given(SEEDS, NAMES)
def test_a_note_that_is_struck_again_is_not_cut_by_the_one_before(seed: int, style: str) -> None:
    song = compose_song(seed, genre=style)
    for part, track in zip(played(song).instruments, song.tracks, strict=True):
        ends: dict[int, list[float]] = {}
        for note in track.notes:
            ends.setdefault(note.pitch, []).append(note.start + note.duration)
        last = {pitch: max(note.end for note in part.notes if note.pitch == pitch) for pitch in ends}
        assert all(abs(last[pitch] - max(times)) < SLACK for pitch, times in ends.items())


@settings(max_examples=10)
@given(SEEDS, st.sampled_from(["techno", "house"]))
def test_bass_drums_hit_the_downbeats(seed: int, style: str) -> None:
    song = compose_song(seed, genre=style)
    kicks = np.array([note.start for note in notes_of(played(song), "drums") if note.pitch == 36])
    bars = [bar for bar in song.bar_times if any(bar.start - EARLY <= kick < bar.end - EARLY for kick in kicks)]
    hit = [bool((abs(kicks - bar.start) < EARLY).any()) for bar in bars]
    assert not bars or np.mean(hit) > 0.8  # breaks and builds may leave one out


def test_mir_eval_reads_the_labelled_intervals(tmp_path: Path) -> None:
    for song in (compose_song(1, genre="swing"), compose_song(2, genre="metal"), *changing()):
        files = song_files(song)
        for name, spans in (("chords", song.chords), ("sections", song.sections)):
            path = tmp_path / f"{name}.lab"
            path.write_bytes(files[name])
            intervals, labels = mir_eval.io.load_labeled_intervals(str(path))
            assert len(labels) == len(spans) and np.allclose(intervals[:, 0], [span.start for span in spans])
            assert intervals[-1, 1] == song.duration
            if name == "chords":
                mir_eval.chord.encode_many(labels)
                assert (mir_eval.chord.root(labels, labels) == 1).all()


def test_jams_has_every_namespace_and_plain_observations() -> None:
    for song in changing():
        found = json.loads(song_files(song)["jams"])
        assert found == song_to_jams(song) and found["file_metadata"]["jams_version"] == "0.3.4"
        assert found["file_metadata"]["duration"] == song.duration
        data = {one["namespace"]: one["data"] for one in found["annotations"]}
        assert set(data) == {"chord", "segment_open", "beat", "tempo", "key_mode", "note_midi"}
        for one in found["annotations"]:
            assert {"annotation_metadata", "data", "namespace", "sandbox", "time", "duration"} == set(one)
            assert one["annotation_metadata"]["curator"].keys() == {"name", "email"}
            for seen in one["data"]:
                assert seen.keys() == {"time", "duration", "value", "confidence"}
                assert seen["time"] >= 0 and seen["duration"] >= 0
                assert seen["time"] + seen["duration"] <= song.duration + 1e-6
        assert [seen["time"] for seen in data["beat"] if seen["value"] == 1] == song_facts(song)["downbeats"]
        assert [seen["value"] for seen in data["note_midi"]] == [
            note.pitch for track in song.tracks if track.role == "lead" for note in track.notes
        ]
        assert [seen["value"] for seen in data["tempo"]] == [bpm for _, _, bpm in song.tempos]
        tonics = [key.key.split()[0] for key in song.keys]
        assert [seen["value"].split(":")[0] for seen in data["key_mode"]] == tonics


@settings(max_examples=10)
@given(SEEDS, NAMES)
def test_the_melody_table_is_the_lead_track(seed: int, style: str) -> None:
    song = compose_song(seed, genre=style, duration=20.0)
    files = song_files(song)
    table = np.load(io.BytesIO(files["melody"]))
    alone = pretty_midi.PrettyMIDI(io.BytesIO(files["melody_midi"]))
    assert {part.name for part in alone.instruments} == {"lead"}
    notes = [note for part in alone.instruments for note in part.notes]
    assert table.dtype == np.uint8 and table.shape == (14, frame_count(20.0)) == (14, 235)
    counted = np.zeros(table.shape[1], dtype=bool)
    for note in notes:
        # A start may lie on the edge of a frame.
        near = slice(max(int((note.start - SLACK) * FRAME_RATE), 0), int((note.start + SLACK) * FRAME_RATE) + 1)
        assert (table[note.pitch % 12, near] & table[ONSET, near]).any()
        counted[max(int((note.start - SLACK) * FRAME_RATE), 0) : int((note.end + SLACK) * FRAME_RATE) + 1] = True
    assert not table[:, ~counted].any()
    sounding = table[:12].any(axis=0)
    assert (table[PITCH] > 0).tolist() == sounding.tolist()
    assert all(table[table[PITCH, frame] % 12, frame] == 1 for frame in np.flatnonzero(sounding))


def test_a_melody_table_by_hand() -> None:
    # Frames of half a second: C from 0.25 to 1.2 fills frame 1 and less than half of frame 2; D begins at 1.3.
    table = melody_table([(0.25, 1.2, 60), (1.3, 1.5, 62), (9.0, 9.5, 64)], frames=4, frame_rate=2.0)
    assert table[0].tolist() == [1, 1, 0, 0] and table[2].tolist() == [0, 0, 1, 0]
    assert table[ONSET].tolist() == [1, 0, 1, 0] and table[PITCH].tolist() == [60, 60, 62, 0]
    assert not table[[1, *range(3, 12)]].any()


def test_a_chord_table_by_hand() -> None:
    table = chord_table([(0.0, 1.0, "A:min7/b3"), (1.0, 1.6, "N"), (1.6, 2.0, "C")], frames=4, frame_rate=2.0)
    assert table.shape == (36, 4) and table.dtype == np.uint8
    assert [np.flatnonzero(table[:, frame]).tolist() for frame in range(4)] == [
        [ROOT + 9, NOTES + 0, NOTES + 4, NOTES + 7, NOTES + 9, BASS + 0],
        [ROOT + 9, NOTES + 0, NOTES + 4, NOTES + 7, NOTES + 9, BASS + 0],
        [],
        [ROOT + 0, NOTES + 0, NOTES + 4, NOTES + 7, BASS + 0],
    ]


@given(st.integers(0, 11), st.sets(st.integers(1, 11), max_size=6), st.none() | st.integers(0, 11))
def test_labels_are_read_back_and_mean_the_same_to_mir_eval(root: int, others: set[int], bass: int | None) -> None:
    notes = frozenset({0, *others})
    label = chord_labels.spell_label(root, chord_labels.quality_of(notes), bass)
    assert chord_labels.parse_label(label)[0] == root
    assert chord_labels.notes_of(chord_labels.parse_label(label)[1]) == notes
    over = chord_labels.parse_label(label)[2]
    assert over == (None if bass in (None, root) else bass)
    read, _, interval = mir_eval.chord.encode(label, reduce_extended_chords=False)
    assert read == root and interval == (0 if bass is None else (bass - root) % 12)


@pytest.mark.parametrize("quality", ["maj", "min", "dim", "aug", "sus4", "maj7", "min7", "7", "hdim7", "5", "(1,3,b5)"])
def test_qualities_have_the_notes_that_mir_eval_gives_them(quality: str) -> None:
    _, bitmap, _ = mir_eval.chord.encode(f"C:{quality}")
    assert set(np.flatnonzero(bitmap)) == chord_labels.notes_of(quality)


@pytest.mark.parametrize("label", ["H:maj", "C:mayor", "C:maj/x", "", "C:", "C:maj(z)", "c", "C:maj7/99"])
def test_a_label_that_is_none_is_named(label: str) -> None:
    with pytest.raises(ValueError, match=r"would do"):
        chord_labels.parse_label(label)
