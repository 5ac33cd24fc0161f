"""A run that saved nothing is begun anew, and keeps nothing of the data and the settings of before."""

import json
from pathlib import Path

import pytest

from mousai import UserError
from mousai.conditioning.text import T5TextEncoder
from mousai.conditioning.vocabulary import LARGEST, MOST_WORDS, VOCABULARY, load_vocabulary
from mousai.storage.weights import load_config
from mousai.training.run import train
from mousai.training.stages.taught_text import keep_vocabulary


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Every run ends before its first checkpoint."""
    monkeypatch.setattr("mousai.training.run._fit", lambda *_: 130)
    return monkeypatch


def test_words_are_of_the_captions_that_it_is_begun_with(tmp_path, make_settings, by_heart, songs, killed, capsys):
    run = tmp_path / "run"

    def words(word: str) -> tuple[set[str], frozenset[str] | None]:
        folder = tmp_path / word
        folder.mkdir()
        (folder / "a.wav").write_bytes((songs / "0.wav").read_bytes())
        (folder / "a.txt").write_text(f"a {word} tune")
        train(make_settings("latent-diffusion", run, data=str(folder), **by_heart["latent-diffusion"]))
        pieces = json.loads((run / "tokenizer" / "tokenizer.json").read_text())["model"]["vocab"]
        return set(pieces), load_vocabulary(run / VOCABULARY)

    pieces, vocabulary = words("glorptastic")
    assert "glorptastic" in pieces and vocabulary == {"glorptastic"}
    capsys.readouterr()
    pieces, vocabulary = words("snarfblue")
    assert "snarfblue" in pieces and "glorptastic" not in pieces and vocabulary == {"snarfblue"}
    assert f"{run}: holds a run that saved nothing yet; begun anew\n" in capsys.readouterr().err


def test_another_process_of_the_run_leaves_what_the_first_one_made(tmp_path, make_settings, by_heart, killed):
    settings = make_settings("latent-diffusion", tmp_path, **by_heart["latent-diffusion"])
    train(settings)
    made = [(path, path.read_text()) for path in (tmp_path / "tokenizer" / "tokenizer.json", tmp_path / VOCABULARY)]
    killed.setenv("LOCAL_RANK", "1")
    train(settings)
    assert all(path.read_text() == text for path, text in made)


def test_files_that_were_bad_count_no_more(tmp_path, make_settings, killed):
    train(make_settings("autoencoder", tmp_path))
    (tmp_path / "bad_files.json").write_text('{"gone.wav": "of other data"}')
    killed.undo()
    assert train(make_settings("autoencoder", tmp_path, max_steps=1)) == 0
    assert not (tmp_path / "bad_files.json").exists()
    (tmp_path / "bad_files.json").write_text('{"gone.wav": "of this data"}')
    assert train(make_settings("autoencoder", tmp_path, max_steps=2)) == 0  # which goes on
    assert load_config(tmp_path / "bad_files.json") == {"gone.wav": "of this data"}


@pytest.mark.parametrize("stage", ["autoencoder", "latent-diffusion"])
def test_a_folder_for_shards_is_refused_where_there_are_none(tmp_path, make_settings, songs, stage):
    with pytest.raises(UserError) as caught:
        train(make_settings(stage, tmp_path, shards="fetched"))
    why = f"is for shards that lie elsewhere, which {songs} is not; leave it out"
    assert str(caught.value) == f"loop.shards='fetched': {why}"


def encoder(vocabulary: frozenset[str] | None) -> T5TextEncoder:
    text = T5TextEncoder.small(["calm piano pop"], features=32, layers=1)
    text.vocabulary = vocabulary
    return text


def test_words_join_those_that_an_encoder_knew_and_those_of_the_run(tmp_path: Path):
    path = tmp_path / VOCABULARY
    text = encoder(frozenset({"piano"}))
    for caption in ("frobnicate", "wibble", "wibble"):
        keep_vocabulary(text, [caption], path)
    assert text.vocabulary == load_vocabulary(path) == {"piano", "frobnicate", "wibble"}
    written = path.stat().st_mtime_ns
    keep_vocabulary(encoder(frozenset({"piano"})), ["wibble"], path)
    assert path.stat().st_mtime_ns == written


def test_words_of_the_largest_vocabulary_and_of_many_captions_can_be_read_again(tmp_path: Path):
    def made(letter: str, count: int) -> list[str]:
        letters = [chr(ord("a") + number) for number in range(26)]
        words = (f"{letter}{a}{b}{c}{d}" for a in letters for b in letters for c in letters for d in letters)
        return [word for word, _ in zip(words, range(count), strict=False)]

    path = tmp_path / VOCABULARY
    text = encoder(frozenset(made("x", LARGEST)))
    keep_vocabulary(text, made("y", MOST_WORDS), path)
    known = load_vocabulary(path)
    assert known is not None and len(known) == LARGEST and set(made("y", MOST_WORDS)) < known == text.vocabulary


def test_an_encoder_that_was_trained_on_nobody_knows_what_gets_no_file(tmp_path: Path):
    text = encoder(None)
    keep_vocabulary(text, ["calm piano"], tmp_path / VOCABULARY)
    assert text.vocabulary is None and not (tmp_path / VOCABULARY).exists()
    silent = encoder(frozenset())  # a new one, of captions that say nothing
    keep_vocabulary(silent, ["a song", ""], tmp_path / VOCABULARY)
    assert silent.vocabulary is None and not (tmp_path / VOCABULARY).exists()
