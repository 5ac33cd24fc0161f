"""Other words for what a model knows: the pairs, what is compared, and a run that learns them without music."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mousai import Mousai, UserError
from mousai.conditioning.text import T5TextEncoder, TextEmbedding
from mousai.training.checkpoint_files import read_checkpoint, saved_checkpoints
from mousai.training.config import (
    Checkpointing,
    Logging,
    LoopConfig,
    OptimizerConfig,
    TextEncoderTrainingConfig,
    WordingConfig,
)
from mousai.training.data.wordings import Wording, Wordings, in_haste, read_wordings, split_wordings
from mousai.training.export import export_run
from mousai.training.run import train
from mousai.training.stages.text_encoder.questions import attention_inputs, cross_attentions, unexplained
from mousai.training.stages.text_encoder.student import check_small, student_of


@pytest.fixture(scope="module")
def pairs(captions: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every caption under three names that no caption has."""
    table = tmp_path_factory.mktemp("pairs") / "pairs.jsonl"
    rows = [
        {"prompt": f"{word} {number} zorblax", "caption": caption}
        for number, caption in enumerate(dict.fromkeys(captions))
        for word in ("quux", "frobnicate", "the wibble", "a plugh of", "xyzzy", "grault", "corge")
    ]
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return table


@pytest.fixture(scope="module")
def soft_model(saved_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model in miniature, whose random attentions choose no single token, as trained ones do not."""
    pipe = Mousai.from_pretrained(saved_model, dtype="float32", device="cpu")
    with torch.no_grad():
        for attention in cross_attentions(pipe.latent_diffusion).values():
            attention.to_q.weight.mul_(0.05)
    folder = tmp_path_factory.mktemp("soft") / "model"
    pipe.save_pretrained(folder)
    return folder


@pytest.fixture
def config(pairs: Path, soft_model: Path, tmp_path: Path) -> TextEncoderTrainingConfig:
    return TextEncoderTrainingConfig(
        data=str(pairs),
        out=str(tmp_path / "run"),
        start_from=str(soft_model),
        device="cpu",
        tokens=400,
        dropout=0.0,
        queries=64,
        queries_per_step=4,
        optimizer=OptimizerConfig(learning_rate=3e-3),
        loop=LoopConfig(max_steps=2, batch=8, workers=0),
        checkpointing=Checkpointing(every_minutes=0),
        logging=Logging(logger="csv", log_every=1, validate_every=0, listen_every=0, validation_share=0),
    )


@pytest.fixture(scope="module")
def pipe(soft_model: Path) -> Mousai:
    return Mousai.from_pretrained(soft_model, dtype="float32", device="cpu")


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def row(prompt: Any, caption: Any) -> str:
    return json.dumps({"prompt": prompt, "caption": caption}) + "\n"


MANY = "".join(row(f"p{number}", f"c{number}") for number in range(30))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("pairs.txt", MANY, "must be a table of pairs, .jsonl or .csv with the keys prompt and caption"),
        ("pairs.jsonl", row("p", "c"), "has 1 pairs; 20 or more are needed"),
        ("pairs.jsonl", MANY + row("p", ""), "line 31: needs the key caption, a text"),
        ("pairs.jsonl", MANY + row(3, "c"), "line 31: needs the key prompt, a text"),
        ("pairs.jsonl", MANY + row("p" * 2001, "c"), "line 31: prompt has 2001 letters; 2000 are the most"),
        ("pairs.jsonl", row("p", "c") * 20, "has one caption for all prompts, from which nothing can be told apart"),
        ("pairs.csv", "prompt\n" + "p\n" * 20, "row 1: needs the key caption, a text"),
    ],
)
def test_a_bad_table_is_one_line(tmp_path: Path, name: str, text: str, said: str):
    path = write(tmp_path, name, text)
    with pytest.raises(UserError) as caught:
        read_wordings(path)
    assert str(caught.value) == f"data={path}: {said}"


def test_a_missing_table_is_one_line(tmp_path: Path):
    with pytest.raises(UserError, match="no such file; give a table of pairs"):
        read_wordings(tmp_path / "none.jsonl")


def test_tables_of_both_kinds_say_the_same(tmp_path: Path):
    lines = [(f"some, prompt {n}", f"caption  {n % 3}") for n in range(25)]
    plain = write(tmp_path, "a.jsonl", "".join(row(*line) for line in lines))
    commas = write(tmp_path, "b.csv", "prompt,caption\n" + "".join(f'"{p}",{c}\n' for p, c in lines))
    one, two = ([(each.prompt, each.caption) for each in read_wordings(path)] for path in (plain, commas))
    assert one == two and one[1] == ("some, prompt 1", "caption 1")


def test_pairs_of_one_prompt_stay_together():
    pairs = [Wording(f"Prompt {n % 40}".upper() if n % 2 else f"prompt {n % 40}", str(n), "") for n in range(400)]
    train_pairs, val = split_wordings(pairs, 0.2)
    assert len(train_pairs) + len(val) == 400 and val
    assert not {one.prompt.lower() for one in train_pairs} & {one.prompt.lower() for one in val}


def test_items_follow_from_their_number_and_passes_have_every_pair():
    pairs = [Wording(f"A prompt, number {n}, for you.", f"caption {n}", f"line {n}") for n in range(30)]
    items, again = (Wordings(pairs, WordingConfig(), seed=3) for _ in range(2))
    assert [items[n] for n in range(90)] == [again[n] for n in reversed(range(90))][::-1]
    for first in (0, 30, 60):
        assert sorted(items[n]["files"] for n in range(first, first + 30)) == sorted(one.place for one in pairs)
    plain = Wordings(pairs, WordingConfig(repeat_caption=0, careless=0, tempo=0), seed=3)
    assert {(plain[n]["prompt"], plain[n]["caption"]) for n in range(30)} == {(p.prompt, p.caption) for p in pairs}


def test_shares_of_items_are_as_asked():
    pairs = [Wording(f"A prompt, number {n}, for you.", f"caption {n}", "") for n in range(100)]
    shown = [Wordings(pairs, WordingConfig(repeat_caption=0.3, careless=0, tempo=0.2), seed=1)[n] for n in range(1000)]
    same = [item for item in shown if item["prompt"] == item["caption"]]
    timed = [item for item in shown if "bpm" in item["prompt"]]
    assert 250 < len(same) < 350 and 100 < len(timed) < 180
    for item in timed:  # prompt and caption are told the same
        assert item["prompt"].rsplit(", ", 1)[1] == item["caption"].rsplit(", ", 1)[1]
    stated = [Wording(f"prompt {n} at 99 bpm", f"caption {n}", "") for n in range(100)]
    assert not any("bpm" in Wordings(stated, WordingConfig(tempo=0.9), seed=1)[n]["caption"] for n in range(100))


def test_validation_shows_pairs_as_they_are():
    pairs = [Wording(f"Prompt {n}!", f"caption {n}", "") for n in range(30)]
    items = Wordings(pairs, WordingConfig(careless=0.9), seed=0, count=7)
    assert len(items) == 7 and [items[n]["prompt"] for n in range(7)] == [one.prompt for one in pairs[:7]]
    assert len(list(items)) == 7


def test_haste_leaves_a_prompt_to_read():
    rng = np.random.default_rng(0)
    prompt = "Dusty drums, a lazy Rhodes and rain on the window."
    typed = {in_haste(prompt, rng) for _ in range(200)}
    assert len(typed) > 50
    for text in typed:
        assert len(prompt) / 3 < len(text) <= len(prompt) and len(text.split()) >= 6
    assert all(in_haste(text, rng) for text in ("a", ".", "ab", "!!!"))


def embedded(pipe: Mousai, texts: list[str]) -> TextEmbedding:
    with torch.no_grad():
        found: TextEmbedding = pipe.text_encoder(texts)
    return found


@torch.no_grad()
def test_what_is_unexplained_of_the_same_words_is_nothing(pipe: Mousai, captions: list[str]):
    texts = list(dict.fromkeys(captions))[:4]
    asked = attention_inputs(pipe.latent_diffusion, pipe.text_encoder, texts, count=32, seed=0)
    assert asked.keys() == cross_attentions(pipe.latent_diffusion).keys() and asked
    meant = embedded(pipe, texts)
    assert float(unexplained(pipe.latent_diffusion, meant, meant, asked)) == 0
    # Where a token stands and how often padding follows it are nothing to a generator: its attention sums over tokens.
    order = torch.randperm(meant.hidden.shape[1])
    moved = TextEmbedding(meant.hidden[:, order], meant.mask[:, order])
    assert float(unexplained(pipe.latent_diffusion, moved, meant, asked)) < 1e-8


def test_the_mean_of_all_prompts_explains_nothing():
    """One cross-attention whose answer is its only token: the mean token leaves the whole variance."""

    class Answering(torch.nn.Module):
        context_features = 3

        def forward(self, x: torch.Tensor, context: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return x + context.mean(1, keepdim=True)

    from mousai.training.stages.text_encoder import questions

    class Model:
        class config:
            class net:
                global_features = 0

    meant = TextEmbedding(torch.randn(5, 1, 3), torch.ones(5, 1, dtype=torch.bool))
    mean = TextEmbedding(meant.hidden.mean(0, keepdim=True).expand(5, -1, -1), meant.mask)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(questions, "cross_attentions", lambda model: {"one": Answering()})
        share = unexplained(Model(), mean, meant, {"one": torch.ones(2, 3)})  # type: ignore[arg-type]
    assert float(share) == pytest.approx(1)


@torch.no_grad()
def test_a_batch_that_means_one_thing_gives_no_huge_loss(pipe: Mousai, captions: list[str]):
    asked = attention_inputs(pipe.latent_diffusion, pipe.text_encoder, captions[:2], count=8, seed=0)
    meant, other = embedded(pipe, captions[:1] * 3), embedded(pipe, captions[1:2] * 3)
    assert 1 < float(unexplained(pipe.latent_diffusion, other, meant, asked)) < 1000


def test_a_student_begins_as_its_teacher(pipe: Mousai, tmp_path: Path, captions: list[str]):
    teacher = pipe.text_encoder
    student, sizes = student_of(teacher, [], tokens=0, layers=teacher.model.config.num_layers + 1, made=tmp_path / "t")
    with torch.no_grad():
        torch.testing.assert_close(student(captions).hidden, teacher(captions).hidden, atol=1e-5, rtol=1e-5)
    assert sizes.from_dict(sizes.to_dict()) == sizes
    more = T5TextEncoder(student.model, student.tokenizer)
    with pytest.raises(UserError, match=r"layers=1: the model has 2; give as many or more, or 0"):
        student_of(more, [], tokens=0, layers=1, made=tmp_path / "t")


def test_new_words_get_tokens_and_old_ones_keep_their_vectors(pipe: Mousai, tmp_path: Path, captions: list[str]):
    texts = [*captions, "frobnicate the wibble"] * 5
    student, _ = student_of(pipe.text_encoder, texts, tokens=600, layers=0, made=tmp_path / "t")
    old, new = pipe.text_encoder.tokenizer.get_vocab(), student.tokenizer.get_vocab()
    assert "frobnicate" in new and "frobnicate" not in old
    before, after = (one.model.state_dict()["shared.weight"] for one in (pipe.text_encoder, student))
    shared = old.keys() & new.keys()
    assert len(shared) > 50
    for token in shared:
        torch.testing.assert_close(after[new[token]], before[old[token]].float())


def test_a_large_encoder_is_refused(pipe: Mousai, monkeypatch: pytest.MonkeyPatch):
    from mousai.training.stages.text_encoder import student

    check_small(pipe.text_encoder, "bundled")
    monkeypatch.setattr(student, "LARGEST", 10)
    with pytest.raises(UserError, match="has a text encoder of 0 million parameters; only small ones"):
        check_small(pipe.text_encoder, "bundled")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"start_from": None}, "start_from: is needed: the model whose text encoder is to learn"),
        ({"tokens": 20}, "tokens=20: must be 300 or more, or 0 to keep the tokenizer"),
        ({"dropout": 1.0}, "dropout=1: must be 0 or more, below 1"),
        ({"queries": 0}, "queries=0: must be 1 or more"),
        ({"loop": LoopConfig(max_steps=1, batch=1)}, "loop.batch=1: must be 2 or more: prompts are told apart"),
        ({"loop": LoopConfig(max_steps=1, compile=True)}, "loop.compile=True: is for the two stages, and of no use"),
        ({"loop": LoopConfig(max_steps=1, strategy="fsdp")}, "loop.strategy='fsdp': is for large models; leave it out"),
    ],
)
def test_settings_that_make_no_sense_are_one_line(config: TextEncoderTrainingConfig, given: Any, said: str):
    with pytest.raises(UserError) as caught:
        replace(config, **given)
    assert str(caught.value).startswith(said)


def test_shares_outside_their_range_are_one_line():
    with pytest.raises(UserError, match=r"wordings.careless=1: must be 0 or more, below 1"):
        WordingConfig(careless=1)


def test_new_words_are_learned_and_the_old_ones_kept(
    config: TextEncoderTrainingConfig, pipe: Mousai, tmp_path: Path, pairs: Path
):
    config = replace(config, optimizer=OptimizerConfig(learning_rate=1e-2), loop=replace(config.loop, max_steps=60))
    assert train(config) == 0
    export_run(Path(config.out), tmp_path / "model")
    taught = Mousai.from_pretrained(tmp_path / "model", dtype="float32", device="cpu")
    assert isinstance(taught.text_encoder, T5TextEncoder)
    assert taught.not_understood("frobnicate") is None and pipe.not_understood("frobnicate") is not None
    known = read_wordings(pairs)
    captions = list(dict.fromkeys(one.caption for one in known))
    asked = attention_inputs(pipe.latent_diffusion, pipe.text_encoder, captions, count=64, seed=1)
    prompts = [next(one.prompt for one in known if one.caption == caption) for caption in captions]
    meant, untaught = embedded(pipe, captions), embedded(pipe, prompts)

    @torch.no_grad()
    def share(read: TextEmbedding) -> float:
        return float(unexplained(pipe.latent_diffusion, read, meant, asked))

    assert share(embedded(taught, prompts)) < 0.5 * share(untaught)
    assert share(embedded(taught, captions)) < 0.8


def test_a_run_goes_on_as_if_it_had_not_stopped(config: TextEncoderTrainingConfig, tmp_path: Path):
    config = replace(config, tokens=0, dropout=0.2)  # two tokenizers of the same texts differ, a run makes its own once
    whole, parts = replace(config, out=str(tmp_path / "whole")), replace(config, out=str(tmp_path / "parts"))
    train(replace(whole, loop=replace(whole.loop, max_steps=4)))
    train(parts)
    train(replace(parts, loop=replace(parts.loop, max_steps=4)))
    one, two = (read_checkpoint(saved_checkpoints(Path(run.out) / "checkpoints")[-1]) for run in (whole, parts))
    assert one["global_step"] == two["global_step"] == 4
    for name, weight in one["state_dict"].items():
        assert torch.equal(weight, two["state_dict"][name]), name
    with pytest.raises(UserError, match="tokens"):
        train(replace(parts, tokens=500, loop=replace(parts.loop, max_steps=5)))
