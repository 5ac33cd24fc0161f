"""`mousai generate`."""

import json
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

from mousai import __version__
from mousai.audio.files import audio_info, read_audio, read_metadata
from mousai.pipeline import Mousai

from .helpers import PROMPT, generate

EDIT = ("--steps", 1, "--decoder-steps", 1, "--seed", 1, "--no-estimates")
QUICK = ("--duration", 0.1, "--seed", 1)


def test_a_sentence_becomes_a_file(mousai, work: Path, saved_model: Path):
    done = mousai(*generate(saved_model, "-o", "song.wav", "--seed", "7"))
    assert done.code == 0
    assert done.out == "song.wav: 0.10 s, seed 7\n"
    for shown in ("song.wav: composing", "step 3 of 3", "song.wav: rendering", "step 2 of 2", "left"):
        assert shown in done.err
    info = audio_info("song.wav")
    assert (info.sample_rate, info.channels, info.frames) == (48000, 2, 4800)
    assert read_metadata("song.wav") == {
        "mousai": __version__,
        "prompt": PROMPT,
        "seed": "7",
        "duration": "0.1",
        "steps": "3",
        "decoder_steps": "2",
        "sampler": "ddim",
        "time_grid": "uniform",
        "guidance_scale": "2.0",
        "attribute_guidance_scale": "0.0",
        "griffin_lim": "0",
        "decoder_start": "1.0",
        "model": str(saved_model),
        "dtype": "float32",
    }
    pipeline = Mousai.from_pretrained(saved_model, dtype="float32")
    expected = pipeline(PROMPT, duration=0.1, seed=7).audios[0].numpy()
    assert np.abs(read_audio("song.wav") - expected).max() < 1e-6


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_all_formats(mousai, work: Path, saved_model: Path, suffix: str):
    assert mousai(*generate(saved_model, "-o", f"song.{suffix}", "--duration", "0.3")).code == 0
    assert read_audio(f"song.{suffix}").shape == (2, 14400)
    assert read_metadata(f"song.{suffix}")["prompt"] == PROMPT


def test_the_same_seed_the_same_file_and_another_prompt_another(mousai, work: Path, saved_model: Path):
    for name in ("a.wav", "b.wav"):
        assert mousai(*generate(saved_model, "-o", name, "--seed", "7")).code == 0
    assert Path("a.wav").read_bytes() == Path("b.wav").read_bytes()
    mousai("generate", "metal", "--model", saved_model, "-o", "c.wav", "--seed", 7, "--duration", 0.1)
    assert np.abs(read_audio("a.wav") - read_audio("c.wav")).max() > 0.01


def test_the_drawn_seed_is_printed_and_stored(mousai, work: Path, saved_model: Path):
    printed = []
    for name in ("a.wav", "b.wav"):
        done = mousai(*generate(saved_model, "-o", name))
        printed.append(re.fullmatch(rf"{name}: 0\.10 s, seed (\d+)\n", done.out)[1])
        assert read_metadata(name)["seed"] == printed[-1]
    assert printed[0] != printed[1]


@pytest.mark.parametrize(
    "words",
    [
        ["-o", "a.wav"],
        ["-o", "b.flac", "--guidance-scale", "4", "--steps", "2", "--decoder-steps", "1", "--seed", "3"],
        ["-o", "e.wav", "--sampler", "dpmpp_2m_sde", "--time-grid", "log_snr", "--count", "2"],
        ["-o", "c.wav", "--negative-prompt=--steps 3 'quoted'"],
        ["-o", "d.wav", "--count", "2"],
    ],
)
def test_info_gives_the_command_that_makes_a_file_again(mousai, work: Path, saved_model: Path, words: list[str]):
    assert mousai(*generate(saved_model, *words)).code == 0
    for path in work.glob("*"):
        shown = mousai("info", path.name)
        assert shown.code == 0 and shown.err == ""
        assert "48000 Hz" in shown.out and read_metadata(path)["seed"] in shown.out
        command = shlex.split(shown.out.splitlines()[-1])
        assert command[0] == "mousai"
        assert mousai(*command[1:]).code == 0
        again = work / f"{path.stem}-again{path.suffix}"
        assert again.read_bytes() == path.read_bytes()


