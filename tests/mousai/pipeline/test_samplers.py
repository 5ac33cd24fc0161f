"""Samplers and time grids by name, from the model, or of one's own."""

import copy
import dataclasses
from pathlib import Path

import pytest
import torch

from mousai.pipeline import Mousai
from mousai.storage.folders import describe
from tests.mousai.pipeline.quick_calls import PROMPT, QUICK, close
from tests.mousai.refusing import refused
from vdiffusion import DDIM, SAMPLER_NAMES


@pytest.mark.parametrize("sampler", SAMPLER_NAMES)
def test_every_sampler_depends_on_the_seed_and_not_on_batch_mates(pipeline: Mousai, sampler: str):
    settings = {**QUICK, "num_inference_steps": 4, "time_grid": "cosine", "sampler": sampler}
    alone = pipeline(PROMPT, **settings, seed=1).audios
    assert bool(alone.isfinite().all())
    assert torch.equal(pipeline(PROMPT, **settings, seed=1).audios, alone)
    assert not close(pipeline(PROMPT, **settings, seed=2).audios, alone)
    # A batch of another size is rounded otherwise, which fresh noise in four steps of an untrained net has made 1.2e-4
    # of, on a CPU with AVX2; another seed makes 1e-1 of it.
    assert close(pipeline([PROMPT, "metal"], **settings, seed=1).audios[:1], alone, atol=1e-3)


def test_sampler_and_grid_come_from_the_model(pipeline: Mousai, tmp_path: Path):
    given = pipeline(PROMPT, **QUICK, seed=1, sampler="euler_ancestral", time_grid="karras").audios
    other = copy.copy(pipeline)
    other.defaults = dataclasses.replace(pipeline.defaults, sampler="euler_ancestral", time_grid="karras")
    assert torch.equal(other(PROMPT, **QUICK, seed=1).audios, given)
    other.save_pretrained(tmp_path)
    assert describe(tmp_path).defaults == other.defaults
    back = other(PROMPT, **QUICK, seed=1, sampler="ddim", time_grid="uniform").audios
    assert torch.equal(back, pipeline(PROMPT, **QUICK, seed=1).audios)


def test_a_sampler_of_ones_own(pipeline: Mousai):
    class Counting(DDIM):
        steps = 0

        def step(self, at):
            Counting.steps += 1
            return super().step(at)

    result = pipeline(PROMPT, **QUICK, seed=1, sampler=Counting())
    assert Counting.steps == 2
    assert torch.equal(result.audios, pipeline(PROMPT, **QUICK, seed=1, sampler="ddim").audios)
    assert "sampler=<class" in refused(pipeline, PROMPT, sampler=DDIM)  # a class is no sampler
