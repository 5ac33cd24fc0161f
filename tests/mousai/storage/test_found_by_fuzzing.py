"""What mutated files and command lines brought to light, one of each kind: `benchmarks.reliability` finds more."""

import json
import resource
from pathlib import Path

import pytest

from mousai import Mousai, UserError
from mousai.audio.outputs import check_output
from mousai.cli import main
from mousai.conditioning.controls import Controls
from mousai.conditioning.notation.chord_files import read_chords
from mousai.conditioning.notation.melodies import read_melody
from mousai.data.annotation import controls_of
from mousai.data.tables import table_rows
from mousai.storage.json_files import parse_json
from mousai.training.data.captions import caption_of

from ..refusing import refused, refused_command


@pytest.mark.parametrize("label", [3, None, ["A:min"], {"A": 1}, 2.5])
def test_a_chord_that_is_no_text(label):
    assert "must end in a label" in refused(Controls, chords=((0.0, 1.0, label),))


@pytest.mark.parametrize("name", [["verse"], {"verse": 1}, 3, None])
def test_a_section_whose_name_is_no_text_is_not_known(name):
    assert controls_of({"sections": [{"start": 0.0, "end": 1.0, "name": name}]}).sections is None


@pytest.mark.parametrize("text", ["Am " * 500 + ".x", '[["Am", 0.0]' + "." * 500, "F." + "x" * 300])
def test_chords_that_are_too_long_for_the_name_of_a_file_are_chords(text):
    assert refused(read_chords, text)


def test_chords_without_an_end_are_a_line_that_has_one(tmp_path):
    endless = ["Am", 2] * 50_000
    path = tmp_path / "a.json"
    path.write_text(json.dumps([endless]))
    hint = 'must be a chord and the second at which it begins, such as ("Am", 0.0)'
    said = refused(read_chords, str(path))
    assert said.startswith(f"{path}: ['Am', 2, ") and said.endswith(f"… (450000 letters) {hint}") and len(said) < 500
    said = refused(read_chords, [endless])
    assert said.startswith("chords=['Am', 2, ") and said.endswith(f"… (450000 letters): {hint}") and len(said) < 2500


def test_a_tune_that_promises_four_gigabytes(tmp_path):
    path = tmp_path / "a.mid"
    path.write_bytes(b"MThd" + b"\xff\xff\xff\xf0" + b"\0\1\0\1\0\x60MTrk\xff\xff\xff\xff")
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**30, before[1]))
    try:
        assert str(path) in refused(read_melody, path)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize("text", ['"\\ud800"', '{"\\udc00x": 1}', '["\\ud83c \\udfb7"]'])
def test_half_of_a_character_is_no_text(tmp_path, text):
    with pytest.raises(ValueError, match="half of a character"):
        parse_json(text)
    table = tmp_path / "metadata.jsonl"
    table.write_text(f'{{"file_name": "a.wav", "title": {text}}}')
    assert "half of a character" in refused(lambda: list(table_rows(table)))


def test_a_whole_character_of_two_halves_is_text():
    assert parse_json('"\\ud83c\\udfb7"') == "🎷" and parse_json('"\\\\ud800"') == "\\ud800"


@pytest.mark.parametrize("name", ["\ud800", "a\0"])
@pytest.mark.parametrize(
    "words",
    [
        ["generate", "jazz", "-o"],
        ["export", "m", "-o"],
        ["compose", "--songs", "1", "--out"],
        ["train", "autoencoder", "--data", "m", "--loop.max_steps", "1", "--out"],
        ["evaluate", "-o", "e", "--clips"],
    ],
)
def test_a_word_that_no_system_hands_over(tmp_path, monkeypatch, capsys, words, name):
    said = refused_command([*words, name], tmp_path, monkeypatch, capsys)
    shown = r"\ud800" if "\0" not in name else r"a\x00"
    assert said == f"mousai: error: a word='{shown}': has a letter that is none; give text, or the name of a file\n"


@pytest.mark.parametrize(("name", "why"), [("\ud800.wav", "surrogates not allowed"), ("a\0.wav", "embedded null byte")])
def test_a_name_that_is_no_text(name, why):
    said = refused(check_output, name, False)
    assert ": cannot be the name of a file: " in said and said.endswith(why)


def test_a_tempo_of_400_digits_is_none():
    import numpy as np

    assert caption_of({"bpm": 10**400, "title": "Blue"}, np.random.default_rng(0)) == "Blue"


def test_a_whole_number_where_transformers_wants_a_fraction(model_copy):
    path = model_copy / "text_encoder" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "layer_norm_epsilon": 1, "dropout_rate": 0}))
    Mousai.from_pretrained(model_copy, device="cpu", dtype="float32")


def test_a_special_token_that_the_text_encoder_has_no_embedding_for(model_copy):
    path = model_copy / "tokenizer" / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "pad_token": "[elsewhere]"}))
    with pytest.raises(UserError, match=r"gives '\[elsewhere\]' the number \d+; the text encoder has \d+ embeddings"):
        Mousai.from_pretrained(model_copy, device="cpu", dtype="float32")


@pytest.mark.parametrize(
    "words", [["\u202e"], ["generate", "jazz", "-o", "a.wav", "--\x1b[2J"], ["info", "a", "\u202e"]]
)
def test_a_word_that_a_terminal_obeys_is_shown_as_text(capsys, words):
    with pytest.raises(SystemExit):
        main(words)
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and err.rstrip("\n").isprintable()
