"""Steps whose gradient is not finite are skipped and counted, or end the run; time as the length of a run."""

import types
from typing import Any

import pytest
import torch
from torch import nn

from mousai.errors import UserError
from mousai.training.callbacks.finite_guard import FiniteGuard
from mousai.training.checkpoint_files import read_checkpoint, saved_checkpoints
from mousai.training.config import LoopConfig, OptimizerConfig, seconds_of
from mousai.training.run import train
from mousai.training.stages.latent_diffusion.module import LatentDiffusionStage
from mousai.training.stages.module import Stage


def test_a_step_without_a_finite_gradient_is_skipped_and_many_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    model = nn.Linear(2, 1, bias=False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.5, weight_decay=0.1)
    trainer: Any = types.SimpleNamespace(precision="32-true", global_step=0)
    guard = FiniteGuard("skip", patience=2)
    before = model.weight.detach().clone()

    def step(*gradient: float) -> None:
        model.weight.grad = torch.tensor([gradient])
        guard.on_before_optimizer_step(trainer, model, optimizer)  # type: ignore[arg-type]
        optimizer.step()

    step(1.0, float("nan"))
    step(float("inf"), 0.0)
    assert torch.equal(model.weight, before) and guard.skipped == 2  # not even its decay
    assert "step 0 skipped: not finite is the gradient of weight" in capsys.readouterr().err
    step(1.0, -1.0)
    assert not torch.equal(model.weight, before)
    step(float("inf"), 0.0)
    step(float("inf"), 0.0)
    with pytest.raises(UserError, match="not finite in 5 of 6 steps, 3 times in a row"):
        step(float("inf"), 0.0)


def test_a_run_skips_a_bad_step_and_says_how_many(tmp_path, make_settings, monkeypatch) -> None:
    step_loss = LatentDiffusionStage.step_loss

    def broken(self, batch):
        loss, figures = step_loss(self, batch)
        return (loss * float("nan") if self.trainer.global_step == 1 else loss), figures

    monkeypatch.setattr(LatentDiffusionStage, "step_loss", broken)
    assert train(make_settings("latent-diffusion", tmp_path, max_steps=3, not_finite="skip")) == 0
    saved = read_checkpoint(saved_checkpoints(tmp_path / "checkpoints")[-1])
    assert saved["global_step"] == 3 and saved["figures"]["skipped steps"] == 1
    assert all(weight.isfinite().all() for weight in saved["state_dict"].values())


@pytest.mark.parametrize(("given", "seconds"), [("90", 90.0), ("1.5", 1.5), ("01:02:03:04", 93784.0)])
def test_times(given: str, seconds: float) -> None:
    assert seconds_of(given) == seconds


@pytest.mark.parametrize("given", ["0", "-3", "nan", "inf", "1:2", "3h", "", "00:00:00:00"])
def test_times_that_are_none(given: str) -> None:
    with pytest.raises(UserError, match=r"loop\.max_time=.*: must be seconds or days:hours:minutes:seconds"):
        LoopConfig(max_time=given)


def test_the_rate_rises_by_steps_and_falls_by_the_clock() -> None:
    class Bare(Stage):
        def step_loss(self, batch):
            raise NotImplementedError

        def sounds(self, count, seconds):
            return []

    progress = 0.0
    stage = Bare(OptimizerConfig(schedule="cosine", warmup=3), max_steps=None)
    stage.begin_at(0, files=1, time_progress=lambda: progress)
    assert [stage.rate_share(step) for step in range(5)] == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0])
    progress = 0.5
    assert stage.rate_share(99) == pytest.approx(0.51)
    progress = 1.0
    assert stage.rate_share(99) == pytest.approx(0.02)


def test_a_cosine_over_time_ends_with_the_time(tmp_path, make_settings) -> None:
    changes = {"max_steps": None, "max_time": "1", "schedule": "cosine"}
    assert train(make_settings("latent-diffusion", tmp_path, **changes)) == 0
    saved = read_checkpoint(saved_checkpoints(tmp_path / "checkpoints")[-1])
    assert saved["global_step"] >= 1 and saved["callbacks"]["TimeLimit"]["elapsed"] >= 1
