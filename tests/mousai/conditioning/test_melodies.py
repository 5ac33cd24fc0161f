"""Melodies: notes, MIDI files, and recordings of one voice."""

import json
import math
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import mido
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mousai import UserError, read_melody
from mousai.audio.files import write_audio
from mousai.conditioning.notation.humming import FRAME_RATE, notes_of_curve, transcribe_tune
from mousai.conditioning.notation.midi_tunes import top_line

NOTES = ((0.0, 0.5, 60), (0.5, 1.0, 62))
TUNE = (
    *((0.2, 0.7, 60), (0.7, 1.2, 62), (1.2, 1.7, 64), (1.7, 1.95, 64), (1.95, 2.2, 64)),
    *((2.2, 3.2, 67), (3.5, 4.0, 65), (4.0, 4.25, 64), (4.25, 4.5, 62), (4.5, 5.5, 60)),
)
"""A tune with repeated notes, short notes and a rest."""


def refused(*args: object, **settings: object) -> str:
    with pytest.raises(UserError) as caught:
        read_melody(*args, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def midi(tmp_path: Path) -> Callable[..., Path]:
    """Write a MIDI file of tracks: name, channel from 0, and (first beat, last beat, pitch); `tempos` by beat."""

    def write(*tracks: tuple[str, int, list], tempos: tuple = ((0, 120),), kind: int = 1, name="a.mid") -> Path:
        file = mido.MidiFile(ticks_per_beat=100, type=kind)
        events = [[(beat, mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm))) for beat, bpm in tempos]]
        for title, channel, notes in tracks:
            played = [(0, mido.MetaMessage("track_name", name=title))]
            for first, last, pitch in notes:
                played.append((first, mido.Message("note_on", channel=channel, note=pitch)))
                played.append((last, mido.Message("note_on", channel=channel, note=pitch, velocity=0)))
            events.append(sorted(played, key=lambda one: (one[0], getattr(one[1], "velocity", 0))))
        for played in events:
            track, before = mido.MidiTrack(), 0
            for beat, message in played:
                track.append(message.copy(time=round(beat * 100) - before))
                before = round(beat * 100)
            file.tracks.append(track)
        file.save(tmp_path / name)
        return tmp_path / name

    return write


@pytest.mark.parametrize(
    "given",
    [
        NOTES,
        [list(note) for note in reversed(NOTES)],
        np.array(NOTES),
        torch.tensor(NOTES),
        json.dumps(NOTES),
    ],
)
def test_notes(given: object):
    melody = read_melody(given)
    assert melody.notes == NOTES and all(isinstance(pitch, int) for _, _, pitch in melody.notes)
    assert read_melody(melody.written).notes == NOTES and read_melody(melody) is melody


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ([], "melody: has no notes"),
        (np.zeros((0, 3)), "melody: has no notes"),
        (np.zeros((2, 4)), "melody=[2, 4]: is no shape of a melody"),
        (np.zeros(3), "is no shape of a melody"),
        ([(0.0, 0.5)], "must be (start, end, MIDI pitch)"),
        ([3], "must be (start, end, MIDI pitch)"),
        ([(0.5, 0.5, 60)], "must begin before it ends"),
        ([(0.0, math.nan, 60)], "three finite numbers"),
        ([(0.0, "1", 60)], "three finite numbers"),
        ([(0.0, 1.0, 60.5)], "must end in a MIDI pitch, a whole number from 0 to 127"),
        ([(0.0, 1.0, 128)], "must end in a MIDI pitch"),
        ([(0.0, 1.0, -1)], "must end in a MIDI pitch"),
        (3, "must be notes as (start, end, MIDI pitch), a MIDI file or a recording"),
        ("[1", "is no JSON list"),
        ("nowhere.mid", "nowhere.mid: no such file"),
        ("nowhere.wav", "nowhere.wav: no such file"),
        ("tune.txt", "must be a MIDI file or a recording: .mid, "),
    ],
)
def test_impossible_notes(given: object, shown: str):
    assert shown in refused(given)


def test_a_melody_may_begin_later():
    melody = read_melody(NOTES, start=2.5)
    assert melody.notes == ((2.5, 3.0, 60), (3.0, 3.5, 62)) and melody.start == 2.5
    assert "must be a number of seconds" in refused(NOTES, start=math.nan)
    assert "names a track of a MIDI file" in refused(NOTES, track="lead")


def test_a_melody_must_lie_within_the_piece():
    melody = read_melody(NOTES)
    assert melody.placed(0.0, 0.98) == ((0.0, 0.5, 60), (0.5, 0.98, 62))  # what rounding leaves
    with pytest.raises(UserError, match=r"melody: ends at 1.00 s, the piece at 0.90 s; give a longer duration"):
        melody.placed(0.0, 0.9)
    with pytest.raises(UserError, match=r"begins at 0 s, before the piece, at 0\.5 s"):
        melody.placed(0.5, 2.0)


