"""The model in miniature as a pipeline."""

from pathlib import Path

import pytest

from mousai import Mousai


@pytest.fixture(scope="module")
def pipe(saved_model: Path) -> Mousai:
    pipe = Mousai.from_pretrained(saved_model, dtype="float32")
    pipe.set_progress_bar_config(disable=True)
    return pipe
