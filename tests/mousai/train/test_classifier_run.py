"""A classifier of latents, trained by the command and chosen by in the model that it becomes part of."""

from dataclasses import replace

import pytest

from mousai.checkpoint import save_config
from mousai.cli import main
from mousai.errors import UserError
from mousai.folders import describe
from mousai.latent_classifier_config import LatentClassifierConfig
from mousai.pipeline import Mousai
from mousai.training.assembly import assemble
from mousai.training.checkpoints import saved_checkpoints
from mousai.training.export import export_run
from mousai.training.run import train

from .test_learning import losses, table


def test_from_songs_to_a_model_that_chooses(tmp_path, make_settings, saved_model, capsys):
    run, model = tmp_path / "run", tmp_path / "model"
    train(make_settings("classifier", run, batch=4, max_steps=60, learning_rate=3e-3))
    told = {key for row in table(run) for key, value in row.items() if value}
    assert {"loss", "loss/text", "loss/lead", "loss/key", "samples per second"} <= told
    assert sum(losses(run)[-10:]) < 0.9 * sum(losses(run)[:10])
    export_run(run, model, settings=["num_candidates=2"])
    described = describe(model)
    assert described.parts[-1] == "classifier" and described.defaults.num_candidates == 2
    made = Mousai.from_pretrained(model, dtype="float32")
    before = Mousai.from_pretrained(saved_model, dtype="float32")
    seeded = {"duration": 0.2, "seed": 1}
    one = before("slow jazz", **seeded).audios
    assert (made("slow jazz", num_candidates=1, **seeded).audios == one).all()
    capsys.readouterr()
    command = ["generate", "slow jazz", "--model", str(model), "--duration", "0.2", "--seed", "1", "-o"]
    assert main([*command, str(tmp_path / "two.wav")]) == 0
    assert "step 6 of 6" in capsys.readouterr().err  # two times three
    assert main(["info", str(tmp_path / "two.wav")]) == 0
    assert "--candidates 2" in capsys.readouterr().out
    assert main(["info", str(model)]) == 0
    said = capsys.readouterr().out
    assert "classifier:" in said and "--candidates 2" in said
    assert main(["generate", "jazz", "--model", str(saved_model), "--candidates", "2", "-o", str(tmp_path / "no.wav")])
    assert "--candidates 2: this model has no classifier; train one" in capsys.readouterr().err
    assert not (tmp_path / "no.wav").exists()


def test_a_run_goes_on_and_a_classifier_is_trained_further(tmp_path, make_settings):
    run = tmp_path / "run"
    train(make_settings("classifier", run, max_steps=2))
    train(make_settings("classifier", run, max_steps=3))
    assert saved_checkpoints(run / "checkpoints")[-1].name == "step-000000003.ckpt"
    export_run(run, tmp_path / "model")
    again = make_settings("classifier", tmp_path / "more", start_from=str(tmp_path / "model"))
    held = Mousai.from_pretrained(tmp_path / "model", dtype="float32").classifier
    begun = dict(assemble(again, fresh=True).stage.model.named_parameters())
    assert held is not None and all((begun[name] == weight).all() for name, weight in held.named_parameters())
    # And a generator that is trained further keeps it.
    train(make_settings("generator", tmp_path / "generator", start_from=str(tmp_path / "model"), max_steps=1))
    export_run(tmp_path / "generator", tmp_path / "both")
    assert describe(tmp_path / "both").parts[-1] == "classifier"


def test_mistakes_are_told_before_songs_are_encoded(tmp_path, make_settings, saved_model):
    settings = make_settings("classifier", tmp_path / "run")
    with pytest.raises(UserError, match="start_from: a classifier is of a model; name it by --from"):
        replace(settings, start_from=None)
    with pytest.raises(UserError, match=r"loop.batch=1: must be 2 or more; captions are told apart within a batch"):
        make_settings("classifier", tmp_path / "run", batch=1)
    for model in ("paper", "huge"):
        with pytest.raises(UserError, match=f"model={model}: must be tiny, or the path of a config.json"):
            train(replace(settings, model=model))
    sizes = LatentClassifierConfig(latent_channels=4, vocabulary=10)
    save_config(tmp_path / "sizes.json", sizes.to_dict())
    with pytest.raises(UserError, match=r"sizes.json: reads 4 latent channels and 10 tokens, .*miniature has 8 and"):
        train(replace(settings, model=str(tmp_path / "sizes.json")))
    assert not (tmp_path / "run" / "latents").exists()
