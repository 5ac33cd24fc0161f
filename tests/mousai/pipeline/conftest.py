"""The model in miniature as a pipeline."""

from pathlib import Path

import pytest

from mousai.pipeline import Mousai


@pytest.fixture(scope="module")
def pipeline(saved_model: Path) -> Mousai:
    pipeline = Mousai.from_pretrained(saved_model, dtype="float32")
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
