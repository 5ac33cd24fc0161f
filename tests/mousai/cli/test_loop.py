"""`mousai loop` and `mousai vary`."""

import shlex
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mousai.audio.files import read_metadata

from .helpers import everything_below, tone

FAST = ("--steps", 2, "--decoder-steps", 1, "--dtype", "float32")
CLOCK = ("--tempo", 120, "--first-downbeat", 0.25, "--key", "A minor")


def test_a_loop_of_a_prompt(mousai, work: Path, saved_model: Path):
    words = ["loop", "house groove, 124 bpm", "--bars", 2, "--model", saved_model, *FAST, "--seed", 3]
    done = mousai(*words, "-o", "loop.wav")
    assert done.code == 0, done
    assert done.out == "loop.wav: 2 bars at 124 bpm, 3.871 s, 185806 samples, pitch 4.3 cents lower, seed 3\n"
    assert soundfile.info("loop.wav").frames == 185806
    data = Path("loop.wav").read_bytes()
    assert b"smpl" in data and b"acid" in data
    made = read_metadata("loop.wav")
    assert (made["tempo"], made["bars"], made["first_downbeat"]) == ("124", "2", "0")
    again = made["command"].split(" ", 1)
    assert again[0] == "loop" and "--bars 2 --seed 3" in made["command"]
    assert mousai(*words, "--tempo", 120, "-o", "b.flac").code == 0
    assert soundfile.info("b.flac").frames == 192000 and b"BPM=120" in Path("b.flac").read_bytes()


def test_the_stored_command_makes_the_loop_again(mousai, work: Path, saved_model: Path):
    words = ["house groove", "--tempo", 240, "--key", "E minor", "--bars", 1, "--negative-prompt=-x-", *FAST]
    done = mousai("loop", *words, "--model", saved_model, "-o", "a.wav")
    assert done.code == 0, done
    command = shlex.split(read_metadata("a.wav")["command"])
    assert mousai(*command, "--dtype", "float32", "-o", "b.wav").code == 0
    assert np.array_equal(soundfile.read("a.wav")[0], soundfile.read("b.wav")[0])


def test_a_loop_of_a_recording(mousai, work: Path, saved_model: Path):
    tone(work / "song.wav", 3.0, rate=44100, channels=1)
    words = ["loop", "--of", "song.wav", "piano", "--model", saved_model, *FAST, *CLOCK, "--seed", 3]
    done = mousai(*words, "--region", "0.5:2", "--seam", 0.5, "-o", "a.wav")
    assert done.code == 0, done
    assert done.out == "song.wav: 120 bpm, first downbeat at 0.250 s, A minor\na.wav: 1.50 s, seed 3\n"
    whole, loop = soundfile.read("song.wav")[0], soundfile.read("a.wav")[0]
    assert len(loop) == 66150 and np.array_equal(loop[:44100], whole[22050 : 22050 + 44100])
    made = read_metadata("a.wav")
    assert (made["tempo"], made["first_downbeat"]) == ("120", "1.75")  # a quarter of a second before the region
    assert made["command"].startswith("loop --of song.wav piano --region 0.5:2 --seam 0.5")
    assert mousai(*words, "--bars", 1, "-o", "b.wav").code == 0
    loop = soundfile.read("b.wav")[0]
    assert len(loop) == 88200 and np.array_equal(loop[:66150], whole[11025 : 11025 + 66150])  # from the first downbeat


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ([], "prompt: say what the loop is like"),
        (
            ["house groove"],
            "prompt 'house groove': names no tempo, which a loop needs; say 124 bpm in it, or give --tempo",
        ),
        (["a, 124 bpm", "--bars", "0"], "--bars 0: must be a whole number of bars, 1 to 999"),
        (["a, 124 bpm", "--bars", "-4"], "--bars -4: must be"),
        (["a, 124 bpm", "--bars", "1.5"], "--bars: invalid int value: '1.5'"),
        (["a, 124 bpm", "--bars", "100"], "--bars 100: are 194 s at 124 bpm; a loop has at most 120 s, 62 bars"),
        (["house", "--tempo", "3000"], "--tempo 3000: must be 30 to 300 beats per minute"),
        (["house, 3000 bpm"], "names no tempo"),
        (["a, 124 bpm", "--key", "H minor"], "--key 'H minor': must be a note"),
        (["a, 124 bpm", "--region", "1:2"], "--region 1:2: says which part of a recording is to loop; give --of"),
        (["a, 124 bpm", "--seam", "1"], "--seam 1: says which part"),
        (["a, 124 bpm", "--first-downbeat", "1"], "--first-downbeat 1: a new loop begins"),
        (["a, 124 bpm", "--inpaint-resamples", "2"], "--inpaint-resamples 2: fits new music to a recording"),
        (["a, 124 bpm", "--strength", "0.5"], "--strength: no such option"),
        (["a, 124 bpm", "--lora", "none.safetensors"], "--lora none.safetensors: no such file"),
        (["a, 124 bpm", "--lora-scale", "2"], "--lora-scale 2: says how much of an adapter"),
        (["a, 124 bpm", "--model", "nowhere"], "--model nowhere"),
        (["a, 124 bpm", "--steps", "0"], "--steps 0"),
        (["a, 124 bpm", "-o", "a.txt"], "a.txt: the name must end in"),
        (["--of", "in.wav", "a"], "--region: say which part is to loop"),
        (["--of", "in.wav", "a", "--region", "1:2", "--bars", "2"], "--bars 2: is told by --region too"),
        (["--of", "in.wav", "a", "--region", "2:1"], "--region 2:1: is empty or reversed"),
        (["--of", "in.wav", "a", "--region", "1-2"], "--region 1-2: must be START:END"),
        (["--of", "in.wav", "a", "--region", "0:9"], "--region 0:9: lies outside the recording, which is 3.00 s"),
        (["--of", "in.wav", "a", "--region", "0:0.1"], "--region 0:0.1: is 0.1 s long; a loop has 0.2 to 120 s"),
        (["--of", "in.wav", "a", "--region", "0:1", "--seam", "0.9"], "--seam 0.9: must be 0.05 to 0.5 s"),
        (["--of", "in.wav", "a", "--bars", "0", "--tempo", "120"], "--bars 0: must be a whole number"),
        (["--of", "in.wav", "--region", "0:1"], "prompt: must be given: in.wav has none of its own"),
        (["--of", "none.wav", "a", "--region", "0:1"], "none.wav: does not exist"),
    ],
)
def test_what_cannot_loop_is_refused(mousai, work: Path, no_weights, words: list[str], shown: str):
    tone(work / "in.wav", 3.0)
    before = everything_below(work)
    assert shown in mousai("loop", *words, *([] if "-o" in words else ["-o", "out.wav"])).error()
    assert everything_below(work) == before


