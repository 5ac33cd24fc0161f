"""`--chords`, `--melody`, `--section`, `--form` and `--lora` of the commands that sample."""

import shlex
from pathlib import Path

import mido
import numpy as np
import pytest

from mousai.audio.files import audio_info, read_audio, read_metadata, write_audio

from ..adapters import write_adapter

PROMPT = "calm piano pop, 120 bpm"  # bars of 2 s
FAST = ("--steps", 1, "--decoder-steps", 1, "--dtype", "float32", "--seed", 1)
CLOCK = ("--tempo", 120, "--first-downbeat", 0, "--key", "A minor", "--inpaint-resamples", 1)


@pytest.fixture
def tune(work: Path) -> Path:
    """A MIDI file: a bass, and a lead of two notes in the first second."""
    file = mido.MidiFile(ticks_per_beat=100)
    for name, pitches in (("Bass", (36, 36)), ("Lead", (72, 74))):
        track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
        for pitch in pitches:
            track.append(mido.Message("note_on", note=pitch))
            track.append(mido.Message("note_off", note=pitch, time=100))
        file.tracks.append(track)
    file.save(work / "tune.mid")
    mido.MidiFile(tracks=[mido.MidiTrack()]).save(work / "empty.mid")
    return work / "tune.mid"


@pytest.fixture
def recording(work: Path) -> Path:
    wave = 0.3 * np.sin(np.arange(2 * 48000) * 2 * np.pi * 220 / 48000, dtype=np.float32)
    write_audio(work / "in.wav", np.stack([wave, wave]), 48000, bits=32)
    return work / "in.wav"


@pytest.mark.parametrize(
    "words",
    [
        ["--chords", "Am F | C/E N.C.", "--duration", 3],
        ["--chords", '[["Am", 0], ["F", 0.5]]', "--duration", 1],
        ["--chords", "song.lab", "--section", "chorus", "--duration", 1],
        ["--melody", "tune.mid", "--melody-track", "bass", "--melody-start", 0.25, "--duration", 1.5],
        ["--form", "intro:1 outro:1", "--count", 2],
    ],
)
def test_a_piece_with_controls_is_made_again_by_what_info_says(
    mousai, work: Path, tune: Path, controlled_model: Path, words: list
):
    (work / "song.lab").write_text("0.0 0.5 A:min\n0.5 1.0 F:maj\n")
    done = mousai("generate", PROMPT, "--model", controlled_model, *FAST, *words, "-o", "song.wav")
    assert done.code == 0, done
    for path in work.glob("song*.wav"):
        made = read_metadata(path)
        for option, value in zip(words[::2], words[1::2], strict=True):
            name = option.lstrip("-").replace("-", "_")
            assert name in ("duration", "count") or made[name] == str(value).replace(", ", ",").replace("0]", "0.0]")
        command = shlex.split(mousai("info", path.name).out.splitlines()[-1])
        assert mousai(*command[1:]).code == 0
        assert Path(f"{path.stem}-again.wav").read_bytes() == path.read_bytes()


def test_chords_are_heard_and_count_is_made_of_single_pieces(mousai, work: Path, controlled_model: Path):
    words = ["generate", PROMPT, "--model", controlled_model, *FAST, "--duration", 1]
    assert mousai(*words, "--chords", "Am", "--count", 2, "-o", "a.wav").code == 0
    assert mousai(*words[:-4], "--seed", 2, "--duration", 1, "--chords", "Am", "-o", "b.wav").code == 0
    assert Path("b.wav").read_bytes() == Path("a-2.wav").read_bytes()
    assert mousai(*words, "--chords", "F#", "-o", "c.wav").code == 0
    assert np.abs(read_audio("a-1.wav") - read_audio("c.wav")).max() > 1e-3


