"""Rendering of planned clips: by a model or by the composer, continued after an interruption."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from mousai.audio.files import read_audio
from mousai.evaluation.clips import TABLE, Row, plan_clips
from mousai.evaluation.prompts import PROMPTS
from mousai.evaluation.rendering import model_hash, render_clips, render_references
from mousai.pipeline import Mousai
from mousai.sampling_config import SamplingConfig


class NoisePipeline:
    """A pipeline that generates noise and counts its calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []
        self.dtype, self.defaults = torch.float32, SamplingConfig(decoder_steps=0, griffin_lim=4)
        self.settings: list[dict[str, Any]] = []

    def __call__(self, prompt: str, *, duration: float, seed: int, **settings: Any) -> SimpleNamespace:
        self.calls.append((prompt, seed))
        self.settings.append(settings)
        noise = np.random.default_rng(seed).uniform(-0.5, 0.5, (1, 2, round(duration * 48000))).astype(np.float32)
        return SimpleNamespace(audios=torch.from_numpy(noise))


def render(folder: Path, rows: list[Row], pipeline: NoisePipeline, *, model: str = "one") -> list[Row]:
    return render_clips(folder, rows, cast(Mousai, pipeline), model_hash=model)


def test_clips_are_kept_and_those_of_another_model_are_generated_again(tmp_path: Path) -> None:
    rows = plan_clips([(prompt, 1) for prompt in PROMPTS[:3]], seed=0, duration=0.1)
    first = NoisePipeline()
    render(tmp_path, rows[:2], first)
    assert len(first.calls) == 2
    again = NoisePipeline()
    found = render(tmp_path, rows, again)
    assert again.calls == [(PROMPTS[2].text, 2)]
    assert all("cpu" in row for row in found)
    assert [json.loads(line)["file_name"] for line in (tmp_path / TABLE).read_text().splitlines()] == [
        row["file_name"] for row in rows
    ]
    (tmp_path / rows[0]["file_name"]).unlink()
    again = NoisePipeline()
    render(tmp_path, rows, again)
    assert [seed for _, seed in again.calls] == [0]
    other = NoisePipeline()
    render(tmp_path, rows, other, model="two")
    assert len(other.calls) == 3


def test_fast_clips_take_no_more_steps_than_the_model_does_itself(tmp_path: Path) -> None:
    rows = plan_clips([(PROMPTS[0], 1)], seed=0, duration=0.1)
    for name, own, steps in (
        ("none", SamplingConfig(decoder_steps=0, griffin_lim=4), 0),
        ("many", SamplingConfig(), 1),
    ):
        pipeline = NoisePipeline()
        pipeline.defaults = own
        render_clips(tmp_path / name, rows, cast(Mousai, pipeline), model_hash="one", fast=True)
        assert pipeline.settings == [{"num_inference_steps": 2, "decoder_steps": steps}]


def test_ctrl_c_keeps_what_is_done(tmp_path: Path) -> None:
    class Stopped(NoisePipeline):
        def __call__(self, prompt: str, **settings: Any) -> SimpleNamespace:
            if len(self.calls) == 2:
                raise KeyboardInterrupt
            return super().__call__(prompt, **settings)

    rows = plan_clips([(prompt, 1) for prompt in PROMPTS[:4]], seed=0, duration=0.1)
    with pytest.raises(KeyboardInterrupt):
        render(tmp_path, rows, Stopped())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000-a.flac", "001-a.flac", TABLE]
    rest = NoisePipeline()
    render(tmp_path, rows, rest)
    assert [seed for _, seed in rest.calls] == [2, 3]


@pytest.mark.fluidsynth
def test_references_depend_on_the_prompt_and_not_on_the_seed(tmp_path: Path) -> None:
    (row,) = render_references(tmp_path, plan_clips([(PROMPTS[4], 1)], seed=0, duration=3.0))
    assert read_audio(tmp_path / row["file_name"]).shape == (2, 3 * 48000)
    again = render_references(tmp_path, plan_clips([(PROMPTS[4], 1)], seed=99, duration=3.0))
    assert row["song"] == again[0]["song"]


def test_the_hash_is_of_weights_and_configs(model_copy: Path) -> None:
    before = model_hash(model_copy)
    (model_copy / "notes.txt").write_text("a note")
    assert model_hash(model_copy) == before
    index = model_copy / "model_index.json"
    index.write_text(index.read_text().replace('"decoder_steps": 2', '"decoder_steps": 3'))
    assert model_hash(model_copy) != before
