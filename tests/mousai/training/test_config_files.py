"""A file of settings may be a stranger's: it imports nothing and runs nothing."""

import os
import sys

import pytest

from mousai.cli import main

FILES = {
    "optimizer: {class_path: evil_module.X}": "optimizer.class_path",
    "optimizer: {class_path: evil_module.X, init_args: {a: 1}}": "optimizer.class_path",
    "class_path: evil_module.X": "class_path",
    "loop: {devices: {class_path: evil_module.X}}": "loop.devices",
    "logging: evil_module.X": "logging",
    "optimizer: other.yaml": "optimizer",
    "config: other.yaml": "config",
    "data: !!python/object/apply:evil_module.X []": "is not YAML",
    "a: &a [1]\nb: *a\n": "error: c.yaml: has an alias (*name), which settings do not need; write the value out\n",
    "[" * 5000: "is not YAML",
    "loop: {batch: " + "9" * 400 + "}": "loop.batch",
    "loop: {batch: " + "9" * 5000 + "}": "",
}


@pytest.mark.parametrize("text", FILES)
def test_a_file_that_names_code_is_refused_before_anything_is_imported(tmp_path, monkeypatch, capsys, text):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "evil_module.py").write_text("class X: pass")
    (tmp_path / "c.yaml").write_text(text)
    words = ["train", "latent-diffusion", "--config", "c.yaml", "--data", ".", "--out", "run", "--loop.max_steps", "1"]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and FILES[text] in said
    assert "evil_module" not in sys.modules and not (tmp_path / "run").exists()


@pytest.mark.parametrize("words", [["--optimizer", "evil_module.X"], ["--optimizer.class_path=evil_module.X"]])
def test_words_that_name_code_are_refused_too(tmp_path, monkeypatch, capsys, words):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "evil_module.py").write_text("class X: pass")
    assert main(["train", "autoencoder", *words, "--data", ".", "--out", str(tmp_path), "--loop.max_steps", "1"]) == 2
    assert capsys.readouterr().err.count("\n") == 1 and "evil_module" not in sys.modules


@pytest.mark.parametrize("option", ["--data", "--out", "--from", "--autoencoder", "--text", "--model", "--loop.shards"])
def test_an_empty_path_is_not_the_current_folder(tmp_path, monkeypatch, capsys, option):
    monkeypatch.chdir(tmp_path)
    words = {"--data": ".", "--out": "run", "--loop.max_steps": "1", option: ""}
    assert main(["train", "latent-diffusion", *(word for pair in words.items() for word in pair)]) == 2
    assert "is empty" in capsys.readouterr().err and os.listdir() == []


def test_a_pipe_as_a_file_of_settings_does_not_hang(tmp_path, capsys):
    os.mkfifo(tmp_path / "c.yaml")
    assert main(["train", "latent-diffusion", "--config", str(tmp_path / "c.yaml"), "--data", ".", "--out", "x"]) == 2
    assert "c.yaml" in capsys.readouterr().err