def test_the_tune_that_was_read_is_said(mousai, tune: Path, controlled_model: Path):
    words = ["--model", controlled_model, *FAST, "--duration", 1, "--melody", "tune.mid", "-o", "a.wav"]
    done = mousai("generate", PROMPT, *words)
    assert done.out == "tune.mid, track Lead: 2 notes, 0.00 to 1.00 s\na.wav: 1.00 s, seed 1\n"
    done = mousai("generate", PROMPT, *words[:-3], "[[0, 0.5, 60]]", "-o", "b.wav")
    assert done.out == "melody: 1 note, 0.00 to 0.50 s\nb.wav: 1.00 s, seed 1\n"


def test_the_form_gives_the_duration(mousai, work: Path, controlled_model: Path):
    words = ["--model", controlled_model, *FAST, "--form", "intro:1 verse:1"]
    assert mousai("generate", PROMPT, "piano, 240 bpm", *words, "-o", "a.wav").code == 0
    assert [audio_info(f"a-{k}.wav").duration for k in (1, 2)] == [4.0, 2.0]
    error = mousai("generate", PROMPT, *words, "--duration", 3, "-o", "b.wav").error()
    assert "--duration 3: is shorter than form, 2 bars, 4.00 s at 120 bpm" in error


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--chords", "Am Hm"], "--chords Hm: is no chord; nearest: Bm"),
        (["--chords", ""], "--chords '': holds no chord"),
        (["--chords", "nowhere.lab"], "--chords nowhere.lab: no such file"),
        (["--chords", "empty.lab"], "empty.lab: holds no chord"),
        (["--chords", "Am " * 800], "--chords: 2400 characters; give a file, or no more than 1500"),
        (["--chords", '[["Am", 9]]', "--duration", "2"], "--chords: A:min begins at 9 s, after the end of the piece"),
        (["--melody", "tune.mid", "--duration", "0.5"], "--melody: ends at 1.00 s, the piece at 0.50 s"),
        (["--melody", "empty.mid"], "empty.mid: has no notes but percussion, or none at all"),
        (["--melody", "silent.wav"], "silent.wav: is silent"),
        (["--melody", "nowhere.mid"], "--melody nowhere.mid: no such file"),
        (["--melody", "empty.lab"], "--melody empty.lab: must be a MIDI file or a recording"),
        (["--melody", "tune.mid", "--melody-track", "Flute"], "--melody-track Flute: no such track in tune.mid"),
        (["--melody", "tune.mid", "--melody-start", "nan"], "--melody-start nan: must be a number of seconds"),
        (["--melody", "tune.mid", "--melody-start", "-1"], "--melody: begins at -1 s, before the piece"),
        (["--melody-track", "1"], "--melody-track 1: names a track of a MIDI file; give --melody too"),
        (["--melody-start", "1"], "--melody-start 1: says where a tune begins; give --melody too"),
        (["--section", "bridge"], "--section bridge: must be one of intro, verse, chorus, break, outro"),
        (["--form", "verse"], "--form verse: must be sections with their bars"),
        (["--form", "verse:0"], "--form verse:0: must last 1 to 1000 bars"),
        (["--form", "verse:4", "--section", "verse"], "--section verse: is one section for the whole piece"),
        (["--form", "verse:1000 intro:1000"], "--form 'verse:1000 intro:1000': lasts 4000 s"),
    ],
)
def test_impossible_controls(
    mousai, work: Path, tune: Path, controlled_model: Path, no_weights, words: list[str], shown: str
):
    (work / "empty.lab").write_text("")
    write_audio(work / "silent.wav", np.zeros((2, 48000), np.float32), 48000)
    error = mousai("generate", PROMPT, "--model", controlled_model, *words, "-o", "a.wav").error()
    assert shown in error and len(error) < 300 and not Path("a.wav").exists()


@pytest.mark.parametrize("words", [["--chords", "Am"], ["--form", "verse:1"]])
def test_bars_need_a_tempo(mousai, work: Path, controlled_model: Path, no_weights, words: list[str]):
    error = mousai("generate", "piano", "--model", controlled_model, *words, "-o", "a.wav").error()
    assert f"{words[0]}: counts bars, which need a tempo" in error


