"""`mousai extend`."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from mousai.audio.files import read_metadata, write_audio

FAST = ("--steps", 2, "--decoder-steps", 1, "--inpaint-resamples", 1, "--dtype", "float32")
CLOCK = ("--tempo", 120, "--first-downbeat", 0.5, "--key", "A minor")


@pytest.fixture
def recording(work: Path) -> Path:
    wave = 0.3 * np.sin(np.arange(48000) * 2 * np.pi * 220 / 48000, dtype=np.float32)
    write_audio(work / "in.wav", np.stack([wave, wave]), 48000, bits=32)
    return work / "in.wav"


def test_a_recording_goes_on_to_both_sides(mousai, recording: Path, saved_model: Path):
    words = ["--after", 0.5, "--before", 1.25, "--seed", 3, "calm piano", "-o", "longer.wav"]
    done = mousai("extend", "in.wav", "--model", saved_model, *FAST, *CLOCK, *words)
    assert done.code == 0, done
    assert done.out == "in.wav: 120 bpm, first downbeat at 0.500 s, A minor\nlonger.wav: 2.75 s, seed 3\n"
    before, after = (soundfile.read(name, dtype="float32")[0] for name in ("in.wav", "longer.wav"))
    assert np.array_equal(after[60000 : 60000 + 48000], before) and len(after) == 132000
    assert all(np.abs(part).max() > 0.05 for part in (after[:60000], after[-24000:]))
    made = read_metadata("longer.wav")
    assert (made["tempo"], made["first_downbeat"]) == ("120", "1.75")  # so that the next call goes on in phase
    assert "extend in.wav" in made["command"]


def test_the_prompt_of_the_file_is_used(mousai, work: Path, saved_model: Path):
    assert (
        mousai(
            *("generate", "house, 120 bpm, A minor", "--duration", 1, "--model", saved_model, "-o", "in.wav"),
            *FAST[:4],
        ).code
        == 0
    )
    done = mousai("extend", "in.wav", "--after", 0.5, "--model", saved_model, "-o", "longer.wav", *FAST)
    assert done.out.startswith("in.wav: 120 bpm, first downbeat at 0.000 s, A minor\n")
    assert read_metadata("longer.wav")["prompt"] == "house, 120 bpm, A minor"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ([], "--after: say how far"),
        (["--after", "0"], "--after 0: must be 0.05 to 3600"),
        (["--after", "-3"], "--after -3: must be"),
        (["--before", "nan"], "--before nan: must be"),
        (["--after", "5000"], "--after 5000: must be"),
        (["--after", "3000", "--before", "3000"], "--after: makes 6001 s together"),
        (["--after", "2", "--tempo", "1"], "--tempo 1: must be"),
        (["--after", "2", "--model", "nowhere"], "--model nowhere"),
        (["--after", "x"], "--after: invalid float value"),
    ],
)
def test_impossible_continuations(mousai, recording: Path, saved_model: Path, no_weights, words: list[str], shown: str):
    done = mousai("extend", "in.wav", "piano", "--model", saved_model, *FAST, *CLOCK, *words, "-o", "longer.wav")
    assert done.code == 2
    [error] = [line for line in done.err.splitlines() if line]
    assert shown in error and not Path("longer.wav").exists()


@pytest.mark.parametrize(("option", "part"), [("--after", "last"), ("--before", "first")])
def test_silence_cannot_be_continued(mousai, work: Path, no_weights, option: str, part: str):
    write_audio(work / "in.wav", np.zeros((2, 48000), np.float32), 48000)
    error = mousai("extend", "in.wav", "piano", option, 2, "-o", "longer.wav").error()
    assert f"in.wav: its {part} 1 s are silent, which cannot be continued" in error


def test_a_file_that_exists_is_not_replaced(mousai, recording: Path, no_weights):
    assert "in.wav: exists already" in mousai("extend", "in.wav", "piano", "--after", 2, "-o", "in.wav").error()
