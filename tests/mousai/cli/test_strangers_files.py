"""What a stranger's file says of itself is shown as text: no escape sequence, no option that it has no say in."""

import json
import shlex

import numpy as np
import pytest
import torch

from mousai import write_audio
from mousai.cli import main
from mousai.cli.common.made_again import command_of
from mousai.errors import UserError, printable
from mousai.storage.weights import save_tensors

EVIL = "\x1b]0;owned\x07\x1b[2J\u202etxt\x9b31m\nmade by you\r\x00"


def assert_plain(text: str) -> None:
    assert all(letter == "\n" or letter.isprintable() for letter in text), ascii(text)


def test_printable_escapes_what_a_terminal_obeys():
    assert printable("é ♯ 日本 a\tb") == "é ♯ 日本 a\\tb"
    assert_plain(printable(EVIL).replace("\n", "?"))
    assert "\\x1b]0;owned\\x07" in printable(EVIL) and "\n" not in printable(EVIL)
    assert_plain(str(UserError("file.wav", EVIL, hint=f"holds {EVIL}")))
    assert_plain(UserError("recording", hint=EVIL).in_options({}))


def test_info_shows_a_strangers_metadata_as_text(tmp_path, capsys):
    path = tmp_path / "a.wav"
    write_audio(path, np.zeros((1, 4800), np.float32), 48000, metadata={"mousai": "1", "prompt": EVIL, EVIL: EVIL})
    assert main(["info", str(path)]) == 0
    out = capsys.readouterr().out
    assert_plain(out)
    assert "\\x1b]0;owned" in out and len([line for line in out.splitlines() if line.startswith("made by")]) == 0


def test_info_shows_a_strangers_model_and_adapter_as_text(model_copy, tmp_path, capsys):
    index = model_copy / "model_index.json"
    index.write_text(json.dumps({**json.loads(index.read_text()), "about": f"fine\n{EVIL}"}))
    assert main(["info", str(model_copy)]) == 0
    path = tmp_path / "a.safetensors"
    about = {"format": "mousai lora", "rank": EVIL, "alpha": EVIL, "base": EVIL}
    save_tensors(path, {"a.lora_A": torch.ones(1, 1)}, metadata=about)
    assert main(["info", str(path)]) == 0
    save_tensors(path, {f"{EVIL}x": torch.ones(1)})
    assert main(["info", str(path)]) == 2
    said = capsys.readouterr()
    assert_plain(said.out)
    assert_plain(said.err)


def test_made_again_by_takes_known_keys_alone_and_quotes_them():
    made = {
        "mousai": "1",
        "prompt": "jazz'; touch P; '$(x)",
        "seed": "3",
        "output": "/home/you/.bashrc",
        "overwrite": "1",
        "device": "cpu",
        "evil": "x",
        "negative_prompt": "--output=/home/you/.bashrc",
        "model": "bundled",
    }
    command = command_of(made, "new.wav")
    assert command is not None
    words = shlex.split(command)
    assert words == [
        *("mousai", "generate", "-o", "new.wav", "--seed", "3"),
        *("--negative-prompt=--output=/home/you/.bashrc", "--", "jazz'; touch P; '$(x)"),
    ]


@pytest.mark.parametrize(
    "command",
    [
        "edit in.wav rock; touch P",
        "edit in.wav $(touch P) `touch P` | sh & > /etc/passwd",
        "extend in.wav rock --after 8 --seed 1",
        "edit in.wav rock --region=8:12 --tempo 100 --first-downbeat 0.1 --key 'A minor'",
    ],
)
def test_a_stored_command_is_quoted_word_for_word(command):
    found = command_of({"prompt": "x", "command": command}, "new.wav")
    assert found == shlex.join(["mousai", *shlex.split(command), "-o", "new.wav"])


@pytest.mark.parametrize(
    "command",
    [
        "edit in.wav rock --output /home/you/.bashrc",
        "edit in.wav rock -o /home/you/.bashrc",
        "edit in.wav rock --output=/home/you/.bashrc --overwrite",
        "export run -o x",
        "data shard x -o y",
        "edit 'in.wav",
        "",
    ],
)
def test_a_stored_command_that_mousai_does_not_write_is_not_shown(command):
    assert command_of({"prompt": "x", "command": command}, "new.wav") is None


