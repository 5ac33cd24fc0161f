"""Two trained stages -> one model folder."""

from pathlib import Path

import torch

from mousai.checkpoint import load_config, load_state
from mousai.data.latent_cache import load_stage_1
from mousai.defaults import Defaults
from mousai.latent import LatentDiffusion
from mousai.latent_config import LatentDiffusionConfig
from mousai.pipeline import Mousai
from mousai.text import TextEncoder


def bundle(autoencoder: Path, generator: Path, out: Path, *, defaults: Defaults, about: str) -> Mousai:
    """Write a model folder with weights in bfloat16 from the folders of two runs; returns the pipeline.

    Raises:
        UserError: a run's folder is incomplete, or the two do not fit.
    """
    stage1 = load_stage_1(autoencoder)
    stage2 = LatentDiffusion(LatentDiffusionConfig.from_dict(load_config(generator / "generator")))
    load_state(generator / "generator", stage2)
    pipeline = Mousai(TextEncoder.load(generator), stage2, stage1, defaults=defaults, about=about)
    pipeline.save_pretrained(out, dtype=torch.bfloat16)
    return pipeline