def test_a_prompt_that_begins_with_a_dash(mousai, work: Path, saved_model: Path):
    words = ["-o", "a.wav", "--model", saved_model, "--duration", "0.1", "--seed", "1"]
    assert mousai("generate", *words, "--", "--loud").code == 0
    command = shlex.split(mousai("info", "a.wav").out.splitlines()[-1])
    assert mousai(*command[1:]).code == 0
    assert Path("a-again.wav").read_bytes() == Path("a.wav").read_bytes()


def test_several_pieces_are_numbered_and_each_can_be_made_alone(mousai, work: Path, saved_model: Path):
    settings = ["--model", saved_model, "--duration", "0.1", "--dtype", "float32"]
    done = mousai("generate", "calm piano", "fast metal", "-o", "a.wav", "--count", "2", "--seed", "5", *settings)
    assert done.code == 0
    assert done.out == "".join(f"a-{k}.wav: 0.10 s, seed {4 + k}\n" for k in (1, 2, 3, 4))
    assert {path.name for path in work.iterdir()} == {f"a-{k}.wav" for k in (1, 2, 3, 4)}
    assert [read_metadata(f"a-{k}.wav")["prompt"] for k in (1, 2, 3, 4)] == ["calm piano"] * 2 + ["fast metal"] * 2
    assert mousai("generate", "fast metal", "-o", "b.wav", "--seed", "8", *settings).code == 0
    assert Path("b.wav").read_bytes() == Path("a-4.wav").read_bytes()


def test_a_sentence_without_its_quotes_is_pointed_out(mousai, work: Path, saved_model: Path):
    done = mousai("generate", "calm", "piano", "-o", "a.wav", "--model", saved_model, "--duration", "0.1")
    assert done.code == 0 and "quotes" in done.err.splitlines()[0]
    assert "quotes" not in mousai(*generate(saved_model, "-o", "b.wav")).err


def test_a_prompt_that_is_too_long_is_said_to_be_cut(mousai, work: Path, saved_model: Path):
    long = "piano " * 63 + "and Distorted Guitars"
    done = mousai("generate", long, "-o", "a.wav", "--model", saved_model, "--duration", "0.1")
    assert done.code == 0
    warned = [line for line in done.err.splitlines() if line.startswith("mousai: ")]
    assert warned == ["mousai: a prompt is too long, not seen of it: 'and Distorted Guitars'"]
    assert read_metadata("a.wav")["prompt"] == long


def test_options_that_do_not_go_together(mousai, work: Path, saved_model: Path, no_weights):
    told = mousai(*generate(saved_model, "-o", "a.wav", "--init-audio", "b.wav")).error()
    assert "--init-audio b.wav: new music is made from a recording by mousai vary" in told
    assert "--strength: no such option" in mousai(*generate(saved_model, "-o", "a.wav", "--strength", "0.5")).error()


def test_a_usual_tempo_is_told_and_an_edit_goes_by_it(mousai, work: Path, controlled_model: Path, tmp_path: Path):
    model_copy = tmp_path / "model"
    shutil.copytree(controlled_model, model_copy)
    (model_copy / "text_encoder" / "usual_tempo.json").write_text(json.dumps({"weight": [0.0] * 32, "bias": 7.0}))
    said = mousai("generate", "calm piano pop", *QUICK, "--model", model_copy, "-o", "a.wav").out
    assert said == "a.wav: 0.10 s, seed 1, 128 bpm as usual for these words\n"
    made = read_metadata("a.wav")
    assert made["tempo"] == "128"
    again = mousai("info", "a.wav").out.splitlines()[-1]
    assert again.strip().startswith("mousai generate -o a-again.wav --seed 1 ") and "128" not in again
    said = mousai("generate", "calm piano pop, 90 bpm", *QUICK, "--model", model_copy, "-o", "b.wav").out
    assert said == "b.wav: 0.10 s, seed 1\n" and "tempo" not in read_metadata("b.wav")
    known = mousai("edit", "a.wav", "--region", "0:0.05", *EDIT, "--model", model_copy, "-o", "c.wav").out
    assert known.startswith("a.wav: 128 bpm, first downbeat at 0.000 s")