def test_numbers_that_a_file_says_of_itself_are_bounded():
    from mousai.cli.common.recordings import _stored

    for text in ("9" * 400, "nan", "inf", "-1", "fast", "1e999", "\x1b[2J"):
        assert _stored({"tempo": text}, "tempo", 30.0, 300.0) is None
    assert _stored({"tempo": "120.5"}, "tempo", 30.0, 300.0) == 120.5
    assert _stored({}, "tempo", 30.0, 300.0) is None


@pytest.mark.parametrize(
    "words",
    [
        ["info", "n" * 300],
        ["generate", "jazz", "-o", "n" * 300 + ".wav"],
        ["generate", "jazz", "-o", "a.wav", "--model", "n" * 300],
        ["generate", "jazz", "-o", "a.wav", "--lora", "n" * 300],
        ["reconstruct", "n" * 300 + ".wav", "-o", "a.wav"],
        ["edit", "n" * 300 + ".wav", "rock", "--region", "0:1", "-o", "a.wav"],
        ["encode", "n" * 300 + ".wav", "-o", "a.safetensors"],
        ["decode", "n" * 300 + ".safetensors", "-o", "a.wav"],
        ["data", "check", "n" * 300],
        ["data", "encode", "n" * 300, "-o", "x"],
        ["data", "shard", "n" * 300, "-o", "x"],
        ["export", "n" * 300, "-o", "x"],
        ["import", "n" * 300, "-o", "x"],
        ["train", "autoencoder", "--data", "n" * 300, "--out", "x", "--loop.max_steps", "1"],
        ["train", "autoencoder", "--data", ".", "--out", "n" * 300, "--loop.max_steps", "1"],
        ["train", "autoencoder", "--config", "n" * 300],
        ["compose", "--songs", "1", "--out", "n" * 300],
        ["generate", "jazz", "-o", ""],
        ["generate", "jazz", "-o", "a.wav", "--model", ""],
        ["generate", "jazz", "-o", "a.wav", "--init-audio", ""],
        ["info", ""],
        ["data", "check", ""],
        ["export", "", "-o", "x"],
        ["export", "x", "-o", ""],
        ["generate", "jazz", "-o", "a.wav", "--duration", "9" * 400],
        ["generate", "jazz", "-o", "a.wav", "--seed", "9" * 400],
        ["generate", "jazz", "-o", "a.wav", "--steps", "9" * 400],
        ["generate", "jazz", "-o", "a.wav", "--count", "9" * 400],
        ["generate", "jazz", "-o", "a.wav", "--guidance-scale", "9" * 400],
        ["generate", "jazz", "-o", "a.wav", "--seed", "9" * 5000],
        ["edit", "a.wav", "rock", "--region", "0:" + "9" * 400, "-o", "b.wav"],
        ["train", "autoencoder", "--data", ".", "--out", "x", "--loop.max_steps", "9" * 400],
        ["train", "autoencoder", "--data", ".", "--out", "x", "--optimizer.learning_rate", "9" * 400],
        ["compose", "--songs", "9" * 400, "--out", "x", "--duration", "9" * 400],
    ],
)
def test_long_and_empty_names_and_numbers_are_one_line(tmp_path, monkeypatch, capsys, words):
    monkeypatch.chdir(tmp_path)
    try:
        code = main(words)
    except SystemExit as leaving:
        code = leaving.code
    said = capsys.readouterr()
    assert code == 2 and said.out == "" and said.err.count("\n") == 1 and "Traceback" not in said.err
    assert [path for path in tmp_path.iterdir() if path.name != "x"] == []


@pytest.mark.parametrize("fact", ["regions", "beside_prompt", "init_audio", "strength", "bars", "region"])
def test_a_piece_that_no_option_of_generate_makes_has_no_command(fact):
    made = {"mousai": "1", "prompt": "x", "seed": "3"}
    assert command_of(made, "new.wav") is not None
    assert command_of({**made, fact: "0.5"}, "new.wav") is None
