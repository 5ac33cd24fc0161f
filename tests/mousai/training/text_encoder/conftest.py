"""Pairs of prompts and captions, a model to teach, and settings for a run of a second."""

import json
from pathlib import Path

import pytest
import torch

from mousai import Mousai
from mousai.conditioning.vocabulary import vocabulary_of
from mousai.training.config import Checkpointing, Logging, LoopConfig, OptimizerConfig, TextEncoderTrainingConfig
from mousai.training.stages.text_encoder.questions import cross_attentions


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def soft_model(saved_model: Path, captions: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model in miniature, whose random attentions choose no single token, as trained ones do not."""
    pipe = Mousai.from_pretrained(saved_model, dtype="float32", device="cpu")
    with torch.no_grad():
        for attention in cross_attentions(pipe.latent_diffusion).values():
            attention.to_q.weight.mul_(0.05)
    pipe.text_encoder.vocabulary = vocabulary_of(captions)
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


@pytest.fixture(scope="session")
def pipe(soft_model: Path) -> Mousai:
    return Mousai.from_pretrained(soft_model, dtype="float32", device="cpu")
