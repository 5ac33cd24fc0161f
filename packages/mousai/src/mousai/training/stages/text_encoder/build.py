"""A run that teaches a text encoder wordings, put together from its config."""

from collections.abc import Collection
from pathlib import Path

import torch

from mousai.conditioning.text import T5TextEncoder
from mousai.conditioning.usual_tempo import UsualTempo
from mousai.conditioning.vocabulary import VOCABULARY
from mousai.data.latent_cache import fingerprint
from mousai.errors import UserError
from mousai.storage.folders import describe, latent_diffusion_config, load_autoencoder, load_latent_diffusion
from mousai.training.config import TextEncoderTrainingConfig
from mousai.training.data.wordings import Wordings, read_wordings, split_wordings, validation_wordings
from mousai.training.sources import model_folder
from mousai.training.stages.experiment import Experiment
from mousai.training.stages.taught_text import keep_vocabulary
from mousai.training.stages.text_encoder.module import TextEncoderStage
from mousai.training.stages.text_encoder.questions import attention_inputs
from mousai.training.stages.text_encoder.student import check_teacher, sizes_of_teacher, student_of
from mousai.training.stages.text_encoder.tempo import has_tempo, tempo_to_learn

PIECES = 16
"""Pieces that the generator makes to hear what it asks of its prompts."""
VALIDATION_PAIRS = 512


def build_text_encoder(config: TextEncoderTrainingConfig, *, fresh: bool, weights: Collection[str] = ()) -> Experiment:
    """Build what a run of the text encoder needs; see `mousai.training.stages.build.build`."""
    assert config.start_from is not None
    need = ["text_encoder", "latent_diffusion", "autoencoder"]
    start = model_folder(config.start_from, field="start_from", need=need)
    if not latent_diffusion_config(start).net.context_features:
        raise UserError("start_from", config.start_from, "reads no prompts: its generator has no cross-attention")
    check_teacher(sizes_of_teacher(start), start=config.start_from, layers=config.layers)
    pairs = read_wordings(Path(config.data))
    train, val = split_wordings(pairs, config.logging.validation_share)
    teacher = T5TextEncoder.load(start)
    model, seed = load_latent_diffusion(start).eval(), config.loop.seed
    # What is drawn here must not change what is drawn next: a run that goes on asks the same.
    with torch.random.fork_rng(devices=[]):
        captions = list(dict.fromkeys(pair.caption for pair in train))
        spread = captions[:: max(len(captions) // PIECES, 1)][:PIECES]
        questions = attention_inputs(model, teacher.eval(), spread, count=config.queries, seed=seed)
    texts = [text for pair in pairs for text in (pair.prompt, pair.caption)]
    made = Path(config.out) / "tokenizer"
    student, sizes = student_of(
        teacher, texts, tokens=config.tokens, layers=config.layers, dropout=config.dropout, made=made
    )
    student.tempo = tempo_to_learn(teacher, train)
    if not fresh:  # pairs that were added may tell a tempo first
        student.tempo = (student.tempo or UsualTempo(student.features)) if has_tempo(weights) else None
    keep_vocabulary(student, texts, Path(config.out) / VOCABULARY)
    stage = TextEncoderStage(
        student.train(),
        teacher=teacher,
        model=model,
        autoencoder=load_autoencoder(start),
        questions=questions,
        defaults=describe(start).defaults,
        config=config,
    )
    stage.prompts = config.logging.prompts or [pair.prompt for pair in (val or train)[: config.logging.listen_count]]
    shown = validation_wordings(val, most=VALIDATION_PAIRS, batch=config.loop.batch, seed=seed)
    return Experiment(
        stage=stage,
        train=Wordings(train, config.wordings, seed=seed),
        validation=Wordings(shown, config.wordings, seed=seed, count=len(shown)) if shown else None,
        config=sizes,
        files=len(pairs),
        beside={
            "start_from": {
                "text_encoder": fingerprint(teacher.state_dict()),
                "latent_diffusion": fingerprint(model.state_dict()),
            }
        },
    )
