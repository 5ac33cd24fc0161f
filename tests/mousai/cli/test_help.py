"""Help, and command lines that do not parse."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mousai import __version__
from mousai.cli import COMMANDS

from .helpers import PROMPT


@pytest.mark.parametrize("words", [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS), []])
def test_help_is_light(words: list[str]):
    code = (
        "import sys\n"
        "from mousai.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as leaving: assert not leaving.code\n"
        "heavy = {'torch', 'numpy', 'transformers', 'soundfile', 'tqdm', 'dmae'} & sys.modules.keys()\n"
        "assert not heavy, heavy\n"
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
    assert failed.stderr == f"mousai: error: {tmp_path / 'nowhere.wav'}: does not exist\n"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["genrate", "x"], "genrate"),
        (["generate"], "PROMPT"),
        (["generate", PROMPT], "--output"),
        (["generate", PROMPT, "-o", "a.wav", "--step", "3"], "--step"),  # no abbreviations
        (["generate", PROMPT, "-o", "a.wav", "--steps", "many"], "--steps"),
        (["generate", PROMPT, "-o", "a.wav", "--steps", "1.5"], "--steps"),
        (["generate", PROMPT, "-o", "a.wav", "--duration", "long"], "--duration"),
        (["generate", PROMPT, "-o", "a.wav", "--dtype", "float16"], "--dtype"),
        (["reconstruct", "-o", "a.wav"], "IN"),
        (["decode", "a", "b", "-o", "c.wav"], "b: one word too many"),
    ],
)
def test_a_wrong_command_line_is_one_line(mousai, work: Path, no_weights, words: list[str], shown: str):
    error = mousai(*words).error()
    assert shown in error and "--help" in error


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["genrate", "x"], "genrate: no such command; did you mean 'generate'? see mousai --help"),
        (["quux"], "quux: no such command; see mousai --help"),
        (
            ["generate", PROMPT, "-o", "a.wav", "--guidance-scal=3"],
            "--guidance-scal: no such option; did you mean '--guidance-scale'? see mousai generate --help",
        ),
        (["info", "--modle", "x"], "--modle: no such option; did you mean '--model'? see mousai info --help"),
        (
            ["data", "encode", "songs", "-o", "x", "--offset", "2"],
            "--offset: no such option; did you mean '--offsets'? see mousai data encode --help",
        ),
        (["encode", "a.wav", "-o", "b", "--quux"], "--quux: no such option; see mousai encode --help"),
    ],
)
def test_what_was_probably_meant(mousai, words: list[str], line: str):
    assert mousai(*words).error() == f"mousai: error: {line}\n"
