"""`mousai train` as it is typed: keys, recipes, mistakes."""

from pathlib import Path

import pytest

from mousai import UserError
from mousai.cli import main
from mousai.cli.train import RECIPES, STAGES, read_config, recipe_names
from mousai.storage.folders import BUNDLED, describe
from mousai.training import config as configs

BASE = ["--data", "songs", "--out", "run"]


RECIPES_OF = {
    "autoencoder": ["paper", "small", "tiny"],
    "latent-diffusion": ["controls", "distill", "paper", "small", "tiny"],
    "text-encoder": ["tiny"],
}


@pytest.mark.parametrize("stage", STAGES)
def test_every_recipe_can_be_read(stage, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert recipe_names(stage) == RECIPES_OF[stage]
    for name in RECIPES_OF[stage]:
        given = {
            ("autoencoder", "small"): ["--from", "model"],
            ("latent-diffusion", "distill"): ["--distill-from", "model"],
        }
        settings = read_config(stage, ["--config", name, *BASE, *given.get((stage, name), [])])
        assert settings.data == "songs" and settings.loop.max_steps
    with pytest.raises(UserError, match=f"no such file; give one, or a recipe: {', '.join(RECIPES_OF[stage])}$"):
        read_config(stage, ["--config", "nonesuch", *BASE])


def test_there_are_no_other_recipes_and_all_stages_have_some():
    assert {path.name for path in RECIPES.iterdir()} == {f"{s}-{n}.yaml" for s in STAGES for n in RECIPES_OF[s]}
    assert tuple(configs.STAGES) == STAGES


def test_the_papers_settings_are_those_of_the_paper():
    stage_1 = read_config("autoencoder", ["--config", "paper", *BASE])
    stage_2 = read_config("latent-diffusion", ["--config", "paper", *BASE])
    for settings in (stage_1, stage_2):
        optimizer = settings.optimizer
        assert (optimizer.learning_rate, optimizer.betas, optimizer.eps) == (1e-4, (0.95, 0.999), 1e-6)
        assert optimizer.weight_decay == 1e-3 and optimizer.schedule == "constant"
        assert (settings.ema.beta, settings.ema.power, settings.loop.batch) == (0.995, 0.7, 32)
        assert settings.model == "paper"
    assert stage_1.crops.samples == 2**18
    assert (
        stage_2.crops.frames * 1024 == 2**21 and stage_2.crops.place == "fixed" and stage_2.crops.cond_drop_prob == 0.1
    )


def test_a_key_counts_more_than_the_file(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("data: songs\nloop:\n  batch: 3\n  max_steps: 7\noptimizer:\n  betas: [0.5, 0.9]\n")
    settings = read_config("latent-diffusion", ["--config", str(file), "--out", "run", "--loop.batch", "5"])
    assert (settings.loop.batch, settings.loop.max_steps, settings.optimizer.betas) == (5, 7, (0.5, 0.9))


def test_print_config_explains_every_key(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["train", "latent-diffusion", "--print-config"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    keys = [line.strip() for line in said.splitlines() if ":" in line and not line.strip().startswith(("#", "-"))]
    comments = [line for line in said.splitlines() if line.strip().startswith("#")]
    assert len(keys) > 40 and len(comments) >= len(keys)
    for text in ("largest norm of the gradient", "chance that an item is trained without its caption", "of the hub"):
        assert text in said


MISTAKES = [
    (["--loop.max_stepz", "3"], "loop.max_stepz='3': no such key; did you mean 'loop.max_steps'?"),
    # The beginning of a key is none.
    (["--loop.max_step", "3"], "loop.max_step='3': no such key; did you mean 'loop.max_steps'?"),
    (["--loop.max_steps", "many"], "loop.max_steps='many': must be a whole number"),
    (["--loop.batch", "0", "--loop.max_steps", "3"], "loop.batch=0: must be 1 or more"),
    ([], "loop.max_steps: say how long to train"),
    (["--loop.max_time", "3h"], "loop.max_time='3h': must be seconds or days:hours:minutes:seconds"),
    (["--config", "huge"], "--config huge: no such file; give one, or a recipe: controls, distill, paper, small, tiny"),
    (["--optimizer.learning_rate", "-1", "--loop.max_steps", "3"], "optimizer.learning_rate=-1: must be above 0"),
    (["--loop.max_steps", "3"], "songs: no such folder"),
    (["--loop.max_steps", "3", "--from", "nowhere"], "--from nowhere: no such folder"),
    (["--loop.max_steps", "3", "--model", "huge"], "model='huge': must be tiny, paper, or the path of a config.json"),
    (["--loop.max_steps", "3", "--text", "google-t5/t5-base", "--model", "paper"], "the autoencoder bundled has 128"),
    (
        ["--loop.max_steps", "3", "--loop.strategy", "deepspeed"],
        "loop.strategy='deepspeed': its average could not",
    ),
    (["--loop.max_steps", "3", "--loop.strategy", "fsdp", "--loop.compile", "true"], "loop.compile=True: does not go"),
    (["--crops.place", "here"], "crops.place='here': must be one of random, fixed"),
    (
        ["--logging.logger", "wandb", "--loop.max_steps", "1", "--data", "SONGS"],
        "logging.logger='wandb': is not inst",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES)
def test_a_mistake_is_one_line(arguments, message, tmp_path, monkeypatch, capsys, songs, saved_model):
    monkeypatch.chdir(tmp_path)
    arguments = [str(songs) if word == "SONGS" else word for word in arguments]
    if "wandb" in arguments:
        arguments += ["--from", str(saved_model), "--autoencoder", str(saved_model), "--crops.frames", "16"]
    assert main(["train", "latent-diffusion", *BASE, *arguments]) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("mousai: error")]
    assert len(said) == 1 and message in said[0]


@pytest.mark.parametrize(
    ("file", "arguments", "line"),
    [
        ("loop: {batch: few}", [], "loop.batch='few': must be a whole number"),
        ("loop: {batchs: 3}", [], "loop.batchs=3: no such key; did you mean 'loop.batch'?"),
        ("crops: {times: {kind: 3}}", [], "crops.times.kind=3: must be one of uniform, logit_normal"),
        ("loop: 3", [], "loop=3: no such key"),
        ("- 3", [], "mine.yaml: must hold keys and their values, found list"),
        ("loop: {", [], "mine.yaml: is not YAML: "),
        ("loop: {batch: 3}", ["--loop", "{max_steps: x}"], "loop.max_steps='x': must be a whole number"),
        ("loop: {batch: 3}", ["--optimizer.betas", "x"], "optimizer.betas='x': must be a list"),
        ("loop: {batch: 3}", ["--crops.augment=x", "--loop.batch=4"], "crops.augment='x': "),
    ],
)
def test_a_mistake_in_a_file_or_a_group_names_its_key(file, arguments, line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(file)
    with pytest.raises(UserError) as caught:
        read_config("latent-diffusion", ["--config", "mine.yaml", *BASE, *arguments])
    assert str(caught.value).startswith(line)


def test_bundled_is_the_bundled_model_also_beside_a_folder_of_that_name(tmp_path, monkeypatch, songs):
    (tmp_path / "bundled").mkdir()
    monkeypatch.chdir(tmp_path)
    short = ["--loop.max_steps", "1", "--loop.batch", "1", "--loop.workers", "0", "--crops.frames", "16"]
    quiet = ["--logging.logger", "csv", "--logging.listen_every", "0", "--logging.validate_every", "0"]
    begun = ["--config", "tiny", "--data", str(songs), "--out", "run", "--from", "bundled"]
    assert main(["train", "latent-diffusion", *begun, *short, *quiet]) == 0
    monkeypatch.chdir(songs)
    assert main(["export", str(tmp_path / "run"), "-o", str(tmp_path / "mine")]) == 0
    assert describe(tmp_path / "mine").autoencoder == describe(BUNDLED).autoencoder


def test_the_folder_of_a_run_holds_nothing_else(tmp_path, make_settings):
    from mousai.training.run import train

    (tmp_path / "thesis.doc").write_text("")
    with pytest.raises(UserError, match=r"holds thesis\.doc, and no run"):
        train(make_settings("latent-diffusion", tmp_path))
    with pytest.raises(UserError, match="is a file; give a folder"):
        train(make_settings("latent-diffusion", tmp_path / "thesis.doc"))


def test_a_phase_that_does_not_fit_the_model_is_refused(tmp_path, make_settings):
    from mousai.training.run import train

    with pytest.raises(UserError, match="phase='all': a model with a prior is trained by phase=latent and then"):
        train(make_settings("autoencoder", tmp_path, phase="all"))
    with pytest.raises(
        UserError, match=r"attack_weight=0\.5: is for phase=latent and phase=magnitudes; a model without a prior"
    ):
        make_settings("autoencoder", tmp_path, phase="all", attack_weight=0.5)
    for phase in ("magnitudes", "decoder"):
        with pytest.raises(UserError, match=f"phase='{phase}': needs --from, the model that phase=latent made"):
            make_settings("autoencoder", tmp_path, phase=phase, start_from=None)
    with pytest.raises(UserError, match=r"attack_weight=-1: must be 0 or more"):
        make_settings("autoencoder", tmp_path, attack_weight=-1)


def test_a_cpu_that_is_slow_in_bfloat16_is_told_of(tmp_path, make_settings, monkeypatch, capsys):
    from mousai.training.run import train

    monkeypatch.setattr("mousai.training.machine.bfloat16_gain", lambda device: 0.1)
    train(make_settings("latent-diffusion", tmp_path / "slow", max_steps=1, precision="bf16-mixed"))
    assert "bf16-mixed: this CPU multiplies 0.1 times as fast in bfloat16" in capsys.readouterr().err
    monkeypatch.setattr("mousai.training.machine.bfloat16_gain", lambda device: 2.0)
    train(make_settings("latent-diffusion", tmp_path / "fast", max_steps=1, precision="bf16-mixed"))
    assert "this CPU" not in capsys.readouterr().err


def test_exporting_what_is_no_run_is_refused(tmp_path, saved_model, capsys):
    for source, message in ((tmp_path, "is no folder of a run"), (saved_model, "is a model; say in which --layout")):
        assert main(["export", str(source), "-o", str(tmp_path / "out")]) == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            ["--set", "guidance=4"],
            "guidance=4: must be NAME=VALUE, the name one of num_inference_steps, guidance_scale",
        ),
        (["--set", "guidance_scale=much"], "guidance_scale='much': must be a number"),
        (["--set", "decoder_steps=2.5"], "decoder_steps='2.5': must be a whole number"),
        (["--set", "guidance_scale=1000"], "guidance_scale=1000: must be 0 to 100"),
        (["--about", "x", "-o", "adapter.safetensors"], "--about: is for a run that becomes a model folder"),
        (["--part", "autoencoder"], "--part: is for a model, beside --layout audio-diffusion-pytorch"),
        (["--compact"], "--compact: is for a model, beside --layout audio-diffusion-pytorch"),
    ],
)
def test_exporting_with_impossible_settings_is_refused(more, message, run_of_a_step, tmp_path, capsys):
    assert main(["export", str(run_of_a_step), "-o", str(tmp_path / "out"), *more]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