@pytest.mark.parametrize("words", [["--chords", "Am"], ["--melody", "hum.wav"], ["--section", "verse"]])
def test_a_model_without_it_is_refused_first(
    mousai, work: Path, recording: Path, saved_model: Path, no_weights, words: list[str], monkeypatch
):
    def heard(*args: object, **settings: object) -> None:
        raise AssertionError("a tune was transcribed, or a clock estimated")

    monkeypatch.setattr("mousai.conditioning.notation.humming.transcribe_tune", heard)
    monkeypatch.setattr("mousai.cli.common.recordings._estimated", heard)
    Path("hum.wav").write_bytes(recording.read_bytes())
    for command in (["generate", PROMPT], ["edit", "in.wav", PROMPT, "--region", "0:1"],
                    ["extend", "in.wav", PROMPT, "--after", "1"]):  # fmt: skip
        error = mousai(*command, "--model", saved_model, *words, "-o", "a.wav").error()
        assert f"{words[0]}: this model was not trained with the control {words[0].lstrip('-')}" in error


def test_info_lists_them(mousai, saved_model: Path, controlled_model: Path, no_weights):
    assert "controls:         none beside the prompt\n" in mousai("info", saved_model).out
    shown = mousai("info", controlled_model).out
    listed = "tempo, key, lead (in the prompt), chords (--chords), melody (--melody), section (--section, --form)"
    assert f"controls:         {listed}\n" in shown
    assert f"controls:         {listed}" in mousai("info").out


# ---- edit and extend


@pytest.fixture
def adapter(work: Path, controlled_model: Path) -> Path:
    """An adapter of all matrices of the model that changes what it makes."""
    write_adapter(work / "adapter.safetensors", controlled_model)
    return work / "adapter.safetensors"


@pytest.mark.parametrize(
    "words",
    [
        ["edit", "in.wav", "piano", "--region", "0.5:1", "--chords", "Am F"],
        ["extend", "in.wav", "piano", "--after", "1", "--melody", "tune.mid", "--melody-start", "2"],
        ["extend", "in.wav", "piano", "--before", "1", "--section", "intro"],
        ["extend", "in.wav", "piano", "--after", "2", "--form", "verse:1 chorus:1"],
        ["edit", "in.wav", "piano", "--region", "0.5:1", "--lora", "adapter.safetensors", "--lora-scale", "0.5"],
    ],
)
def test_edits_and_continuations_follow_them(
    mousai, recording: Path, tune: Path, adapter: Path, controlled_model: Path, words: list[str]
):
    plain = ["--model", controlled_model, *FAST, *CLOCK]
    assert mousai(*words, *plain, "-o", "a.wav").code == 0
    assert mousai(*words[:5], *plain, "-o", "b.wav").code == 0
    assert np.abs(read_audio("a.wav") - read_audio("b.wav")).max() > 1e-4
    command = shlex.split(mousai("info", "a.wav").out.splitlines()[-1])
    assert mousai(*command[1:]).code == 0
    assert np.array_equal(read_audio("a-again.wav"), read_audio("a.wav"))
    assert read_metadata("a-again.wav") == read_metadata("a.wav")


@pytest.mark.parametrize("words", [["--chords", "Am F"], ["--melody", "tune.mid"], ["--section", "verse"]])
def test_a_loop_follows_them_and_is_made_again(mousai, tune: Path, controlled_model: Path, words: list[str]):
    plain = ["loop", PROMPT, "--bars", 1, "--model", controlled_model, *FAST]
    assert mousai(*plain, *words, "-o", "a.wav").code == 0
    assert mousai(*plain, "-o", "b.wav").code == 0
    assert np.abs(read_audio("a.wav") - read_audio("b.wav")).max() > 1e-4
    command = shlex.split(mousai("info", "a.wav").out.splitlines()[-1])
    assert mousai(*command[1:]).code == 0
    assert np.array_equal(read_audio("a-again.wav"), read_audio("a.wav"))
    assert read_metadata("a-again.wav") == read_metadata("a.wav")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--chords", "Hm"], "--chords Hm: is no chord"),
        (["--chords", '[["Am", 4]]'], "--chords: A:min begins at 4 s, after the end of the piece, at 2 s"),
        (["--form", "verse:2"], "--form: 2 bars last to 4.00 s at 120 bpm, the piece to 2.00 s"),
        (["--melody-start", "1"], "--melody-start 1: says where a tune begins; give --melody too"),
    ],
)
def test_impossible_loops(mousai, work: Path, controlled_model: Path, no_weights, words: list[str], shown: str):
    done = mousai("loop", PROMPT, "--bars", 1, "--model", controlled_model, *words, "-o", "a.wav")
    assert shown in done.error() and not Path("a.wav").exists()


