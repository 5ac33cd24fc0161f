"""`mousai edit`."""

import shlex
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mousai.audio.files import audio_info, read_audio, read_metadata, write_audio

from .helpers import tone

FAST = ("--steps", 2, "--decoder-steps", 1, "--inpaint-resamples", 1, "--dtype", "float32")
CLOCK = ("--tempo", 120, "--first-downbeat", 0.1, "--key", "A minor")


def edit(model: Path, *words: object) -> list[object]:
    return ["edit", "in.flac", "--model", model, *FAST, *CLOCK, *words]


@pytest.fixture
def recording(work: Path) -> Path:
    wave = 0.3 * np.sin(np.arange(3 * 44100) * 2 * np.pi * 220 / 44100, dtype=np.float32)
    write_audio(work / "in.flac", wave[None], 44100, bits=16)
    return work / "in.flac"


def test_a_region_is_made_anew_and_the_rest_stays(mousai, recording: Path, saved_model: Path):
    words = edit(
        saved_model, "--region", "0.5:0.8", "--region", "1:1.2", "--seed", 3, "calm piano pop", "-o", "new.flac"
    )
    done = mousai(*words)
    assert done.code == 0, done
    assert done.out == "in.flac: 120 bpm, first downbeat at 0.100 s, A minor\nnew.flac: 3.00 s, seed 3\n"
    info = audio_info("new.flac")
    assert (info.sample_rate, info.channels, info.bits) == (44100, 1, 16)
    before, after = (soundfile.read(name, dtype="int16")[0] for name in ("in.flac", "new.flac"))
    changed = np.flatnonzero(before != after)
    inside = [range(22050, 35280), range(44100, 52920)]
    assert all(any(place in span for span in inside) for place in changed[:: len(changed) // 50])
    assert changed[0] >= 22050 and changed[-1] < 52920
    assert np.array_equal(before[35280:44100], after[35280:44100])
    again = mousai(*words[:-1], "again.flac")
    assert again.code == 0
    assert np.array_equal(after, soundfile.read("again.flac", dtype="int16")[0])


def test_the_file_tells_how_it_was_made(mousai, recording: Path, saved_model: Path):
    assert mousai(*edit(saved_model, "calm piano", "--region", "0.5:0.8", "--seed", 3, "-o", "new.wav")).code == 0
    made = read_metadata("new.wav")
    assert (made["tempo"], made["first_downbeat"], made["key"], made["regions"]) == ("120", "0.1", "A minor", "0.5:0.8")
    command = mousai("info", "new.wav").out.splitlines()[-1].split("mousai ", 1)[1]
    assert mousai(*shlex.split(command), "--dtype", "float32").code == 0
    assert np.array_equal(soundfile.read("new.wav")[0], soundfile.read("new-again.wav")[0])


@pytest.mark.parametrize("words", [["edit", "--region", "0.5:0.8123456789"], ["extend", "--after", "0.5123456789"]])
def test_numbers_of_many_digits_make_the_same_music_again(mousai, recording: Path, saved_model: Path, words: list[str]):
    clock = ["--tempo", "123.456789012345", "--first-downbeat", "0.123456789012345"]
    command = [words[0], "in.flac", "piano", *words[1:], *clock, "--model", saved_model, *FAST, "-o", "new.flac"]
    assert mousai(*command, "--no-estimates").code == 0
    made = read_metadata("new.flac")
    assert made["tempo"] == "123.456789012345" and "--no-estimates" in made["command"]  # no key was told
    assert float(made["first_downbeat"]) == 0.123456789012345
    again = mousai("info", "new.flac").out.splitlines()[-1].split("mousai ", 1)[1]
    assert mousai(*shlex.split(again)).code == 0
    assert np.array_equal(soundfile.read("new.flac")[0], soundfile.read("new-again.flac")[0])
    assert read_metadata("new-again.flac") == made


def test_nothing_is_estimated_where_nobody_asks_for_it(mousai, recording: Path, saved_model: Path, monkeypatch):
    monkeypatch.setattr("mousai.cli.common.recordings._estimated", lambda *_: (90.0, 0.25, (0, False)))
    command = [
        "edit",
        "in.flac",
        "piano",
        "--region",
        "0.5:0.8",
        "--model",
        saved_model,
        *FAST,
        "--overwrite",
        "-o",
        "a.flac",
    ]
    assert mousai(*command).out.startswith("in.flac: 90 bpm, first downbeat at 0.250 s, C major, estimated where")
    assert "--no-estimates" not in read_metadata("a.flac")["command"]
    assert mousai(*command, "--no-estimates").out.startswith("in.flac: tempo unknown, key unknown\n")
    assert "tempo" not in read_metadata("a.flac") and "key" not in read_metadata("a.flac")


def test_bars_lie_on_the_clock(mousai, recording: Path, saved_model: Path):
    assert mousai(*edit(saved_model, "piano", "--bars", "1:2", "-o", "new.wav")).code == 0
    assert read_metadata("new.wav")["regions"] == "0.1:2.1"


def test_the_prompt_and_the_tempo_of_the_file(mousai, work: Path, saved_model: Path):
    made = mousai("generate", "house, 120 bpm", "--duration", 2.5, "--model", saved_model, "-o", "in.flac", *FAST[:4])
    assert made.code == 0
    done = mousai("edit", "in.flac", "--bars", "1:2", "--key", "C major", "--model", saved_model, "-o", "a.flac", *FAST)
    assert done.out.startswith("in.flac: 120 bpm, first downbeat at 0.000 s, C major\n")
    found = read_metadata("a.flac")
    assert (found["prompt"], found["regions"]) == ("house, 120 bpm", "0:2")


@pytest.mark.slow  # librosa compiles its beat tracker first
def test_the_clock_is_estimated_where_nobody_tells_it(mousai, work: Path, saved_model: Path):
    wave = np.zeros(48000 * 10, dtype=np.float32)
    drawn = np.random.default_rng(0)
    for beat in np.arange(0.3, 9.8, 0.5):  # 120 bpm
        start = round(beat * 48000)
        wave[start : start + 2400] += 0.5 * drawn.standard_normal(2400).astype(np.float32) * np.linspace(1, 0, 2400)
    write_audio(work / "in.flac", np.clip(wave, -1, 1)[None], 48000)
    done = mousai("edit", "in.flac", "piano", "--region", "1:1.2", "--model", saved_model, "-o", "a.wav", *FAST)
    assert done.code == 0
    bpm, downbeat = (float(read_metadata("a.wav")[name]) for name in ("tempo", "first_downbeat"))
    assert bpm == pytest.approx(120, rel=0.01)
    assert abs((downbeat - 0.3 + 0.25) % 0.5 - 0.25) < 0.03
    assert "estimated where not given" in done.out


BAD = [
    (["--region", "8:12"], "--region 8:12: lies outside the recording, which is 3.00 s long"),
    (["--region", "1:2", "--region", "1.5:2.5"], "--region 1.5:2.5: overlaps 1:2"),
    (["--region", "1:1"], "--region 1:1: is empty"),
    (["--region", "2:1"], "--region 2:1: is reversed; did you mean 1:2?"),
    (["--region=-1:2"], "--region -1:2: must not be negative"),
    (["--region", "1:1.01"], "is shorter than 0.05 s"),
    (["--region", "one:two"], "--region one:two: must be START:END"),
    (["--region", "nan:2"], "must be START:END"),
    (["--region", "12"], "must be START:END"),
    (["--bars", "0:2"], "--bars 0:2: must be 1 or more"),
    (["--bars", "3:2"], "--bars 3:2: is empty or reversed"),
    (["--bars", "7:9"], "--bars 7:9: lies outside the recording"),
    ([], "--region: say what is made anew"),
    (["--region", "1:2", "--tempo", "3000"], "--tempo 3000: must be 30 to 300"),
    (["--region", "1:2", "--key", "H"], "--key H: must be a note"),
    (["--region", "1:2", "--first-downbeat", "nan"], "--first-downbeat nan"),
    (["--region", "1:2", "--seed", "-1"], "--seed -1"),
    (["--region", "1:2", "--inpaint-resamples", "0"], "--inpaint-resamples 0"),
    (["--region", "1:2", "--model", "nowhere"], "--model nowhere: no such folder"),
    (["--region", "1:2", "--device", "gpu"], "--device gpu"),
]


@pytest.mark.parametrize(("words", "shown"), BAD)
def test_impossible_edits(mousai, recording: Path, saved_model: Path, no_weights, words: list[str], shown: str):
    done = mousai(*edit(saved_model, "piano", "-o", "new.wav", *words))
    assert done.code == 2
    [error] = done.err.splitlines()
    assert error.startswith("mousai: error: ") and shown in error and len(error) < 300
    assert not Path("new.wav").exists()


def test_a_region_that_is_none_is_refused_before_anything_is_estimated(
    mousai, recording: Path, no_weights, monkeypatch
):
    monkeypatch.setattr("mousai.cli.common.recordings._estimated", None)
    done = mousai("edit", "in.flac", "piano", "--region", "8:12", "-o", "new.wav")
    assert done.error() == "mousai: error: --region 8:12: lies outside the recording, which is 3.00 s long\n"


def test_bars_need_a_tempo(mousai, work: Path, no_weights):
    tone(work / "in.wav", 0.5)
    told = "--bars {}: needs the tempo; give --tempo and --first-downbeat\n"
    for words, bars in ((["edit", "in.wav"], "1:2"), (["loop", "--of", "in.wav"], "1")):
        done = mousai(*words, "piano", "--bars", bars, "--no-estimates", "-o", "new.wav")
        assert (done.code, done.err) == (2, f"mousai: error: {told.format(bars)}")


def test_a_region_longer_than_the_model_hears(mousai, work: Path, saved_model: Path, no_weights):
    tone(work / "in.flac", 50.0, rate=8000, channels=1)
    error = mousai(*edit(saved_model, "piano", "--region", "2:40", "-o", "new.wav")).error()
    assert "--region 2:40: is 38 s long; the model hears 20 s" in error


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["edit", "none.wav", "piano", "--region", "1:2", "-o", "new.wav"], "none.wav: does not exist"),
        (["edit", "text.wav", "piano", "--region", "1:2", "-o", "new.wav"], "text.wav: cannot be read as audio"),
        (["edit", "in.flac", "piano", "--region", "1:2", "-o", "in.flac"], "in.flac: exists already"),
        (["edit", "in.flac", "piano", "--region", "1:2", "-o", "new.mid"], "must end in"),
        (["edit", "in.flac", "--region", "1:2", "-o", "new.wav"], "prompt: must be given"),
        (["edit", "in.flac", "--region", "1:2", "a", "b", "-o", "new.wav"], "b: one word too many"),
    ],
)
def test_wrong_files(mousai, recording: Path, no_weights, words: list[str], shown: str):
    Path("text.wav").write_text("no sound")
    assert shown in mousai(*words).error()
    assert not Path("new.wav").exists()


