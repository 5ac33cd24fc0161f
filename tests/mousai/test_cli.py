import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file, save_file

from mousai import __version__
from mousai.audio.files import audio_info, read_audio, read_metadata, write_audio
from mousai.cli import COMMANDS, _is_check_of_ours, main
from mousai.pipeline import Mousai

PROMPT = "calm piano pop, 100 bpm"


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    def error(self) -> str:
        """The one line that a refused command line writes."""
        assert self.code == 2 and self.out == "", self
        assert self.err.startswith("mousai: error: ") and self.err.endswith("\n"), self
        assert self.err.count("\n") == 1, self
        return self.err


@pytest.fixture
def mousai(capfd: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    def run(*words: object) -> Result:
        capfd.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as leaving:
            code = leaving.code
        out, err = capfd.readouterr()
        return Result(code, out, err)

    return run


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading weights is a failure."""

    def load(*args: object, **settings: object) -> None:
        raise AssertionError("weights were loaded")

    monkeypatch.setattr(Mousai, "from_pretrained", load)


def tone(path: Path, seconds: float = 0.2, *, rate: int = 48000, channels: int = 2, level: float = 0.3) -> Path:
    wave = level * np.sin(np.arange(round(seconds * rate)) * 2 * np.pi * 440 / rate)
    write_audio(path, np.stack([wave] * channels).astype(np.float32), rate)
    return path


def everything_below(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


def generate(model: Path, *words: object) -> list[object]:
    return ["generate", PROMPT, "--model", model, "--dtype", "float32", "--duration", "0.1", *words]


# ---- help


@pytest.mark.parametrize("words", [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS), []])
def test_help_is_light(words: list[str]):
    code = (
        "import sys, time\n"
        "from mousai.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as leaving: assert not leaving.code\n"
        "heavy = {'torch', 'numpy', 'transformers', 'soundfile', 'tqdm', 'dmae'} & sys.modules.keys()\n"
        "assert not heavy, heavy\n"
        "assert time.process_time() < 0.3, time.process_time()\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    if words == ["--version"]:
        assert done.stdout == f"mousai {__version__}\n"
    else:
        assert "usage: mousai" in done.stdout + done.stderr


def test_every_help_has_an_example_that_its_parser_takes(mousai, monkeypatch: pytest.MonkeyPatch):
    from mousai.cli import build_parser

    for name, command in COMMANDS.items():
        helped = mousai(name, "--help")
        assert helped.code == 0 and helped.err == ""
        for example in command.examples:
            assert example in helped.out
            words = shlex.split(example)
            assert words[:2] == ["mousai", name]
            parsed = build_parser(name).parse_args(words[1:])
            assert callable(parsed.run)


def test_the_help_knows_all_samplers_and_grids(mousai):
    # They are spelled out there, because help must not load torch to ask for them.
    from vdiffusion import SAMPLER_NAMES, TIME_GRID_NAMES

    shown = " ".join(mousai("generate", "--help").out.split())
    for name in (*SAMPLER_NAMES, *TIME_GRID_NAMES):
        assert re.search(rf"\b{name}\b", shown), name


def test_no_command_shows_the_help(mousai):
    shown = mousai()
    assert shown.code == 2 and shown.out == "" and all(name in shown.err for name in COMMANDS)


def test_as_a_module(saved_model: Path, tmp_path: Path):
    def run(*words: object) -> subprocess.CompletedProcess:
        command = [sys.executable, "-W", "error", "-m", "mousai", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True)

    done = run("info", saved_model)
    assert done.returncode == 0 and done.stderr == "" and "48000 Hz" in done.stdout
    failed = run("reconstruct", tmp_path / "nowhere.wav", "-o", tmp_path / "a.wav", "--model", saved_model)
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr == f"mousai: error: {tmp_path / 'nowhere.wav'} does not exist\n"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["genrate", "x"], "'genrate'"),
        (["generate"], "PROMPT"),
        (["generate", PROMPT], "--output"),
        (["generate", PROMPT, "-o", "a.wav", "--step", "3"], "--step"),  # no abbreviations
        (["generate", PROMPT, "-o", "a.wav", "--steps", "many"], "--steps"),
        (["generate", PROMPT, "-o", "a.wav", "--steps", "1.5"], "--steps"),
        (["generate", PROMPT, "-o", "a.wav", "--duration", "long"], "--duration"),
        (["generate", PROMPT, "-o", "a.wav", "--dtype", "float16"], "--dtype"),
        (["reconstruct", "-o", "a.wav"], "IN"),
        (["decode", "a", "b", "-o", "c.wav"], "b"),
    ],
)
def test_a_wrong_command_line_is_one_line(mousai, work: Path, no_weights, words: list[str], shown: str):
    error = mousai(*words).error()
    assert shown in error and "--help" in error


# ---- generate


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


def test_starting_from_a_recording(mousai, work: Path, saved_model: Path):
    tone(work / "demo.flac", 0.25, rate=44100, channels=1)
    words = ["generate", PROMPT, "--model", saved_model, "--init-audio", "demo.flac", "--seed", "1"]
    assert mousai(*words, "-o", "a.wav").code == 0
    assert mousai(*words, "-o", "b.wav", "--strength", "0.01").code == 0
    assert audio_info("a.wav").frames == audio_info("b.wav").frames == 12000
    made = read_metadata("a.wav")
    assert (made["init_audio"], made["strength"]) == ("demo.flac", "0.7") and "duration" not in made
    assert np.abs(read_audio("a.wav") - read_audio("b.wav")).max() > 0.01
    assert "duration=" in mousai(*words, "-o", "c.wav", "--duration", "1").error().replace(
        "--duration and", "duration="
    )


def test_options_that_do_not_go_together(mousai, work: Path, saved_model: Path, no_weights):
    assert "--init-audio" in mousai(*generate(saved_model, "-o", "a.wav", "--init-audio", "b.wav")).error()
    assert "--init-audio" in mousai(*generate(saved_model, "-o", "a.wav", "--strength", "0.5")).error()


# ---- reconstruct, encode, decode


@pytest.mark.parametrize(("rate", "channels", "seconds"), [(48000, 2, 0.2), (44100, 1, 0.3), (22050, 2, 1 / 22050)])
def test_reconstructing_keeps_the_duration(
    mousai, work: Path, saved_model: Path, rate: int, channels: int, seconds: float
):
    tone(work / "in.wav", seconds, rate=rate, channels=channels)
    done = mousai("reconstruct", "in.wav", "-o", "out.wav", "--model", saved_model, "--seed", "2")
    assert done.code == 0 and "out.wav: rendering" in done.err and "composing" not in done.err
    info = audio_info("out.wav")
    assert (info.sample_rate, info.channels, info.frames) == (48000, 2, read_audio("in.wav").shape[1])
    assert read_metadata("out.wav")["reconstructed_from"] == "in.wav"
    assert "in.wav" in mousai("info", "out.wav").out


def test_encoding_and_decoding_is_reconstructing(mousai, work: Path, saved_model: Path):
    tone(work / "in.wav", 0.123)
    model = ["--model", saved_model, "--dtype", "float32"]
    done = mousai("encode", "in.wav", "-o", "in.safetensors", *model)
    assert (done.code, done.err) == (0, "") and done.out == "in.safetensors: latent [8, 6], 0.12 s\n"
    assert load_file("in.safetensors")["latent"].shape == (8, 6)
    assert mousai("decode", "in.safetensors", "-o", "a.wav", *model, "--seed", "3").code == 0
    assert mousai("reconstruct", "in.wav", "-o", "b.wav", *model, "--seed", "3").code == 0
    assert audio_info("a.wav").frames == 5904
    assert np.array_equal(read_audio("a.wav"), read_audio("b.wav"))
    assert mousai("decode", "in.safetensors", "-o", "c.wav", *model, "--seed", "4").code == 0
    assert not np.array_equal(read_audio("a.wav"), read_audio("c.wav"))
    shown = mousai("info", "in.safetensors")
    assert shown.code == 0 and "[8, 6]" in shown.out and "0.12 s" in shown.out


@pytest.fixture
def latent_file(mousai, work: Path, saved_model: Path) -> Path:
    tone(work / "in.wav", 0.2)
    assert mousai("encode", "in.wav", "-o", "a.safetensors", "--model", saved_model).code == 0
    return work / "a.safetensors"


def header(path: Path) -> dict[str, str]:
    from mousai.storage.weights import load_tensors

    return load_tensors(path)[1]


@pytest.mark.parametrize(
    ("tensors", "about", "shown"),
    [
        ({"latent": torch.zeros(9, 10)}, {}, "channels=9"),
        ({"latent": torch.zeros(8, 10)}, {"sample_rate": "44100"}, "sample_rate=44100"),
        ({"latent": torch.zeros(8, 10)}, {"hop_length": "1000"}, "hop_length=1000"),
        ({"latent": torch.zeros(8, 10)}, {"autoencoder": "0123456789abcdef"}, "other weights"),
        ({"latent": torch.zeros(8, 11)}, {}, "11 frames"),
        ({"latent": torch.zeros(8, 10)}, {"samples": "0"}, "samples='0'"),
        ({"latent": torch.zeros(8, 10)}, {"samples": "9" * 5000}, "samples="),
        ({"latent": torch.zeros(8, 10)}, {"samples": "many"}, "samples='many'"),
        ({"latent": torch.zeros(8, 10)}, {"samples": None}, "samples=''"),
        ({"latent": torch.full((8, 10), float("nan"))}, {}, "NaN"),
        ({"latent": torch.full((8, 10), float("inf"))}, {}, "NaN or infinity"),
        ({"latent": torch.zeros(8, 10, dtype=torch.int32)}, {}, "int32"),
        ({"latent": torch.zeros(1, 8, 10)}, {}, "[1, 8, 10]"),
        ({"latent": torch.zeros(8, 0)}, {}, "[8, 0]"),
        ({"weight": torch.zeros(8, 10)}, {}, "weight"),
        ({}, {}, "nothing"),
    ],
)
def test_a_latent_of_another_kind(
    mousai, work: Path, saved_model: Path, latent_file: Path, no_weights, tensors: dict, about: dict, shown: str
):
    stored = {**header(latent_file), **about}
    save_file(tensors, latent_file, metadata={key: value for key, value in stored.items() if value is not None})
    before = everything_below(work)
    error = mousai("decode", latent_file, "-o", "out.wav", "--model", saved_model).error()
    assert str(latent_file) in error and shown in error
    assert len(error) < 400 + 5000 * ("9999" in error)
    assert everything_below(work) == before


@pytest.mark.parametrize("content", [None, b"", b"no safetensors at all", b"\x00" * 64])
def test_a_latent_that_cannot_be_read(mousai, work: Path, saved_model: Path, no_weights, content: bytes | None):
    if content is not None:
        (work / "a.safetensors").write_bytes(content)
    assert "a.safetensors" in mousai("decode", "a.safetensors", "-o", "b.wav", "--model", saved_model).error()
    assert not (work / "b.wav").exists()


def test_a_latent_of_a_model_with_other_weights(mousai, work: Path, latent_file: Path, model_copy: Path):
    weights = model_copy / "autoencoder" / "model.safetensors"
    tensors = load_file(weights)
    save_file(
        {key: 2 * value if key == "encoder.net.linear.bias" else value for key, value in tensors.items()}, weights
    )
    assert "other weights" in mousai("decode", latent_file, "-o", "b.wav", "--model", model_copy).error()
    # Another decoder for the same latents is welcome.
    save_file({key: 2 * value if key.startswith("decoder.") else value for key, value in tensors.items()}, weights)
    assert mousai("decode", latent_file, "-o", "b.wav", "--model", model_copy).code == 0


# ---- info


def test_what_a_model_is(mousai, saved_model: Path, no_weights):
    shown = mousai("info", saved_model)
    assert shown.code == 0 and shown.err == ""
    total = 0
    for part in ("text_encoder", "latent_diffusion", "autoencoder"):
        count = sum(tensor.numel() for tensor in load_file(saved_model / part / "model.safetensors").values())
        total += count
        assert re.search(rf"{part.replace('_', ' ')}: +{count:,} parameters", shown.out)
    assert f"{total:,} parameters" in shown.out
    for words in (
        str(saved_model),
        "A model in miniature.\nIts weights are random.\n",
        "48000 Hz, stereo",
        "8 channels, 46.88 frames a second: 256 times fewer",
        "64 tokens",
        "--steps 3 --guidance-scale 2 --sampler ddim --time-grid uniform --decoder-steps 2",
    ):
        assert words in shown.out


def test_info_of_what_is_no_model(mousai, work: Path, model_copy: Path, no_weights):
    assert "no such folder" in mousai("info", "nowhere").error()
    assert "model_index.json" in mousai("info", work).error()
    (work / "a.txt").write_text("words")
    assert "a.txt" in mousai("info", "a.txt").error()
    assert "--revision" in mousai("info", "a.txt", "--revision", "abc").error()
    soundfile.write("plain.wav", np.zeros((100, 1)), 8000)
    shown = mousai("info", "plain.wav")
    assert shown.code == 0 and "not made by mousai" in shown.out
    (model_copy / "latent_diffusion" / "model.safetensors").unlink()
    assert "latent_diffusion/model.safetensors" in mousai("info", model_copy).error()


# ---- compose


def test_compose_is_handed_on(mousai, work: Path, monkeypatch: pytest.MonkeyPatch):
    asked = []
    monkeypatch.setattr(
        import_module("mousai.compose.dataset"),
        "write_dataset",
        lambda out, **settings: asked.append((out, settings)) or Path(out),
    )
    assert mousai("compose", "--songs", "2", "--out", "songs", "--seed", "3").code == 0
    assert asked[0][0] == "songs" and asked[0][1]["songs"] == 2 and asked[0][1]["seed"] == 3


# ---- bad input: recordings


def cut_short(path: Path) -> None:
    tone(path, 1.0)
    path.write_bytes(path.read_bytes()[:-20000])


def corrupt(path: Path) -> None:
    tone(path, 1.0)
    content = bytearray(path.read_bytes())
    content[len(content) // 3 : 2 * len(content) // 3] = bytes(len(content) // 3)
    path.write_bytes(content)


def with_a_sample(value: float) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        sound = np.zeros((1000, 2), np.float32)
        sound[500, 1] = value
        soundfile.write(path, sound, 48000, subtype="FLOAT")

    return write


BAD_RECORDINGS: dict[str, Callable[[Path], object]] = {
    "missing.wav": lambda path: None,
    "empty.wav": lambda path: path.touch(),
    "folder.wav": lambda path: path.mkdir(),
    "text.wav": lambda path: path.write_text("la la la\n" * 100),
    "text.mp3": lambda path: path.write_text("la la la\n" * 100),
    "silent.wav": lambda path: soundfile.write(path, np.zeros((0, 2)), 48000),
    "short.wav": cut_short,
    "short.ogg": cut_short,
    "short.flac": cut_short,
    "corrupt.flac": corrupt,
    "nan.wav": with_a_sample(float("nan")),
    "infinite.wav": with_a_sample(float("inf")),
    "unscaled.wav": with_a_sample(20000.0),
    "surround.wav": lambda path: soundfile.write(path, np.zeros((100, 6)), 48000),
}


@pytest.mark.parametrize("command", ["reconstruct", "encode", "generate"])
@pytest.mark.parametrize("name", BAD_RECORDINGS)
def test_a_bad_recording(mousai, work: Path, saved_model: Path, no_weights, name: str, command: str):
    BAD_RECORDINGS[name](work / name)
    before = everything_below(work)
    words = {
        "reconstruct": ["reconstruct", name, "-o", "out.wav"],
        "encode": ["encode", name, "-o", "out.safetensors"],
        "generate": ["generate", PROMPT, "--init-audio", name, "-o", "out.wav"],
    }[command]
    assert name in mousai(*words, "--model", saved_model).error()
    assert everything_below(work) == before


def test_an_enormous_recording(mousai, work: Path, saved_model: Path, no_weights, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mousai.sampling_config.LONGEST", 20.0)
    tone(work / "long.wav", 20.5, rate=8000)
    for words in (["reconstruct", "long.wav", "-o", "b.wav"], ["encode", "long.wav", "-o", "b.safetensors"]):
        assert "long.wav is longer than 20 s" in mousai(*words, "--model", saved_model).error()


# ---- bad input: settings


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--duration", "0"], "--duration 0"),
        (["--duration", "-3"], "--duration -3"),
        (["--duration", "nan"], "--duration nan"),
        (["--duration", "inf"], "--duration inf"),
        (["--duration", "1e9"], "3600"),
        (["--duration", "999999999999999999999999"], "3600"),
        (["--steps", "0"], "--steps 0"),
        (["--steps", "-1"], "--steps -1"),
        (["--steps", "1000000"], "--steps 1000000"),
        (["--decoder-steps", "0"], "--decoder-steps 0"),
        (["--sampler", "plms"], "--sampler 'plms': must be one of ddim, dpmpp_2m, dpmpp_2m_sde, heun, euler_ancestral"),
        (["--time-grid", "linear"], "--time-grid 'linear': must be one of uniform, cosine, karras, log_snr"),
        (["--guidance-scale", "-1"], "--guidance-scale -1"),
        (["--guidance-scale", "nan"], "--guidance-scale nan"),
        (["--seed", "-1"], "--seed -1"),
        (["--seed", "9" * 30], "--seed 9"),
        (["--count", "0"], "--count 0"),
        (["--count", "65"], "--count 65"),
        (["--negative-prompt", "x" * 20000], "--negative-prompt"),
        (["--negative-prompt", "\udcff"], "--negative-prompt"),
        (["--model", "nowhere"], "nowhere"),
        (["--model", "owner/name"], "revision"),
        (["--model", "."], "model_index.json"),
    ],
)
def test_impossible_settings(mousai, work: Path, saved_model: Path, no_weights, words: list[str], shown: str):
    error = mousai(*generate(saved_model, "-o", "out.wav", *words)).error()
    assert shown in error and len(error) < 300
    assert not list(work.iterdir())


@pytest.mark.parametrize("prompt", ["x" * 20000, "🎹" * 2000, "bad \udcff bytes"])
def test_impossible_prompts(mousai, work: Path, saved_model: Path, no_weights, prompt: str):
    assert "prompt" in mousai("generate", prompt, "-o", "out.wav", "--model", saved_model).error()
    assert not list(work.iterdir())


@pytest.mark.parametrize("words", [["--decoder-steps", "0"], ["--seed", "-1"]])
def test_impossible_settings_of_the_decoder(
    mousai, work: Path, saved_model: Path, latent_file: Path, no_weights, words: list[str]
):
    for command in (["reconstruct", "in.wav"], ["decode", "a.safetensors"]):
        assert " ".join(words) in mousai(*command, "-o", "out.wav", "--model", saved_model, *words).error()


# ---- bad input: outputs


def existing(path: Path) -> None:
    path.write_text("precious")


@pytest.mark.parametrize("command", ["generate", "reconstruct", "encode", "decode"])
@pytest.mark.parametrize(
    ("name", "make", "shown"),
    [
        ("out{}", existing, "--overwrite"),
        ("out{}", Path.mkdir, "folder"),
        ("nowhere/out{}", None, "nowhere"),
        ("/proc/out{}", None, "/proc"),
        ("out.xyz", None, "must end in"),
        ("out", None, "must end in"),
        ("", None, "folder"),
    ],
)
def test_an_output_that_cannot_be_written(
    mousai, work: Path, saved_model: Path, no_weights, command: str, name: str, make: Callable | None, shown: str
):
    name = name.format(".safetensors" if command == "encode" else ".wav")
    tone(work / "in.wav")
    if make is not None:
        make(work / name)
    before = everything_below(work)
    source = {"generate": PROMPT, "decode": "in.safetensors"}.get(command, "in.wav")
    assert shown in mousai(command, source, "-o", name, "--model", saved_model).error()
    assert everything_below(work) == before


def test_every_numbered_output_is_checked_beforehand(mousai, work: Path, saved_model: Path, no_weights):
    (work / "a-3.wav").write_text("precious")
    words = generate(saved_model, "-o", "a.wav", "--count", "3")
    assert "a-3.wav exists" in mousai(*words).error()
    assert [path.name for path in work.iterdir()] == ["a-3.wav"]
    for name in ("", ".", "..", "/"):
        assert "folder" in mousai(*generate(saved_model, "-o", name, "--count", "3")).error()


def test_overwriting_is_allowed_when_asked_for(mousai, work: Path, saved_model: Path):
    (work / "a.wav").write_text("old")
    assert mousai(*generate(saved_model, "-o", "a.wav", "--overwrite")).code == 0
    assert audio_info("a.wav").frames == 4800
    before = read_audio("a.wav")
    assert mousai("reconstruct", "a.wav", "-o", "a.wav", "--model", saved_model, "--overwrite").code == 0
    assert not np.array_equal(read_audio("a.wav"), before)


# ---- bad input: model folders


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def edited(name: str, change: Callable[[dict], object]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        values = json.loads((folder / name).read_text())
        change(values)
        (folder / name).write_text(json.dumps(values))

    return edit


def reweighted(part: str, change: Callable[[dict], object]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / part / "model.safetensors"
        tensors = load_file(path)
        change(tensors)
        save_file(tensors, path)

    return edit


def overwritten(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def halved(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(
        (folder / name).read_bytes()[: (folder / name).stat().st_size // 2]
    )


FILES = [
    "model_index.json",
    *(
        f"{part}/{file}"
        for part in ("autoencoder", "latent_diffusion", "text_encoder")
        for file in ("config.json", "model.safetensors")
    ),
    "tokenizer/tokenizer.json",
    "tokenizer/tokenizer_config.json",
]
KEYS = {
    "autoencoder": "prior.log_gain",
    "latent_diffusion": "null_embedding",
    "text_encoder": "encoder.final_layer_norm.weight",
}
BROKEN_MODELS: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    **{f"without {name}": (without(name), (name,)) for name in FILES},
    **{f"half of {name}": (halved(name), (name,)) for name in FILES if name != "tokenizer/tokenizer_config.json"},
    **{
        f"{part}: missing key": (reweighted(part, lambda t, key=key: t.pop(key)), (f"{part}/model.safetensors", key))
        for part, key in KEYS.items()
    },
    **{
        f"{part}: extra key": (
            reweighted(part, lambda t: t.update(extra=torch.zeros(2))),
            (f"{part}/model.safetensors", "extra"),
        )
        for part in KEYS
    },
    **{
        f"{part}: wrong shape": (
            reweighted(part, lambda t, key=key: t.update({key: torch.zeros(3, 5)})),
            (f"{part}/model.safetensors", key, "[3, 5]"),
        )
        for part, key in KEYS.items()
    },
    **{
        f"{part}: NaN": (
            reweighted(part, lambda t, key=key: t[key].fill_(float("nan"))),
            (f"{part}/model.safetensors", key, "NaN"),
        )
        for part, key in KEYS.items()
    },
    **{
        f"{name}: unknown key": (edited(name, lambda v: v.update(chanels=3)), (name, "chanels"))
        for name in ("model_index.json", "autoencoder/config.json", "latent_diffusion/config.json")
    },
    "autoencoder: unknown key inside": (
        edited("autoencoder/config.json", lambda v: v["decoder"].update(chanels=3)),
        ("autoencoder/config.json", "chanels"),
    ),
    "autoencoder: impossible value": (
        edited("autoencoder/config.json", lambda v: v.update(sample_rate=0)),
        ("autoencoder/config.json", "sample_rate"),
    ),
    "latent diffusion: impossible value": (
        edited("latent_diffusion/config.json", lambda v: v.update(latent_std="wide")),
        ("latent_diffusion/config.json", "latent_std"),
    ),
    "latent diffusion: value of another kind": (
        edited("latent_diffusion/config.json", lambda v: v.update(net=3)),
        ("latent_diffusion/config.json", "3"),
    ),
    "text encoder: another kind": (
        edited("text_encoder/config.json", lambda v: v.update(model_type="bert")),
        ("text_encoder/config.json", "bert"),
    ),
    "index: unknown default": (
        edited("model_index.json", lambda v: v["defaults"].update(stepps=3)),
        ("model_index.json", "stepps"),
    ),
    "index: impossible default": (
        edited("model_index.json", lambda v: v["defaults"].update(decoder_steps=0)),
        ("model_index.json", "decoder_steps=0"),
    ),
    "index: default of another kind": (
        edited("model_index.json", lambda v: v["defaults"].update(decoder_steps="many")),
        ("model_index.json", "decoder_steps", "many"),
    ),
    "index: unknown sampler": (
        edited("model_index.json", lambda v: v["defaults"].update(sampler="plms")),
        ("model_index.json", "sampler='plms'", "dpmpp_2m"),
    ),
    "index: sampler of another kind": (
        edited("model_index.json", lambda v: v["defaults"].update(time_grid=3)),
        ("model_index.json", "time_grid", "3"),
    ),
    "index: defaults of another kind": (
        edited("model_index.json", lambda v: v.update(defaults=[1])),
        ("model_index.json", "defaults"),
    ),
    "index: another format": (
        edited("model_index.json", lambda v: v.update(format="x")),
        ("model_index.json", "format"),
    ),
    "index: a later version": (
        edited("model_index.json", lambda v: v.update(version=2)),
        ("model_index.json", "version"),
    ),
    "index: no object": (overwritten("model_index.json", b"[1, 2]"), ("model_index.json", "object")),
    "a pickle for weights": (
        overwritten("latent_diffusion/model.safetensors", b"\x80\x04."),
        ("latent_diffusion/model.safetensors",),
    ),
    "parts that do not fit": (
        lambda folder: shutil.rmtree(folder / "latent_diffusion") or _other_generator(folder),
        ("9", "8", "different models"),
    ),
}


def _other_generator(folder: Path) -> None:
    """A generator of 9 latent channels in a model of 8."""
    from mousai.diffusion.config import LatentDiffusionConfig
    from mousai.diffusion.latent_diffusion import LatentDiffusion
    from mousai.storage.weights import save_module
    from unet1d import Level, UNet1dConfig

    net = UNet1dConfig(in_channels=9, levels=(Level(channels=8, cross_attention=True),), context_features=32)
    config = LatentDiffusionConfig(net=net)
    save_module(folder / "latent_diffusion", LatentDiffusion(config), config.to_dict())


@pytest.mark.parametrize("name", BROKEN_MODELS)
def test_a_broken_model(mousai, work: Path, model_copy: Path, monkeypatch: pytest.MonkeyPatch, name: str):
    def sample(*args: object, **settings: object) -> None:
        raise AssertionError("the slow part has begun")

    monkeypatch.setattr(Mousai, "__call__", sample)
    breaking, shown = BROKEN_MODELS[name]
    breaking(model_copy)
    error = mousai(*generate(model_copy, "-o", "out.wav")).error()
    assert all(words in error for words in shown)
    assert not list(work.iterdir())


# ---- stopping, and faults


def test_ctrl_c_while_composing(mousai, work: Path, saved_model: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupted(self: Mousai, *args: object, callback_on_step_end, **settings: object) -> None:
        callback_on_step_end("latent_diffusion", 1, 3)
        raise KeyboardInterrupt

    monkeypatch.setattr(Mousai, "__call__", interrupted)
    done = mousai(*generate(saved_model, "-o", "a.wav"))
    assert done.code == 130 and done.out == ""
    assert done.err.splitlines()[-1].startswith("mousai: stopped") and "Traceback" not in done.err
    assert not list(work.iterdir())


def test_ctrl_c_while_writing_keeps_the_finished_and_no_halves(
    mousai, work: Path, saved_model: Path, monkeypatch: pytest.MonkeyPatch
):
    write = soundfile.SoundFile.write

    def interrupted(self: soundfile.SoundFile, data: np.ndarray) -> None:
        write(self, data)
        if (work / "a-1.wav").exists():
            raise KeyboardInterrupt

    monkeypatch.setattr(soundfile.SoundFile, "write", interrupted)
    done = mousai(*generate(saved_model, "-o", "a.wav", "--count", "3", "--seed", "1"))
    assert done.code == 130 and done.out == "a-1.wav: 0.10 s, seed 1\n"
    assert [path.name for path in work.iterdir()] == ["a-1.wav"]


@pytest.mark.parametrize("fault", [RuntimeError("fault"), ValueError("fault"), KeyError("fault"), OSError("fault")])
def test_a_fault_keeps_its_traceback(
    mousai, work: Path, saved_model: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
):
    def failing(*args: object, **settings: object) -> None:
        raise fault

    monkeypatch.setattr(Mousai, "__call__", failing)
    with pytest.raises(type(fault), match="fault"):
        mousai(*generate(saved_model, "-o", "a.wav"))
    assert not list(work.iterdir())


def test_which_value_errors_are_meant_for_the_user(mousai, work: Path, saved_model: Path):
    from vdiffusion import time_grid

    def caught(function: Callable[[], object]) -> ValueError:
        try:
            function()
        except ValueError as error:
            return error
        raise AssertionError

    assert _is_check_of_ours(caught(lambda: time_grid(0)))
    assert not _is_check_of_ours(caught(lambda: int("x")))  # of Python
    assert not _is_check_of_ours(caught(lambda: json.loads("x")))  # of a library
    module = {"__name__": "mousai.somewhere"}
    exec("def slip(): return int('x')\ndef check(): raise ValueError('x')", module)
    assert not _is_check_of_ours(caught(module["slip"]))
    assert _is_check_of_ours(caught(module["check"]))
    assert not _is_check_of_ours(ValueError("never raised"))
    # On the command line: a check deep in the samplers, of a number that only they know to be too small.
    tone(work / "in.wav")
    words = ["generate", PROMPT, "--model", saved_model, "--init-audio", "in.wav", "-o", "a.wav"]
    done = mousai(*words, "--strength", "1e-45")
    assert done.code == 2 and done.err.splitlines()[-1].startswith("mousai: error: times=")
