"""Usual tempos that a text encoder learns from captions which tell one where their prompt states none."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mousai import Mousai
from mousai.conditioning.text import T5TextEncoder
from mousai.conditioning.usual_tempo import USUAL_TEMPO, UsualTempo
from mousai.training.config import (
    Checkpointing,
    EMAConfig,
    Logging,
    LoopConfig,
    OptimizerConfig,
    TextEncoderTrainingConfig,
    WordingConfig,
)
from mousai.training.data.wordings import Wording
from mousai.training.export import export_run
from mousai.training.run import train
from mousai.training.stages.text_encoder.tempo import NEAR, WEIGHT, tempo_loss, tempo_to_learn, told_tempo
from tests.mousai.training.conftest import MakeSettings

SLOW, FAST = "calm piano pop", "metal"


@pytest.fixture
def config(saved_model: Path, tmp_path: Path) -> TextEncoderTrainingConfig:
    """A run on pairs of two styles, whose captions have tempos an octave apart."""
    table = tmp_path / "pairs.jsonl"
    rows = [
        {"prompt": f"{place} {word}", "caption": f"{caption}, {tempo} bpm"}
        for word in ("quux", "wibble", "xyzzy", "grault", "corge")
        for place, caption, tempo in (("piano", SLOW, 70), ("metal", FAST, 140), ("calm", SLOW, 70))
        for _ in range(2)
    ]
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return TextEncoderTrainingConfig(
        data=str(table),
        out=str(tmp_path / "run"),
        start_from=str(saved_model),
        device="cpu",
        tokens=0,  # two tokenizers of the same texts differ
        dropout=0.0,
        queries=16,
        queries_per_step=2,
        wordings=WordingConfig(repeat_caption=0, careless=0, tempo=0),
        optimizer=OptimizerConfig(learning_rate=1e-2),
        ema=EMAConfig(beta=0.9),
        loop=LoopConfig(max_steps=300, batch=10, workers=0),
        checkpointing=Checkpointing(every_minutes=0),
        logging=Logging(logger="csv", log_every=1, validate_every=0, listen_every=0, validation_share=0),
    )


@pytest.mark.parametrize(
    ("prompt", "caption", "usual", "told"),
    [
        ("rooftop party", "house track, 126 bpm", None, 126.0),
        ("rooftop party", "house track, 126 bpm", 90.0, 126.0),
        ("rooftop party", "house track", 90.0, 90.0),
        ("rooftop party", "house track", None, None),
        ("rooftop party, 120 bpm", "house track, 120 bpm", 90.0, None),
    ],
)
def test_what_there_is_to_learn(prompt: str, caption: str, usual: float | None, told: float | None):
    assert told_tempo(prompt, caption, usual) == told


def test_the_loss_is_that_of_the_octaves(saved_model: Path):
    student, teacher = T5TextEncoder.load(saved_model), T5TextEncoder.load(saved_model)
    student.tempo = UsualTempo(student.features)  # says 110 bpm of everything
    prompts, captions = ["lagoon", "volcano", "quay, 90 bpm"], [f"{SLOW}, 220 bpm", f"{FAST}, 110 bpm", "90 bpm"]
    loss, error = tempo_loss(student, student(prompts), teacher, teacher(captions), prompts=prompts, captions=captions)
    assert float(error) == pytest.approx(0.5)  # an octave and none; the third states its own
    assert loss.item() == pytest.approx(WEIGHT * (1 - NEAR / 2) / 2)
    loss.backward()
    assert student.tempo.linear.bias.grad is not None and float(student.tempo.linear.bias.grad) == pytest.approx(-0.25)
    nothing, _ = tempo_loss(
        student, student(["90 bpm"]), teacher, teacher(["90 bpm"]), prompts=["90 bpm"], captions=["90 bpm"]
    )
    assert nothing.item() == 0 and nothing.requires_grad


def test_a_student_begins_with_its_teachers(saved_model: Path):
    teacher, pair = T5TextEncoder.load(saved_model), Wording("lagoon", SLOW, "row 1")
    assert tempo_to_learn(teacher, [pair]) is None
    new = tempo_to_learn(teacher, [pair, replace(pair, caption="metal, 140 bpm")])
    assert isinstance(new, UsualTempo) and not new.linear.weight.any()
    teacher.tempo = UsualTempo(teacher.features)
    teacher.tempo.linear.bias.data.fill_(6.0)
    kept = tempo_to_learn(teacher, [pair])
    assert kept is not None and kept is not teacher.tempo and float(kept.linear.bias.detach()) == 6.0


def test_a_run_learns_them_and_its_model_tells_them(config: TextEncoderTrainingConfig, tmp_path: Path):
    assert train(config) == 0
    export_run(Path(config.out), tmp_path / "model")
    assert (tmp_path / "model" / "text_encoder" / USUAL_TEMPO).is_file()
    encoder = Mousai.from_pretrained(tmp_path / "model", dtype="float32", device="cpu").text_encoder
    prompts = ["piano wibble", "metal wibble", "calm wibble"]
    with torch.no_grad():
        tempos = encoder.usual_tempos(prompts, encoder(prompts))
    off = [abs(math.log2(tempo / usual)) for tempo, usual in zip(tempos, (70, 140, 70), strict=True)]
    assert max(off) < 0.25, tempos
    # The next run begins with it, though its captions tell none.
    rows = [json.loads(line) for line in Path(config.data).read_text().splitlines()]
    timeless = [row | {"caption": row["caption"].split(",")[0]} for row in rows]
    (tmp_path / "more.jsonl").write_text("".join(json.dumps(row) + "\n" for row in timeless))
    again = replace(
        config,
        data=str(tmp_path / "more.jsonl"),
        out=str(tmp_path / "again"),
        start_from=str(tmp_path / "model"),
        loop=replace(config.loop, max_steps=1),
    )
    assert train(again) == 0
    export_run(Path(again.out), tmp_path / "next")
    assert T5TextEncoder.load(tmp_path / "next").tempo is not None


@pytest.mark.parametrize("first", [True, False])
def test_a_run_goes_on_with_pairs_that_tell_a_tempo_first_or_no_more(
    config: TextEncoderTrainingConfig, tmp_path: Path, first: bool
):
    timeless = tmp_path / "timeless.jsonl"
    rows = [json.loads(line) for line in Path(config.data).read_text().splitlines()]
    rows = [row | {"caption": row["caption"].split(",")[0]} for row in rows]
    timeless.write_text("".join(json.dumps(row) + "\n" for row in rows))
    tables = (config.data, str(timeless)) if first else (str(timeless), config.data)
    for steps, table in enumerate(tables, start=1):
        assert train(replace(config, data=table, loop=replace(config.loop, max_steps=steps))) == 0
    export_run(Path(config.out), tmp_path / "model")
    assert (T5TextEncoder.load(tmp_path / "model").tempo is not None) is first


def test_a_generator_whose_text_encoder_is_trained_along_has_none(
    saved_model: Path, make_settings: MakeSettings, tmp_path: Path
):
    pipe = Mousai.from_pretrained(saved_model, dtype="float32", device="cpu")
    pipe.text_encoder.tempo = UsualTempo(pipe.text_encoder.features)
    pipe.save_pretrained(tmp_path / "model")
    config = make_settings("latent-diffusion", tmp_path / "run", start_from=str(tmp_path / "model"))
    assert train(config) == 0
    export_run(tmp_path / "run", tmp_path / "trained")
    assert T5TextEncoder.load(tmp_path / "trained").tempo is None
