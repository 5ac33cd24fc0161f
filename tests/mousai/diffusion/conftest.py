"""Stage 2 of the model in miniature."""

from pathlib import Path

import pytest

from mousai.diffusion.config import LatentDiffusionConfig
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.pipeline import Mousai
from mousai.storage.folders import describe


@pytest.fixture(scope="module")
def config(saved_model: Path) -> LatentDiffusionConfig:
    return describe(saved_model).latent_diffusion


@pytest.fixture(scope="module")
def generator(saved_model: Path) -> LatentDiffusion:
    return Mousai.from_pretrained(saved_model, dtype="float32").latent_diffusion
