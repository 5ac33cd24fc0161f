"""`mousai play`: into a file, through a pipe, to a loudspeaker that is not there."""

import io
import os
import shlex
import struct
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from mousai.audio.files import audio_info, read_metadata
from mousai.cli.playing.ahead import Ahead
from mousai.cli.playing.pipe import wav_header
from mousai.cli.playing.typed import change_prompt, start_reading
from mousai.errors import UserError
from mousai.streaming import AudioChunk, Change
from mousai.verbs.command_line import command_of

from .helpers import Result

PROMPT = "calm piano pop, 160 bpm"
FAST = ("--steps", 1, "--decoder-steps", 1, "--inpaint-resamples", 1, "--dtype", "float32", "--seed", 3)
Run = Callable[..., Result]


@pytest.fixture
def play(mousai: Run, work: Path, saved_model: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    from mousai.streaming import latents

    monkeypatch.setattr(latents, "FIRST_WINDOW", 3.0)
    monkeypatch.setattr(latents, "NEW", 2.5)
    return lambda *words: mousai("play", PROMPT, "--model", saved_model, *FAST, *words)


class Stdout(io.TextIOWrapper):
    """A standard output whose bytes can be looked at."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO())

    @property
    def sound(self) -> bytes:
        return self.buffer.getvalue()  # type: ignore[attr-defined, no-any-return]


def fake_sounddevice(played: list[np.ndarray], *, error: str = "", gap: bool = False) -> types.ModuleType:
    class PortAudioError(Exception):
        pass

    class OutputStream:
        def __init__(self, **settings: Any) -> None:
            assert (settings["samplerate"], settings["channels"], settings["dtype"]) == (48000, 2, "float32")

        def start(self) -> None: ...
        def stop(self) -> None: ...
        def abort(self) -> None: ...
        def close(self) -> None: ...

        def write(self, sound: np.ndarray) -> bool:
            assert sound.dtype == np.float32 and sound.shape[1] == 2 and sound.flags.c_contiguous
            played.append(sound.copy())
            return gap

    def check_output_settings(**settings: Any) -> None:
        if error:
            raise PortAudioError(error)

    module = types.ModuleType("sounddevice")
    module.PortAudioError, module.OutputStream = PortAudioError, OutputStream  # type: ignore[attr-defined]
    module.check_output_settings = check_output_settings  # type: ignore[attr-defined]
    return module


def test_into_a_file_of_exactly_that_length(play: Run, work: Path):
    done = play("--seconds", 2.5, "-o", "song.flac", "--tempo", 120, "--key", "A minor")
    assert done.code == 0 and done.out == "song.flac: 2.50 s, seed 3\n", done
    info = audio_info("song.flac")
    assert (info.frames, info.sample_rate, info.channels) == (120000, 48000, 2)
    sound = soundfile.read("song.flac")[0]
    assert np.abs(sound[-4800:]).max() > 1e-3 and not (work / "-").exists()
    made = read_metadata("song.flac")
    assert (made["prompt"], made["seed"], made["inpaint_resamples"]) == (PROMPT, "3", "1")
    assert (made["tempo"], made["first_downbeat"], made["key"]) == ("120", "0", "A minor")  # for the next edit
    words = shlex.split(command_of(made, "song.flac"))
    assert words[:2] == ["mousai", "play"] and {"--seconds", "--tempo=120.0", "--dtype=float32"} <= set(words)
    assert list(work.iterdir()) == [work / "song.flac"]


def test_through_a_pipe_in_three_formats(play: Run, monkeypatch: pytest.MonkeyPatch):
    sounds = {}
    for kind in ("wav", "s16le", "f32le"):
        out = Stdout()
        monkeypatch.setattr(sys, "stdout", out)
        assert play("--seconds", 2, "-o", "-", "--format", kind).code == 0
        sounds[kind] = out.sound
    frames = 96000
    assert [len(sounds[kind]) for kind in ("wav", "s16le", "f32le")] == [44 + 4 * frames, 4 * frames, 8 * frames]
    assert sounds["wav"][44:] == sounds["s16le"]
    floats, whole = np.frombuffer(sounds["f32le"], "<f4"), np.frombuffer(sounds["s16le"], "<i2")
    assert np.abs(floats * 32767 - whole).max() <= 0.5 + 1e-3
    read, rate = soundfile.read(io.BytesIO(sounds["wav"]))
    assert rate == 48000 and len(read) == frames


def test_the_header_of_an_endless_wav():
    endless = wav_header(48000, 2)
    assert len(endless) == 44 and struct.unpack("<I", endless[4:8]) == struct.unpack("<I", endless[40:]) == (2**32 - 1,)
    assert wav_header(48000, 2, 2**31) == endless
    read, rate = soundfile.read(io.BytesIO(wav_header(44100, 1) + bytes(200)))
    assert (rate, read.shape) == (44100, (100,))


def test_a_pipe_that_nobody_reads_any_more_ends_in_silence(play: Run, monkeypatch: pytest.MonkeyPatch):
    reading, writing = os.pipe()
    out = io.TextIOWrapper(os.fdopen(writing, "wb"))
    monkeypatch.setattr(sys, "stdout", out)
    heard = threading.Thread(target=lambda: (os.read(reading, 1000), os.close(reading)))
    heard.start()
    done = play("-o", "-")
    heard.join()
    assert done.code == 0 and "Traceback" not in done.err and done.err.count("\n") == 1, done
    out.close()  # flushes what is left, without a complaint


def test_lines_of_standard_input_change_the_prompt(play: Run, monkeypatch: pytest.MonkeyPatch):
    reading, writing = os.pipe()
    os.write(writing, b"\n  fast metal   in A minor\nno \xff text\n")
    os.close(writing)  # its end ends nothing
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(fileno=lambda: reading))
    monkeypatch.setattr(sys, "stdout", Stdout())
    done = play("-o", "-", "--seconds", 5)
    os.close(reading)
    assert done.code == 0
    assert "at " in done.err and "s: fast metal in A minor\n" in done.err
    assert "is not text; give it as UTF-8; the music goes on as it is\n" in done.err


def test_what_a_line_is_answered():
    class Playing:
        def update(self, *, prompt: str) -> Change:
            return Change(seconds=36.0, bar=13)

    said = change_prompt(Playing(), "jazz trio")  # type: ignore[arg-type]
    assert said == "from bar 13 on, at 36.0 s: jazz trio"
    assert "give a sentence or two" in change_prompt(Playing(), "x" * 9999)  # type: ignore[arg-type]


def test_lines_are_read_as_they_come():
    reading, writing = os.pipe()
    told: list[str] = []
    start_reading(reading, told.append)
    for part in (b"calm pi", b"ano\nfast", b" metal\n\n", b"no newline"):
        os.write(writing, part)
    os.close(writing)
    deadline = time.monotonic() + 30
    while len(told) < 3 and time.monotonic() < deadline:
        time.sleep(0.005)
    assert told == ["calm piano", "fast metal", "no newline"]
    os.close(reading)


def test_to_the_loudspeaker(play: Run, monkeypatch: pytest.MonkeyPatch):
    played: list[np.ndarray] = []
    monkeypatch.setitem(sys.modules, "sounddevice", fake_sounddevice(played, gap=True))
    done = play("--seconds", 2, "--speaker", "2")
    assert done.code == 0 and done.out == "" and "seed 3" in done.err
    assert sum(map(len, played)) == 96000 and max(map(len, played)) == 4800
    assert f"{len(played)} gaps" in done.err


def test_ctrl_c_ends_it(play: Run, monkeypatch: pytest.MonkeyPatch):
    played: list[np.ndarray] = []
    module = fake_sounddevice(played)

    def interrupted(self: Any, sound: np.ndarray) -> bool:
        played.append(sound)
        if len(played) == 20:
            raise KeyboardInterrupt
        return False

    module.OutputStream.write = interrupted  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    done = play()
    assert done.code == 130 and done.err.endswith("mousai: stopped after 2 s\n") and "Traceback" not in done.err
    assert "mousai-play" not in {thread.name for thread in threading.enumerate()}


def test_a_file_that_is_interrupted_is_not_there(play: Run, work: Path, monkeypatch: pytest.MonkeyPatch):
    from mousai.audio.writing import AudioWriter

    def interrupted(self: Any, sound: np.ndarray) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(AudioWriter, "write", interrupted)
    done = play("--seconds", 2, "-o", "song.wav")
    assert done.code == 130 and list(work.iterdir()) == []


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (None, "--speaker: needs the package sounddevice; in a clone"),
        ("raise OSError('PortAudio library not found')", "--speaker: needs the library PortAudio (PortAudio library"),
        (fake_sounddevice([], error="Error querying device -1"), "cannot be played to (Error querying device -1)"),
    ],
)
def test_without_a_loudspeaker(
    play: Run, no_weights: None, monkeypatch: pytest.MonkeyPatch, tmp_path_factory, module: Any, words: str
):
    if isinstance(module, str):
        folder = tmp_path_factory.mktemp("modules")
        (folder / "sounddevice.py").write_text(module)
        monkeypatch.syspath_prepend(folder)
        monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    else:
        monkeypatch.setitem(sys.modules, "sounddevice", module)
    assert words in play().error()


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["-o", "a.flac"], "--seconds: must be given: without an end a.flac would never be finished"),
        (["-o", "a.flac", "--seconds", "0"], "--seconds 0: must be above 0"),
        (["-o", "a.flac", "--seconds", "nan"], "--seconds nan: must be above 0"),
        (["-o", "a.flac", "--seconds", "1e9"], "--seconds 1e+09: must be above 0, up to 86400"),
        (["-o", "a.flac", "--seconds", "0.00001"], "--seconds 1e-05: is less than one sample"),
        (["-o", "a.wav", "--seconds", "80000"], "a.wav: more than 4 GiB"),
        (["-o", "a.mp4", "--seconds", "3"], "a.mp4: the name must end in"),
        (["-o", "no/a.wav", "--seconds", "3"], "the folder does not exist"),
        (["-o", "-", "--speaker", "2"], "--speaker 2: the sound goes to -"),
        (["--format", "wav"], "--format wav: says what goes through a pipe"),
        (["-o", "-", "--format", "mp3"], "--format: invalid choice"),
        (["-o", "-", "--tempo", "3000"], "--tempo 3000: must be 30 to 300"),
        (["-o", "-", "--key", "H moll"], "--key 'H moll': must be a note"),
        (["-o", "-", "--lead", "pianos"], "; did you mean 'piano'?"),
        (["-o", "-", "--seed", "-1"], "--seed -1: must be"),
        (["-o", "-", "--steps", "0"], "--steps 0: must be"),
        (["-o", "-", "--guidance-scale", "1", "--negative-prompt", "drums"], "uses no --negative-prompt"),
        (["-o", "-", "--lora", "nowhere"], "--lora nowhere: no such file"),
        (["-o", "-", "--model", "nowhere"], "--model nowhere"),
        (["-o", "-", "--strength", "0.5"], "--strength: no such option"),
    ],
)
def test_what_cannot_be_played_is_refused(play: Run, no_weights: None, work: Path, words: list[str], shown: str):
    assert shown in play(*words).error()
    assert list(work.iterdir()) == []


def test_sound_is_not_sent_to_a_terminal(play: Run, no_weights: None, monkeypatch: pytest.MonkeyPatch):
    out = Stdout()
    out.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stdout", out)
    done = play("-o", "-")
    assert done.code == 2 and "--output -: is a terminal" in done.err and out.sound == b""


def chunks(error: Exception | None = None, made: list[int] | None = None) -> Iterator[AudioChunk]:
    for k in range(1000):
        if made is not None:
            made.append(k)
        if error is not None and k == 2:
            raise error
        sound = torch.full((2, 4800), float(k))
        yield AudioChunk(
            audio=sound, sample_rate=48000, start_seconds=k / 10, bar=None, beat=None, tempo=None, prompt=PROMPT
        )


def test_chunks_are_made_ahead_of_time_but_not_far():
    made: list[int] = []
    with Ahead(chunks(made=made), seconds=0.3) as ahead:
        taken = [float(chunk.audio[0, 0]) for chunk in islice(ahead, 10)]
        assert taken == list(range(10))
    assert 10 <= len(made) <= 14


def test_an_error_of_the_thread_is_raised_after_what_was_made():
    with Ahead(chunks(UserError("a"))) as ahead:
        taken = iter(ahead)
        assert [float(next(taken).audio[0, 0]) for _ in range(2)] == [0, 1]
        with pytest.raises(UserError, match="a"):
            next(taken)
