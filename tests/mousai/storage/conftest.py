"""The small module as it is saved."""

from pathlib import Path

import pytest

from mousai.storage.weights import save_module
from tests.mousai.storage.small_module import CONFIG, seeded


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_module(tmp_path / "model", seeded(), CONFIG)
    return tmp_path / "model"