# ---- MIDI


def test_the_highest_track_is_the_tune(midi):
    path = midi(
        ("Bass", 1, [(0, 4, 36)]),
        ("Lead", 2, [(0, 1, 72), (1, 2, 74)]),
        ("Drums", 9, [(0, 1, 99), (1, 2, 99)]),
    )
    melody = read_melody(path)
    assert melody.notes == ((0.0, 0.5, 72), (0.5, 1.0, 74)) and melody.track == "Lead"
    assert melody.written == str(path) and melody.chosen is None
    for track in ("bass", 1, "1"):
        chosen = read_melody(path, track=track)
        assert chosen.notes == ((0.0, 2.0, 36),) and chosen.chosen == str(track)
    for track in ("Drums", 3, 0):
        assert f"no such track in {path}; there are 1 Bass, 2 Lead" in refused(path, track=track)


def test_channels_of_one_track_are_lines_of_their_own(midi):
    path = midi(("all", 0, [(0, 1, 50)]), ("all", 1, [(0, 1, 70)]))
    file = mido.MidiFile(path)
    merged = mido.MidiFile(ticks_per_beat=100, tracks=[mido.merge_tracks(file.tracks)], type=0)
    merged.save(path)
    assert read_melody(path).notes == ((0.0, 0.5, 70),)


def test_changes_of_tempo_count_for_all_tracks(midi):
    path = midi(("Lead", 0, [(0, 1, 60), (1, 3, 62), (4, 5, 64)]), tempos=((0, 120), (2, 60)))
    expected = [(0.0, 0.5, 60), (0.5, 2.0, 62), (3.0, 4.0, 64)]
    assert read_melody(path).notes == tuple(pytest.approx(note, abs=1e-4) for note in expected)


def test_notes_that_are_struck_again_or_never_end(tmp_path: Path):
    file, track = mido.MidiFile(ticks_per_beat=100), mido.MidiTrack()
    track += [mido.Message("note_on", note=60, time=time) for time in (0, 100)]
    track += [mido.Message("note_on", note=62, time=100), mido.MetaMessage("end_of_track", time=100)]
    file.tracks.append(track)
    file.save(tmp_path / "a.mid")
    assert read_melody(tmp_path / "a.mid").notes == ((0.0, 0.5, 60), (0.5, 1.0, 60), (1.0, 1.5, 62))


@pytest.mark.parametrize(
    ("notes", "line"),
    [
        ([(0, 1, 60), (0, 1, 64), (0.01, 1, 67)], [(0, 1, 67)]),  # a chord
        ([(0, 2, 72), (0.5, 1, 60), (1, 1.5, 62)], [(0, 2, 72)]),  # accompaniment below
        ([(0, 1.05, 64), (1, 2, 62)], [(0, 1, 64), (1, 2, 62)]),  # legato
        ([(0, 4, 48), (1, 2, 72), (2, 3, 74)], [(0, 1, 48), (1, 2, 72), (2, 3, 74)]),
        ([(0, 1, 60), (1, 2, 60)], [(0, 1, 60), (1, 2, 60)]),
    ],
)
def test_the_top_line_of_several_notes(notes: list, line: list):
    assert list(top_line(notes)) == line


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12), st.integers(0, 127)), min_size=1, max_size=30))
def test_a_top_line_has_one_note_at_a_time(drawn: list):
    notes = [(start / 8, (start + length) / 8, pitch) for start, length, pitch in drawn]
    line = top_line(notes)
    assert line and line[0][0] == min(start for start, _, _ in notes)
    assert all(start < end for start, end, _ in line)
    assert all(one[1] <= after[0] for one, after in pairwise(line))
    assert {pitch for _, _, pitch in line} <= {pitch for _, _, pitch in notes}


def test_midi_files_without_a_tune(midi, tmp_path: Path):
    assert "has no notes but percussion, or none at all" in refused(midi())
    assert "has no notes but percussion" in refused(midi(("Drums", 9, [(0, 1, 40)])))
    assert "type 2" in refused(midi(("Lead", 0, [(0, 1, 60)]), kind=2))
    (tmp_path / "b.mid").write_bytes(b"RIFF no MIDI")
    assert "b.mid: is no MIDI file that can be read" in refused(tmp_path / "b.mid")
    (tmp_path / "b.mid").write_bytes(b"")
    assert "b.mid: is no MIDI file that can be read" in refused(tmp_path / "b.mid")


