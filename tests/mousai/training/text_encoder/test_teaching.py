"""Runs of a text encoder: what is refused before anything is loaded, what they keep, and what they hand over."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from mousai import UserError
from mousai.conditioning.text import T5TextEncoder
from mousai.conditioning.vocabulary import VOCABULARY, load_vocabulary
from mousai.storage.folders import load_latent_diffusion
from mousai.storage.weights import load_config, save_module
from mousai.training.config import Logging, LoopConfig, TextEncoderTrainingConfig
from mousai.training.export import export_run
from mousai.training.run import train
from mousai.training.stages.build import build
from mousai.training.stages.taught_text import is_small

LARGEST_SEED = 2**53


def with_pairs(config: TextEncoderTrainingConfig, path: Path, *words: str) -> TextEncoderTrainingConfig:
    """The same run with further pairs, one for each word."""
    more = [{"prompt": f"a {word} thing", "caption": f"calm {word} piano"} for word in words]
    path.write_text(Path(config.data).read_text() + "".join(json.dumps(row) + "\n" for row in more))
    return replace(config, data=str(path))


def steps(config: TextEncoderTrainingConfig, count: int) -> TextEncoderTrainingConfig:
    return replace(config, loop=replace(config.loop, max_steps=count))


@pytest.fixture
def model(soft_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(soft_model, tmp_path / "model"))


def test_the_largest_seed_trains_and_validates(config: TextEncoderTrainingConfig):
    logging = Logging(logger="csv", validate_every=1, listen_every=0, validation_share=0.2)
    config = replace(config, loop=replace(config.loop, seed=LARGEST_SEED), logging=logging, dropout=0.1)
    assert train(config) == 0
    with pytest.raises(UserError) as caught:
        LoopConfig(max_steps=1, seed=LARGEST_SEED + 1)
    assert str(caught.value) == f"loop.seed={LARGEST_SEED + 1}: must be 0 or more, and at most {LARGEST_SEED}"


def test_every_seed_draws_its_own_questions(config: TextEncoderTrainingConfig):
    drawn = []
    for seed in (0, 1, LARGEST_SEED):
        stage = build(replace(config, loop=replace(config.loop, seed=seed)), fresh=True).stage
        stage.begin_at(8, files=20)
        drawn.append(stage._generator("questions").initial_seed())
        assert stage._generator("questions").initial_seed() != stage._generator("dropout").initial_seed()
    assert len(set(drawn)) == 3


def test_what_cannot_be_taught_is_refused_before_weights_are_read(
    config: TextEncoderTrainingConfig, model: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(T5TextEncoder, "load", lambda *_: pytest.fail("weights were read"))
    path = model / "text_encoder" / "config.json"
    path.write_text(json.dumps({**load_config(path), "num_layers": 2}))
    config = replace(config, start_from=str(model), layers=1)
    with pytest.raises(UserError) as caught:
        train(config)
    assert str(caught.value) == "layers=1: the model has 2; give as many or more, or 0"
    path.write_text(json.dumps({**load_config(path), "d_ff": 200_000}))
    with pytest.raises(UserError) as caught:
        train(config)
    why = "has a text encoder of 38 million parameters; only those below 20 million are taught"
    assert str(caught.value) == f"start_from={str(model)!r}: {why}"
    assert is_small(19_999_999) and not is_small(20_000_000)


def test_the_exported_config_leaves_out_what_the_model_left_out(config: TextEncoderTrainingConfig, model: Path):
    path = model / "text_encoder" / "config.json"
    for own in (0.0, 0.05):
        path.write_text(json.dumps({**load_config(path), "dropout_rate": own}))
        run = Path(config.out).with_name(f"run-{own}")
        train(replace(config, start_from=str(model), out=str(run), dropout=0.2))
        export_run(run, run / "model")
        assert load_config(run / "model" / "text_encoder")["dropout_rate"] == own


def test_a_run_that_saved_nothing_is_made_anew(
    config: TextEncoderTrainingConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run = Path(config.out)
    first = with_pairs(config, tmp_path / "first.jsonl", *["glorptastic"] * 30)
    with monkeypatch.context() as patch:
        patch.setattr("mousai.training.run._fit", lambda *_: 130)  # killed before its first checkpoint
        assert train(first) == 130
    assert "glorptastic" in (load_vocabulary(run / VOCABULARY) or ())
    (run / "bad_files.json").write_text('{"gone.wav": "of other data"}')
    for name in ("config.json", "model.json"):  # killed even before they were written
        (run / name).unlink()
    second = with_pairs(config, tmp_path / "second.jsonl", *["snarfblat"] * 30)
    assert train(second) == 0
    words, pieces = load_vocabulary(run / VOCABULARY), json.loads((run / "tokenizer" / "tokenizer.json").read_text())
    assert words is not None and "snarfblat" in words and "glorptastic" not in words
    assert "snarfblat" in pieces["model"]["vocab"] and "glorptastic" not in pieces["model"]["vocab"]
    assert not (run / "bad_files.json").exists()


def test_a_folder_with_a_tokenizer_of_no_run_is_let_be(config: TextEncoderTrainingConfig):
    tokenizer = Path(config.out) / "tokenizer" / "mine.json"
    tokenizer.parent.mkdir(parents=True)
    tokenizer.write_text("{}")
    with pytest.raises(UserError) as caught:
        train(config)
    assert str(caught.value) == f"out={config.out}: holds tokenizer, and no run; give a new or empty folder"
    assert tokenizer.read_text() == "{}"


def test_a_run_that_goes_on_with_more_pairs_learns_their_words(config: TextEncoderTrainingConfig, tmp_path: Path):
    train(config)
    tokenizer, path = (Path(config.out) / "tokenizer" / "tokenizer.json").read_text(), Path(config.out) / VOCABULARY
    before = load_vocabulary(path)
    more = with_pairs(config, tmp_path / "more.jsonl", "glorptastic")
    assert train(steps(more, 3)) == 0
    assert before is not None and load_vocabulary(path) == before | {"glorptastic", "thing"}
    assert (Path(config.out) / "tokenizer" / "tokenizer.json").read_text() == tokenizer
    assert train(steps(config, 4)) == 0  # and what was learned stays known
    assert load_vocabulary(path) == before | {"glorptastic", "thing"}


def test_a_model_of_which_nobody_knows_the_words_gets_no_list_of_them(config: TextEncoderTrainingConfig, model: Path):
    (model / "text_encoder" / VOCABULARY).unlink(missing_ok=True)
    train(replace(config, start_from=str(model)))
    assert not (Path(config.out) / VOCABULARY).exists()
    export_run(Path(config.out), Path(config.out) / "model")
    taught = T5TextEncoder.load(Path(config.out) / "model")
    assert taught.vocabulary is None and not taught.strange("qwxz blorp")


def test_a_run_does_not_go_on_beside_another_teacher(config: TextEncoderTrainingConfig, model: Path, tmp_path: Path):
    config, run = replace(config, start_from=str(model)), Path(config.out)
    shutil.copytree(model, tmp_path / "kept")
    train(config)
    export_run(run, model, overwrite=True)
    with pytest.raises(UserError) as caught:
        train(steps(config, 3))
    why = f"has another text_encoder than when {run} began with it; put back the model that it was, or begin a new run"
    assert str(caught.value) == f"start_from={str(model)!r}: {why}, with another --out"
    export_run(run, tmp_path / "again")  # whose generator is still the one
    generator = load_latent_diffusion(model)
    generator.net.requires_grad_(False)
    next(generator.net.parameters()).add_(1)
    save_module(model / "latent_diffusion", generator, generator.config.to_dict())
    with pytest.raises(UserError) as caught:
        export_run(run, tmp_path / "other")
    why = "and what was learned fits that one; put back the model that it was"
    assert str(caught.value) == f"{model}: has another latent_diffusion than when {run} began with it, {why}"
    shutil.rmtree(model)
    shutil.copytree(tmp_path / "kept", model)
    assert train(steps(config, 3)) == 0


def test_a_run_from_before_there_were_fingerprints_goes_on(config: TextEncoderTrainingConfig):
    train(config)
    path = Path(config.out) / "config.json"
    stored = load_config(path)
    assert stored.pop("beside")["start_from"].keys() == {"text_encoder", "latent_diffusion"}
    path.write_text(json.dumps(stored))
    assert train(steps(config, 3)) == 0
    assert "beside" in load_config(path)
