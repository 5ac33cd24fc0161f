"""A run that is moved along with what it began from goes on and is exported; settings of the machine come first."""

import shutil
from dataclasses import replace

import pytest

from mousai import Mousai, UserError
from mousai.cli import main
from mousai.storage.folders import describe
from mousai.storage.weights import load_config
from mousai.training.export import export_run
from mousai.training.run import train
from mousai.training.run_paths import found_path, relative_paths, with_paths_of


def test_a_moved_run_goes_on_and_is_exported(tmp_path, make_settings, saved_model, monkeypatch):
    shutil.copytree(saved_model, tmp_path / "here" / "base")

    def settings(project, steps):
        base = str(project / "base")
        made = make_settings("latent-diffusion", project / "run", max_steps=steps)
        return replace(made, start_from=base, autoencoder=base)

    assert train(settings(tmp_path / "here", 1)) == 0
    (tmp_path / "here").rename(tmp_path / "there")
    run = tmp_path / "there" / "run"
    assert export_run(run, tmp_path / "model")
    assert Mousai.from_pretrained(tmp_path / "model", device="cpu", dtype="float32").sample_rate == 48000
    assert train(settings(tmp_path / "there", 2)) == 0
    assert load_config(run / "config.json")["start_from"] == str(tmp_path / "there" / "base")
    # The run alone, by a path through a link.
    (tmp_path / "link").symlink_to(tmp_path / "there")
    run.rename(tmp_path / "alone")
    moved = replace(settings(tmp_path / "link", 3), out=str(tmp_path / "alone"))
    assert train(moved) == 0
    assert export_run(tmp_path / "alone", tmp_path / "model-2")
    # Another model than it began from is another setting still.
    shutil.copytree(saved_model, tmp_path / "other")
    with pytest.raises(UserError, match="start_from"):
        train(replace(moved, start_from=str(tmp_path / "other")))


def test_an_export_over_the_model_that_one_stands_in(run_of_a_step, tmp_path, monkeypatch, capsys):
    model = tmp_path / "model"
    assert main(["export", str(run_of_a_step), "-o", str(model)]) == 0
    (model / "notes.txt").write_text("mine")
    monkeypatch.chdir(model)
    assert main(["export", str(run_of_a_step), "-o", ".", "--overwrite", "--about", "new"]) == 0
    assert "cd . enters it" in capsys.readouterr().out
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to("model")
    assert describe(model).about == "new" and (model / "notes.txt").read_text() == "mine"
    assert main(["export", str(run_of_a_step), "-o", "link", "--overwrite", "--about", "newer"]) == 0
    assert describe(model).about == "newer" and (tmp_path / "link").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "model"]


def test_paths_are_found_again(tmp_path):
    for name in ("a/base", "a/run", "b/base", "b/run", "other"):
        (tmp_path / name).mkdir(parents=True)
    values = {"start_from": str(tmp_path / "a" / "base"), "autoencoder": "bundled", "model": "tiny", "text": None}
    stored = {**values, "relative": relative_paths(values, tmp_path / "a" / "run")}
    assert stored["relative"] == {"start_from": "../base"}
    assert found_path(stored, "start_from", tmp_path / "b" / "run") == str(tmp_path / "b" / "base")
    assert found_path(stored, "autoencoder", tmp_path / "b" / "run") == "bundled"
    for now, same in ((tmp_path / "b" / "base", True), (tmp_path / "a" / "base", True), (tmp_path / "other", False)):
        given = {**values, "start_from": str(now)}
        assert (with_paths_of(stored, given, tmp_path / "b" / "run")["start_from"] == str(now)) is same
    given = {**values, "start_from": None}
    assert with_paths_of(stored, given, tmp_path / "b" / "run")["start_from"] == values["start_from"]
    given = {**values, "autoencoder": str(tmp_path / "other")}
    assert with_paths_of(stored, given, tmp_path / "b" / "run")["autoencoder"] == "bundled"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"device": "cuda:99"}, "device"),
        ({"device": "gpu"}, "device"),
        ({"strategy": "nonsense"}, "loop.strategy"),
        ({"strategy": "ddp_nonsense"}, "loop.strategy"),
    ],
)
def test_a_machine_that_is_not_there_is_refused_first(tmp_path, make_settings, monkeypatch, changes, field):
    monkeypatch.setattr("mousai.training.run.build", lambda *_, **__: pytest.fail("songs were read"))
    with pytest.raises(UserError) as caught:
        train(make_settings("latent-diffusion", tmp_path / "run", **changes))
    assert caught.value.field == field and "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()