def test_flac_cannot_hold_a_recording_beyond_one(mousai, work: Path, saved_model: Path, no_weights):
    write_audio(work / "in.wav", 1.5 * np.ones((1, 48000), np.float32), 48000, bits=32)
    words = ["edit", "in.wav", "piano", "--region", "0.2:0.5", "--model", saved_model, *CLOCK, "-o", "new.flac"]
    done = mousai(*words)
    assert done.code == 2 and "beyond ±1, which .flac cannot hold; write .wav or .ogg" in done.err
    same = mousai("vary", "in.wav", "piano", "--strength", 0, "--model", saved_model, "-o", "new.flac")
    assert same.code == 2 and "beyond ±1, which .flac cannot hold; write .wav or .ogg" in same.err


def test_a_varied_recording_may_go_beyond_one(mousai, work: Path, saved_model: Path):
    write_audio(work / "in.wav", 1.02 * np.ones((1, 24000), np.float32), 48000, bits=32)
    few = ("--steps", 2, "--decoder-steps", 1, "--seed", 1, "--model", saved_model)
    done = mousai("vary", "in.wav", "piano", "--strength", 0.5, *few, "-o", "new.flac")
    assert done.code == 0 and np.abs(read_audio("new.flac")).max() <= 1


@pytest.mark.parametrize(
    ("suffix", "source"), [("ogg", "wav"), ("mp3", "wav"), ("wav", "wav"), ("wav", "ogg"), ("ogg", "ogg")]
)
def test_other_containers_hold_a_recording_beyond_one(mousai, work: Path, saved_model: Path, suffix: str, source: str):
    time = np.arange(48000) / 48000
    loud = (1.2 * np.sin(880 * np.pi * time))[None].astype(np.float32)
    write_audio(work / f"in.{source}", loud, 48000, bits=32, peak="keep")
    few = ("--steps", 1, "--decoder-steps", 1, "--inpaint-resamples", 1, "--seed", 1, "--model", saved_model)
    done = mousai("edit", f"in.{source}", "piano", "--region", "0.9:1", *CLOCK, *few, "-o", f"new.{suffix}")
    assert done.code == 0, done.err
    kept = read_audio(f"new.{suffix}")[:, 9600:33600]
    assert 1.15 < np.abs(kept).max() < 1.25  # neither clipped nor turned down