def test_bars_beyond_the_recording_are_refused(mousai, work: Path, no_weights):
    tone(work / "in.wav", 3.0)
    done = mousai("loop", "--of", "in.wav", "a", "--bars", 4, *CLOCK, "-o", "out.wav")
    assert (done.code, done.out) == (2, "in.wav: 120 bpm, first downbeat at 0.250 s, A minor\n")
    assert done.err == "mousai: error: --bars 4: end at 8.25 s at 120 bpm; the recording is 3.00 s long\n"
    assert not (work / "out.wav").exists()
    done = mousai("loop", "--of", "in.wav", "a", "--bars", 1, "--seam", 1.5, *CLOCK, "-o", "out.wav")
    assert done.err == "mousai: error: --seam 1.5: must be 0.05 to 1 s, half of the region at most\n"


# ---- vary


def test_a_recording_is_varied(mousai, work: Path, saved_model: Path):
    tone(work / "in.wav", 1.0, rate=44100, channels=1)
    words = ["vary", "in.wav", "--model", saved_model, *FAST, *CLOCK, "--seed", 3]
    done = mousai(*words, "--strength", 0.5, "jazz trio", "-o", "a.wav")
    assert done.code == 0, done
    assert done.out == "in.wav: 120 bpm, first downbeat at 0.250 s, A minor\na.wav: 1.00 s, seed 3\n"
    info, made = soundfile.info("a.wav"), read_metadata("a.wav")
    assert (info.samplerate, info.channels, info.frames) == (44100, 1, 44100)
    assert (made["init_audio"], made["strength"], made["tempo"], made["key"]) == ("in.wav", "0.5", "120", "A minor")
    assert made["command"].startswith("vary in.wav 'jazz trio' --seed 3 --tempo 120")
    assert mousai(*words, "--strength", 0, "jazz trio", "-o", "b.wav").code == 0
    assert np.array_equal(soundfile.read("b.wav")[0], soundfile.read("in.wav")[0])


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["in.wav"], "prompt: must be given: in.wav has none of its own"),
        (["in.wav", "jazz", "--strength", "1.1"], "--strength 1.1: must be 0 to 1"),
        (["in.wav", "jazz", "--strength", "-0.1"], "--strength -0.1: must be 0 to 1"),
        (["in.wav", "jazz", "--strength", "nan"], "--strength nan: must be 0 to 1"),
        (["in.wav", "jazz", "--tempo", "3000"], "--tempo 3000: must be 30 to 300"),
        (["in.wav", "jazz", "--first-downbeat", "-1"], "--first-downbeat -1: must be 0 s or more"),
        (["in.wav", "jazz", "--inpaint-resamples", "2"], "--inpaint-resamples: no such option"),
        (["in.wav", "jazz", "--duration", "2"], "--duration: no such option"),
        (["none.wav", "jazz"], "none.wav: does not exist"),
        (["in.wav", "jazz", "--lora", "none.safetensors"], "--lora none.safetensors: no such file"),
    ],
)
def test_what_cannot_be_varied_is_refused(mousai, work: Path, no_weights, words: list[str], shown: str):
    tone(work / "in.wav", 3.0)
    assert shown in mousai("vary", *words, "-o", "out.wav").error()
    assert not (work / "out.wav").exists()
