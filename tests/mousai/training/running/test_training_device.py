"""`--device` chooses Lightning's accelerator and devices; one that is not there is refused before songs are read."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from mousai.errors import UserError
from mousai.training.run import train
from mousai.training.trainer import lightning_device


@pytest.mark.parametrize(
    ("found", "loop", "expected"),
    [
        ("cpu", {}, ("cpu", 1)),
        ("cpu", {"devices": 2}, ("cpu", 2)),
        ("cuda", {}, ("cuda", "auto")),
        ("cuda", {"devices": 4}, ("cuda", 4)),
        ("cuda:1", {}, ("cuda", [1])),
        ("cuda", {"resident": True}, ("cuda", [0])),
        ("cuda:1", {"resident": True}, ("cuda", [1])),
        ("mps", {}, ("mps", "auto")),
    ],
)
def test_accelerator_and_devices(
    found: str, loop: dict[str, Any], expected: Any, tmp_path, make_settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mousai.training.trainer.resolve_device", lambda name: torch.device(name))
    config = make_settings("autoencoder", tmp_path, device=found, **loop)
    assert lightning_device(config) == expected


def test_one_gpu_by_its_number_beside_several(tmp_path, make_settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mousai.training.trainer.resolve_device", lambda name: torch.device(name))
    config = make_settings("autoencoder", tmp_path, device="cuda:1", devices=2)
    with pytest.raises(UserError, match=r"device='cuda:1': is one GPU; leave loop\.devices out, or give device=cuda"):
        lightning_device(config)


@pytest.mark.parametrize("stage", ["autoencoder", "latent-diffusion"])
def test_a_device_that_is_not_there_is_refused_before_songs_are_read(stage: str, tmp_path, make_settings) -> None:
    config = replace(make_settings(stage, tmp_path / "run"), data=str(tmp_path / "nowhere"), device="cuda:99")
    with pytest.raises(UserError, match=r"^device='cuda:99': "):
        train(config)
    assert not (tmp_path / "run").exists()