@given(data=st.data())
def test_a_broken_midi_file_is_refused_in_one_line(data, tmp_path_factory):
    file, track = mido.MidiFile(ticks_per_beat=100), mido.MidiTrack()
    track += [
        mido.MetaMessage("key_signature", key="C"),
        mido.MetaMessage("set_tempo"),
        mido.Message("note_on", note=60),
    ]
    track.append(mido.Message("note_off", note=60, time=100))
    file.tracks.append(track)
    path = tmp_path_factory.mktemp("midi") / "a.mid"
    file.save(path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        melody = read_melody(path)
    except UserError as error:
        assert str(error).startswith(str(path)) and "\n" not in str(error)
    else:
        assert all(start < end and 0 <= pitch <= 127 for start, end, pitch in melody.notes)


@pytest.mark.parametrize(("name", "library"), [("a.mid", "mido"), ("a.wav", "librosa")])
def test_what_reads_it_is_not_installed(midi, tmp_path: Path, monkeypatch, name: str, library: str):
    midi(("Lead", 0, [(0, 1, 60)]))
    write_audio(tmp_path / "a.wav", np.ones((1, 4800), np.float32), 48000)
    monkeypatch.setitem(sys.modules, library, None)
    error = refused(tmp_path / name)
    assert f"with {library}, which is not installed" in error and "packages/mousai[melody]" in error


# ---- voices


def curve_of(notes, *, off: float = 0.0, vibrato: float = 0.0, gap: float = 0.02) -> tuple[np.ndarray, np.ndarray]:
    """Pitch and level of a voice that sings some notes."""
    seconds = np.arange(round((notes[-1][1] + 0.3) * FRAME_RATE)) / FRAME_RATE
    pitch, level = np.full(len(seconds), np.nan), np.full(len(seconds), 1e-4)
    for start, end, tone in notes:
        inside = (seconds >= start) & (seconds < end - gap)
        pitch[inside] = tone + off + vibrato * np.sin(2 * np.pi * 5.5 * seconds[inside])
        edge = np.minimum(seconds[inside] - start, end - gap - seconds[inside])
        level[inside] = 0.2 * np.clip(edge / 0.03, 0.02, 1)
    return pitch, level


def assert_like(found, expected, *, within: float) -> None:
    assert [pitch for _, _, pitch in found] == [pitch for _, _, pitch in expected]
    for one, other in zip(found, expected, strict=True):
        assert abs(one[0] - other[0]) < within and abs(one[1] - other[1]) < within + 0.03


@pytest.mark.parametrize("off", [0.0, 0.35, -0.4])
@pytest.mark.parametrize("vibrato", [0.0, 0.3])
@pytest.mark.parametrize("gap", [0.0, 0.05])
def test_a_curve_becomes_notes(off: float, vibrato: float, gap: float):
    assert_like(notes_of_curve(*curve_of(TUNE, off=off, vibrato=vibrato, gap=gap)), TUNE, within=0.05)


def test_slips_of_the_voice_are_no_notes():
    pitch, level = curve_of(TUNE)
    for second, leap in ((0.4, 12.0), (2.6, -12.0), (4.9, 7.0)):
        pitch[round(second * FRAME_RATE) : round(second * FRAME_RATE) + 3] += leap
    glide = slice(round(1.16 * FRAME_RATE), round(1.22 * FRAME_RATE))
    pitch[glide] = np.linspace(62, 64, glide.stop - glide.start)
    assert_like(notes_of_curve(pitch, level), TUNE, within=0.06)


def test_a_curve_without_pitch():
    assert notes_of_curve(np.full(100, np.nan), np.ones(100)) == ()
    blip = np.full(100, np.nan)
    blip[40:44] = 60.0
    assert notes_of_curve(blip, np.ones(100)) == ()


@pytest.mark.slow
def test_a_voice_is_transcribed(tmp_path: Path):
    rate = 44100
    sound = np.zeros(round((TUNE[-1][1] + 0.2) * rate))
    for start, end, tone in TUNE:
        seconds = np.arange(round((end - start - 0.03) * rate)) / rate
        pitch = tone + 0.3 + 0.25 * np.sin(2 * np.pi * 5.5 * seconds)
        phase = 2 * np.pi * np.cumsum(440 * 2 ** ((pitch - 69) / 12)) / rate
        shape = np.clip(np.minimum(seconds / 0.03, (seconds[-1] - seconds) / 0.04), 0, 1)
        first = round(start * rate)
        sound[first : first + len(seconds)] = shape * sum(np.sin(k * phase) / k for k in range(1, 6)) / 5
    sound += 0.005 * np.random.default_rng(0).standard_normal(len(sound))
    write_audio(tmp_path / "hum.wav", sound[None].astype(np.float32), rate)
    assert_like(transcribe_tune(tmp_path / "hum.wav"), TUNE, within=0.05)
    noise = 0.1 * np.random.default_rng(0).standard_normal((1, 2 * rate))
    write_audio(tmp_path / "noise.wav", noise.astype(np.float32), rate)
    assert "noise.wav: has no tune that can be followed" in refused(tmp_path / "noise.wav")