def test_of_a_loop_of_a_recording_only_the_seam_is_new(mousai, recording: Path, controlled_model: Path, no_weights):
    words = ["loop", "--of", "in.wav", "piano", "--region", "0:1", "--model", controlled_model, "--chords", "Am"]
    assert "--chords Am: is for a new loop; of a recording only the seam" in mousai(*words, "-o", "a.wav").error()


@pytest.mark.parametrize("words", [["--chords", "Am"], ["--melody", "tune.mid"], ["--section", "verse"]])
def test_nothing_follows_them_where_nothing_is_made(
    mousai, recording: Path, tune: Path, controlled_model: Path, no_weights, words: list[str]
):
    done = mousai("vary", "in.wav", "piano", "--strength", 0, "--model", controlled_model, *words, "-o", "a.wav")
    name = words[0].removeprefix("--")
    assert f"--strength 0: keeps the recording as it is, so that nothing follows {name}; give more" in done.error()


@pytest.mark.parametrize(
    "words",
    [
        ["generate", "piano, 120 bpm"],
        ["play", "piano", "--seconds", "1"],
        ["edit", "in.wav", "piano", "--region", "0.5:1"],
        ["loop", "piano, 120 bpm", "--bars", "1"],
        ["loop", "--of", "in.wav", "piano", "--region", "0:1"],
    ],
)
def test_an_adapter_of_another_model_is_refused_by_headers_alone(
    mousai, recording: Path, adapter: Path, saved_model: Path, no_weights, words: list[str]
):
    clock = CLOCK if "in.wav" in words else []
    done = mousai(*words, *clock, "--model", saved_model, "--lora", adapter, "-o", "a.wav")
    assert "adapter.safetensors: is an adapter of another model than this (net." in done.error()
    assert not Path("a.wav").exists()


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--chords", "Hm"], "--chords Hm: is no chord"),
        (["--melody", "tune.mid"], "--melody: none of it lies in the new music, 2 to 3 s; --melody-start moves it"),
        (["--chords", '[["Am", 4]]'], "--chords: A:min begins at 4 s, after the end of the piece, at 3 s"),
        (["--form", "verse:2"], "--form: 2 bars last to 4.00 s at 120 bpm, the piece to 3.00 s"),
        (["--section", "bridge"], "--section bridge: must be one of"),
        (["--lora", "nowhere.safetensors"], "--lora nowhere.safetensors: no such file"),
        (["--lora-scale", "2"], "--lora-scale 2: says how much of an adapter is added; give --lora too"),
        (["--lora", "tune.mid", "--lora-scale", "11"], "--lora-scale 11: must be 0 to 10"),
    ],
)
def test_impossible_continuations(
    mousai, recording: Path, tune: Path, controlled_model: Path, no_weights, words: list[str], shown: str
):
    words = ["extend", "in.wav", "piano", "--after", 1, "--model", controlled_model, *CLOCK, *words, "-o", "a.wav"]
    done = mousai(*words)
    assert done.code == 2 and not Path("a.wav").exists()
    [error] = done.err.splitlines()
    assert shown in error


def test_bars_of_a_recording_need_its_tempo(mousai, recording: Path, controlled_model: Path, no_weights, monkeypatch):
    monkeypatch.setattr("mousai.cli.common.recordings._estimated", lambda *_: None)
    words = [
        "edit",
        "in.wav",
        "piano",
        "--region",
        "0.5:1",
        "--chords",
        "Am",
        "--model",
        controlled_model,
        "-o",
        "a.wav",
    ]
    done = mousai(*words)
    assert done.code == 2 and "--chords: counts bars, which need a tempo" in done.err
