"""A run that gives a model controls: from an older model, exact when resumed, exported and used."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from mousai import Mousai, UserError
from mousai.conditioning.attribute_signal import ATTRIBUTE_CHANNELS
from mousai.conditioning.vocabulary import VOCABULARY, load_vocabulary
from mousai.diffusion.config import LatentDiffusionConfig
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.storage.folders import latent_diffusion_config
from mousai.training.checkpoint_files import read_checkpoint, saved_checkpoints
from mousai.training.config import AdapterConfig, ControlConfig
from mousai.training.export import export_run
from mousai.training.run import train
from unet1d import Level, UNet1dConfig

ALL = ControlConfig(channels=("chords", "melody", "section", "known"), known_share=1.0)


@pytest.fixture(scope="module")
def clocked_model(saved_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model in miniature, whose stage 2 reads tempo, key and lead, and whose captions had two words."""
    folder = tmp_path_factory.mktemp("clocked") / "model"
    pipe = Mousai.from_pretrained(saved_model, dtype="float32")
    config = LatentDiffusionConfig(
        net=UNet1dConfig(
            in_channels=8,
            levels=(Level(channels=16, cross_attention=True, inject_channels=ATTRIBUTE_CHANNELS),),
            context_features=32,
            attention_heads=2,
            attention_head_features=8,
            modulation_features=16,
        ),
        latent_std=0.5,
        frame_rate=pipe.autoencoder.config.latent_rate,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        generator = LatentDiffusion(config).eval()
    pipe.text_encoder.vocabulary = frozenset({"zither", "piano"})
    Mousai(pipe.text_encoder, generator, pipe.autoencoder, defaults=pipe.defaults).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def annotated(songs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The songs with chords, and the first of them with a melody in a file of its own."""
    folder = tmp_path_factory.mktemp("annotated") / "songs"
    shutil.copytree(songs, folder)
    (folder / "0.jams").write_text(
        json.dumps({"annotations": [{"namespace": "note_midi", "data": [{"time": 0.1, "duration": 0.5, "value": 60}]}]})
    )
    rows = [
        {"file_name": path.name, "caption": "a calm song", "chords": [[0.0, 0.7, "A:min"], [0.7, 1.5, "F"]]}
        for path in sorted(folder.glob("*.wav"))
    ]
    rows[0]["files"] = {"jams": "0.jams"}
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def given(make_settings: Any, out: Path, model: Path, data: Path, **more: Any) -> Any:
    settings = {"start_from": str(model), "autoencoder": str(model), "data": str(data), "controls": ALL, **more}
    return make_settings("latent-diffusion", out, **settings)


@pytest.mark.slow
def test_steps_in_two_runs_are_the_steps_of_one_and_the_model_has_the_controls(
    tmp_path: Path, make_settings: Any, clocked_model: Path, annotated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(given(make_settings, tmp_path / "whole", clocked_model, annotated, max_steps=3)) == 0
    assert "controls: chords of 6, melody of 1, sections of 0 of 6 songs" in capsys.readouterr().err
    for steps in (1, 3):
        assert train(given(make_settings, tmp_path / "parts", clocked_model, annotated, max_steps=steps)) == 0
    whole, parts = (
        read_checkpoint(saved_checkpoints(tmp_path / name / "checkpoints")[-1])["state_dict"]
        for name in ("whole", "parts")
    )
    assert whole.keys() == parts.keys() and all(torch.equal(whole[key], parts[key]) for key in whole)
    with pytest.raises(UserError, match=r"controls\.known_share: 1\.0 in the run, 0\.5 given"):
        other = ControlConfig(channels=ALL.channels)
        train(given(make_settings, tmp_path / "parts", clocked_model, annotated, max_steps=4, controls=other))
    export_run(tmp_path / "whole", tmp_path / "model")
    sizes = latent_diffusion_config(tmp_path / "model")
    assert sizes.controls == ALL.channels
    pipe = Mousai.from_pretrained(tmp_path / "model", dtype="float32")
    assert {"calm", "zither", "piano"} <= pipe.text_encoder.vocabulary and pipe.text_encoder.strange("qoodip vlemm")
    assert pipe.text_encoder.vocabulary == load_vocabulary(tmp_path / "whole" / VOCABULARY)
    merge = pipe.latent_diffusion.net.state_dict()
    new = next(weight for key, weight in merge.items() if key.endswith("injection.merge.weight"))[:, -9:]
    assert float(new.abs().sum()) > 0  # the known part was learned from
    # A model that has the controls keeps them without their being named again.
    again = given(
        make_settings, tmp_path / "again", tmp_path / "model", annotated, max_steps=1, controls=ControlConfig()
    )
    assert train(again) == 0
    assert LatentDiffusionConfig.from_dict(json.loads((tmp_path / "again" / "model.json").read_text())) == sizes


def test_a_run_begins_at_the_older_models_loss(
    tmp_path: Path, make_settings: Any, clocked_model: Path, annotated: Path
) -> None:
    """The first step's loss is the same with a new control, which is told, as without it."""
    chords = ControlConfig(channels=("chords",))
    for name, controls in (("older", ControlConfig()), ("wider", chords)):
        train(given(make_settings, tmp_path / name, clocked_model, annotated, max_steps=1, controls=controls))
    losses = [
        read_checkpoint(saved_checkpoints(tmp_path / n / "checkpoints")[-1])["figures"]["loss"]
        for n in ("older", "wider")
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_bad_rows_and_models_without_a_clock_are_refused(
    tmp_path: Path, make_settings: Any, clocked_model: Path, saved_model: Path, annotated: Path
) -> None:
    with pytest.raises(UserError, match=r"controls\.channels=.*: need a model that reads tempo, key and lead"):
        train(given(make_settings, tmp_path / "a", saved_model, annotated, max_steps=1))
    with pytest.raises(UserError, match=r"lora\.rank=4: trains no new channels"):
        given(make_settings, tmp_path / "b", clocked_model, annotated, lora=AdapterConfig(rank=4))
    broken = tmp_path / "songs"
    shutil.copytree(annotated, broken)
    table = (broken / "metadata.jsonl").read_text()
    (broken / "metadata.jsonl").write_text(table.replace("A:min", "H:moll"))
    with pytest.raises(UserError, match=r"0\.wav: its metadata: chords=.*'H:moll'"):
        train(given(make_settings, tmp_path / "c", clocked_model, broken, max_steps=1))


def test_only_what_reads_the_controls_is_trained_and_without_them_the_music_stays_to_the_bit(
    tmp_path: Path, make_settings: Any, clocked_model: Path, annotated: Path
) -> None:
    controls = ControlConfig(
        channels=("chords", "melody", "section"), known_share=0.0, controls_dropout=0.0, train_only=True
    )
    words = {"controls": controls, "learning_rate": 1e-2, "weight_decay": 0.0, "max_steps": 3}
    assert train(given(make_settings, tmp_path / "run", clocked_model, annotated, **words)) == 0
    export_run(tmp_path / "run", tmp_path / "model", overwrite=False)
    before, after = (Mousai.from_pretrained(folder, dtype="float32") for folder in (clocked_model, tmp_path / "model"))
    old, new = before.latent_diffusion.state_dict(), after.latent_diffusion.state_dict()
    changed = {name for name in old if not torch.equal(old[name], new[name][..., : old[name].shape[-1]])}
    wider = {name for name in old if old[name].shape != new[name].shape}
    assert not changed and wider and all(name.endswith("injection.merge.weight") for name in wider)
    assert all(new[name][:, old[name].shape[1] :].abs().max() > 1e-4 for name in wider)
    assert all(
        torch.equal(one, after.text_encoder.state_dict()[name])
        for name, one in before.text_encoder.state_dict().items()
    )
    call = {"duration": 0.5, "num_inference_steps": 2, "seed": 1, "exact": True}
    one, other = (pipe("calm piano, 100 bpm", **call).audios for pipe in (before, after))
    assert torch.equal(one, other)
    assert not torch.allclose(after("calm piano, 100 bpm", chords="Am", **call).audios, one, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"start_from": None}, "controls.train_only=True: adds to a trained model; name it by --from"),
        ({"weight_decay": 0.1}, "optimizer.weight_decay=0.1: would pull at weights"),
        ({"cuda_graph": True}, "loop.cuda_graph=True: does not go with controls.train_only"),
        ({"strategy": "fsdp"}, "loop.strategy='fsdp': splits weights"),
    ],
)
def test_what_does_not_go_with_training_the_controls_alone_is_refused(
    tmp_path: Path, make_settings: Any, clocked_model: Path, annotated: Path, change: Any, message: str
) -> None:
    settings = {
        "controls": ControlConfig(channels=("chords",), train_only=True),
        "weight_decay": 0.0,
        **change,
    }
    with pytest.raises(UserError) as raised:
        given(make_settings, tmp_path / "run", clocked_model, annotated, **settings)
    assert str(raised.value).startswith(message)


def test_controls_alone_need_channels() -> None:
    with pytest.raises(UserError, match=r"controls\.train_only=True: needs controls\.channels"):
        ControlConfig(train_only=True)
