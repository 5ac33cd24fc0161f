"""Other words for what a model knows: what is compared, and a run that learns them without music."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from mousai import Mousai, UserError
from mousai.conditioning.text import T5TextEncoder, TextEmbedding
from mousai.training.checkpoint_files import read_checkpoint, saved_checkpoints
from mousai.training.config import (
    LoopConfig,
    OptimizerConfig,
    TextEncoderTrainingConfig,
)
from mousai.training.data.wordings import read_wordings
from mousai.training.export import export_run
from mousai.training.run import train
from mousai.training.stages.text_encoder.questions import attention_inputs, cross_attentions, unexplained
from mousai.training.stages.text_encoder.student import student_of


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


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"start_from": None}, "start_from: is needed: the model whose text encoder is to learn"),
        ({"tokens": 20}, "tokens=20: must be 300 or more, or 0 to keep the tokenizer"),
        ({"dropout": 1.0}, "dropout=1: must be 0 or more, below 1"),
        ({"queries": 0}, "queries=0: must be 1 or more"),
        ({"loop": LoopConfig(max_steps=1, batch=1)}, "loop.batch=1: must be 2 or more: prompts are told apart"),
        ({"loop": LoopConfig(max_steps=1, compile=True)}, "loop.compile=True: is for the two stages, and of no use"),
        ({"loop": LoopConfig(max_steps=1, shards="s")}, "loop.shards='s': is for the two stages, and of no use"),
        ({"loop": LoopConfig(max_steps=1, shards_gb=5)}, "loop.shards_gb=5: is for the two stages, and of no use"),
        ({"loop": LoopConfig(max_steps=1, strategy="fsdp")}, "loop.strategy='fsdp': is for large models; leave it out"),
    ],
)
def test_settings_that_make_no_sense_are_one_line(config: TextEncoderTrainingConfig, given: Any, said: str):
    with pytest.raises(UserError) as caught:
        replace(config, **given)
    assert str(caught.value).startswith(said)


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
