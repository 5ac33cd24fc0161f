"""A run that was interrupted and gone on with is, bit for bit, the run that was not."""

from pathlib import Path
from typing import Any

import pytest
import torch

from mousai import UserError
from mousai.training.checkpoint_files import read_checkpoint, saved_checkpoints
from mousai.training.config import TimestepSampling
from mousai.training.run import train


def state(run: Path) -> dict[str, Any]:
    return read_checkpoint(saved_checkpoints(run / "checkpoints")[-1])


def assert_same(one: Any, other: Any, where: str = "") -> None:
    assert type(one) is type(other), where
    if isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            assert_same(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), where
        for index, (a, b) in enumerate(zip(one, other, strict=True)):
            assert_same(a, b, f"{where}[{index}]")
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other), where
    else:
        assert one == other, where


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("stage", ["autoencoder", "latent-diffusion"])
def test_steps_in_two_runs_are_the_steps_of_one(stage, workers, tmp_path, make_settings):
    settings = (
        dict(workers=workers, accumulate=2, warmup=3, latent_noise=0.02)
        if stage == "autoencoder"
        else dict(workers=workers, accumulate=2, warmup=3)
    )
    assert train(make_settings(stage, tmp_path / "whole", max_steps=5, **settings)) == 0
    for steps in (2, 3, 5):
        assert train(make_settings(stage, tmp_path / "parts", max_steps=steps, **settings)) == 0
    whole, parts = state(tmp_path / "whole"), state(tmp_path / "parts")
    assert whole["global_step"] == parts["global_step"] == 5
    assert whole["items_seen"] == parts["items_seen"] == 5 * 2 * 2
    for key in ("state_dict", "optimizer_states", "lr_schedulers"):
        assert_same(whole[key], parts[key], key)
    assert_same(whole["callbacks"]["EMA"], parts["callbacks"]["EMA"], "EMA")
    # ... and it was trained at all.
    first = read_checkpoint(tmp_path / "parts" / "checkpoints" / "step-000000003.ckpt")["state_dict"]
    assert any(not torch.equal(first[key], whole["state_dict"][key]) for key in first)


def test_a_run_goes_on_only_with_what_it_was_begun_with(tmp_path, make_settings):
    train(make_settings("latent-diffusion", tmp_path, max_steps=1))
    with pytest.raises(UserError, match=r"optimizer\.learning_rate: 0\.001 in the run, 0\.002 given"):
        train(make_settings("latent-diffusion", tmp_path, max_steps=2, learning_rate=0.002))
    with pytest.raises(UserError, match=r"crops\.frames: 16 in the run, 8 given"):
        train(make_settings("latent-diffusion", tmp_path, max_steps=2, frames=8))
    assert train(make_settings("latent-diffusion", tmp_path, max_steps=2, every_steps=1, batch=3)) == 0


@pytest.mark.parametrize("stage", ["autoencoder", "latent-diffusion"])
def test_a_run_from_before_there_was_a_setting_goes_on_with_its_default(stage, tmp_path, make_settings):
    import json

    def without(values: Any, names: tuple[str, ...]) -> Any:
        if isinstance(values, dict):
            return {key: without(value, names) for key, value in values.items() if key not in names}
        return [without(value, names) for value in values] if isinstance(values, list) else values

    train(make_settings(stage, tmp_path, max_steps=1))
    for name, later in (
        ("config.json", ("times", "pair_by", "attack_weight", "controls")),
        ("model.json", ("global_features", "global_hidden", "controls")),
    ):
        stored = json.loads((tmp_path / name).read_text())
        older = without(stored, later)
        assert older != stored
        (tmp_path / name).write_text(json.dumps(older))
    with pytest.raises(UserError, match=r"crops\.times\.kind: 'uniform' in the run, 'logit_normal' given"):
        train(make_settings(stage, tmp_path, max_steps=2, times=TimestepSampling(kind="logit_normal")))
    assert train(make_settings(stage, tmp_path, max_steps=2)) == 0


def test_a_changed_model_is_refused_field_by_field(tmp_path, make_settings, model_copy):
    import json

    train(make_settings("latent-diffusion", tmp_path, max_steps=1, start_from=str(model_copy)))
    path = model_copy / "latent_diffusion" / "config.json"
    config = json.loads(path.read_text())
    config["latent_std"] = 0.75
    path.write_text(json.dumps(config))
    with pytest.raises(
        UserError, match=r"model\.json: the run was begun otherwise \(latent_std: 0\.5 in the run, 0\.75 g"
    ):
        train(make_settings("latent-diffusion", tmp_path, max_steps=2, start_from=str(model_copy)))


def test_a_finished_run_says_so(tmp_path, make_settings, capsys):
    train(make_settings("latent-diffusion", tmp_path, max_steps=1))
    capsys.readouterr()
    assert train(make_settings("latent-diffusion", tmp_path, max_steps=1)) == 0
    assert "has made 1 steps already; give a higher --loop.max_steps" in capsys.readouterr().err


def test_a_run_whose_rate_has_fallen_is_trained_on_as_a_new_one(tmp_path, make_settings, capsys):
    settings = make_settings("latent-diffusion", tmp_path, max_steps=1, optimizer={"schedule": "cosine"})
    train(settings)
    capsys.readouterr()
    assert train(settings) == 0
    told = capsys.readouterr().err
    assert f"has made 1 steps already; to train on, export it (`mousai export {tmp_path} -o MODEL`)" in told
    assert "--from MODEL" in told and "--loop.max_steps" not in told


def test_a_broken_newest_checkpoint_falls_back_loudly(tmp_path, make_settings, capsys):
    train(make_settings("latent-diffusion", tmp_path, max_steps=3, every_steps=1))
    newest = saved_checkpoints(tmp_path / "checkpoints")[-1]
    newest.write_bytes(newest.read_bytes()[:1000])
    assert train(make_settings("latent-diffusion", tmp_path, max_steps=4, every_steps=1)) == 0
    said = capsys.readouterr().err
    assert "step-000000003.ckpt cannot be read" in said and "goes on from step 2" in said
    for path in saved_checkpoints(tmp_path / "checkpoints"):
        path.write_bytes(b"x")
    with pytest.raises(UserError, match="none of its 2 checkpoints can be read"):
        train(make_settings("latent-diffusion", tmp_path, max_steps=5))
