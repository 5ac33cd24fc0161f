"""Distillation of stage 2: the student begins as its teacher, learns guidance, and is sampled in one branch."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mousai import Mousai, SamplingConfig, UserError
from mousai.conditioning.attribute_signal import ATTRIBUTE_CHANNELS, GLOBAL_CHANNELS
from mousai.conditioning.attributes import parse_attributes
from mousai.conditioning.conditioning import Conditioning
from mousai.conditioning.text import T5TextEncoder
from mousai.diffusion.guided_net import guided_net
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.diffusion.widening import with_guidance_inputs, without_guidance_inputs
from mousai.storage.folders import describe, load_latent_diffusion
from mousai.storage.weights import save_module
from mousai.training.checkpoint_files import read_checkpoint, saved_checkpoints
from mousai.training.config import AdapterConfig, ControlConfig, DistillationConfig, TimestepSampling, TrainingConfig
from mousai.training.export import export_adapter, export_run
from mousai.training.run import train
from vdiffusion import Guidance, NoiseSource


@pytest.fixture(scope="module")
def teacher(saved_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model in miniature with tempo, key, lead and a global condition, whose weights say something everywhere."""
    pipe = Mousai.from_pretrained(saved_model, dtype="float32", device="cpu")
    plain = pipe.latent_diffusion.config
    first, *deeper = plain.net.levels
    net = replace(
        plain.net,
        levels=(replace(first, inject_channels=ATTRIBUTE_CHANNELS), *deeper),
        global_features=plain.net.context_features + GLOBAL_CHANNELS,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = LatentDiffusion(replace(plain, net=net, frame_rate=pipe.autoencoder.config.latent_rate)).eval()
        for weight in model.parameters():  # none stays at zero
            torch.nn.init.normal_(weight, std=0.15)
    folder = tmp_path_factory.mktemp("teacher") / "model"
    Mousai(pipe.text_encoder, model, pipe.autoencoder, defaults=pipe.defaults).save_pretrained(folder)
    return folder


def conditions(pipe: Mousai, prompt: str = "calm piano pop, C major") -> Conditioning:
    return Conditioning(frames=12, text=pipe.text_encoder([prompt]), attributes=[parse_attributes(prompt)])


def test_a_student_says_at_first_what_its_teacher_says_whatever_the_scales(teacher: Path):
    pipe = Mousai.from_pretrained(teacher, dtype="float32", device="cpu")
    student = with_guidance_inputs(pipe.latent_diffusion)
    assert student.reads_guidance and not pipe.latent_diffusion.reads_guidance
    assert with_guidance_inputs(student) is student
    cond, x, t = conditions(pipe), torch.randn(1, 8, 12), torch.tensor([0.6])
    with torch.no_grad():
        before = pipe.latent_diffusion.denoise(x, t, **pipe.latent_diffusion.net_conditions(cond, 1))
        for scales in ((1.0, 0.0), (4.0, 2.0)):
            said = student.denoise(x, t, **student.net_conditions(cond, 1, scales=scales))
            assert torch.allclose(said, before, atol=1e-5)  # a wider matrix product rounds otherwise


def test_without_its_scales_a_student_is_what_it_is_with_no_guidance(teacher: Path):
    pipe = Mousai.from_pretrained(teacher, dtype="float32", device="cpu")
    assert without_guidance_inputs(pipe.latent_diffusion) is pipe.latent_diffusion
    student, cond = with_guidance_inputs(pipe.latent_diffusion), conditions(pipe)
    with torch.no_grad():
        student.net.global_embedding.project.weight[:, -2:] = 1.0
        plain = without_guidance_inputs(student)
        assert not plain.reads_guidance and plain.config == pipe.latent_diffusion.config
        x, t = torch.randn(1, 8, 12), torch.tensor([0.6])
        said = [model.denoise(x, t, **model.net_conditions(cond, 1)) for model in (plain, student)]
    assert torch.allclose(*said, atol=1e-5)
    small = without_guidance_inputs(student.to(torch.bfloat16))
    assert {weight.dtype for weight in small.parameters()} == {torch.bfloat16}
    own = torch.nn.Linear(1, 1)
    assert without_guidance_inputs(own) is own  # a part of one's own knows nothing of all this


def test_a_distilled_model_is_trained_on_and_gets_adapters_without_its_scales(
    teacher: Path, make_settings, tmp_path: Path
):
    """Nobody told it what guidance does to new music: it is sampled with several evaluations a step again."""
    pipe = Mousai.from_pretrained(teacher, dtype="float32", device="cpu")
    pipe.latent_diffusion = with_guidance_inputs(pipe.latent_diffusion)
    pipe.save_pretrained(tmp_path / "student")
    small = ("a.safetensors", AdapterConfig(rank=2), export_adapter)
    for name, lora, export in (("whole", AdapterConfig(), export_run), small):
        settings = make_settings("latent-diffusion", tmp_path / f"run-{name}", max_steps=1)
        train(replace(settings, start_from=str(tmp_path / "student"), lora=lora))
        export(tmp_path / f"run-{name}", tmp_path / name)
    trained = Mousai.from_pretrained(tmp_path / "whole", device="cpu").latent_diffusion
    assert not trained.reads_guidance
    student = Mousai.from_pretrained(tmp_path / "student", device="cpu")
    assert student.latent_diffusion.reads_guidance
    student.load_lora_weights(tmp_path / "a.safetensors")
    assert not student.latent_diffusion.reads_guidance


def test_a_student_is_evaluated_once_a_step_and_guided_away_from_a_negative_prompt(teacher: Path):
    pipe = Mousai.from_pretrained(teacher, dtype="float32", device="cpu")
    student, cond = with_guidance_inputs(pipe.latent_diffusion), conditions(pipe)
    with torch.no_grad():
        student.net.global_embedding.project.weight[:, -2:] = 1.0  # so that the scales are heard
    settings = SamplingConfig(guidance_scale=3.0, attribute_guidance_scale=2.0)
    net, given = guided_net(student, cond, settings, batch=1)
    assert net == student.denoise
    assert given["global_condition"][0, -2:].tolist() == [0.5, 0.5]  # (3 - 1) / 4, 2 / 4
    unled = replace(cond, attributes=())
    assert guided_net(student, unled, settings, batch=1)[1]["global_condition"][0, -2:].tolist() == [0.5, 0.0]
    net, given = guided_net(student, cond, settings, batch=1, negative=conditions(pipe, "loud drums"))
    assert isinstance(net, Guidance)
    assert given["global_condition"][0, -2:].tolist() == [0.0, 0.0]
    pieces = [
        student.sample(
            cond, noise=NoiseSource(0, [0]), config=replace(settings, num_inference_steps=2, guidance_scale=g)
        )
        for g in (1.0, 3.0)
    ]
    assert not torch.equal(*pieces)


@pytest.mark.slow
def test_a_student_learns_its_teachers_guided_v(teacher: Path, make_settings, tmp_path: Path):
    """The loss against the guided teacher falls to a small part of what it is for a student that ignores the scales."""
    run = tmp_path / "run"
    settings = make_settings("latent-diffusion", run, max_steps=60, batch=4, learning_rate=3e-3, beta=0.5)
    settings = replace(
        settings,
        start_from=None,
        distill_from=str(teacher),
        distillation=DistillationConfig(guidance=(3.0, 3.0), attribute_guidance=(0.0, 0.0)),
    )
    assert settings.start_from == str(teacher)
    assert train(settings) == 0
    losses = [float(line.split(",")[_column(run, "loss")]) for line in _rows(run)]
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])
    out = tmp_path / "model"
    export_run(run, out)
    described = describe(out)
    assert described.latent_diffusion is not None and described.latent_diffusion.guidance_inputs
    assert described.defaults == describe(teacher).defaults  # guidance alone leaves the steps as they are
    assert f"distilled from: {teacher}" in (out / "README.md").read_text()
    texts = [Mousai.from_pretrained(folder, device="cpu").text_encoder for folder in (teacher, out)]
    assert all(torch.equal(a, b) for a, b in zip(*(text.parameters() for text in texts), strict=True))


def test_steps_are_halved_from_a_distilled_model_and_stored(teacher: Path, make_settings, tmp_path: Path):
    first, second = tmp_path / "guidance", tmp_path / "steps"
    settings = make_settings("latent-diffusion", first, max_steps=1)
    train(replace(settings, start_from=None, distill_from=str(teacher)))
    export_run(first, tmp_path / "student")
    settings = make_settings("latent-diffusion", second, max_steps=2)
    settings = replace(
        settings,
        start_from=None,
        distill_from=str(tmp_path / "student"),
        distillation=DistillationConfig(steps=4, time_grid="log_snr"),
    )
    train(settings)
    export_run(second, tmp_path / "fast")
    defaults = describe(tmp_path / "fast").defaults
    assert (defaults.num_inference_steps, defaults.sampler, defaults.time_grid) == (4, "ddim", "log_snr")
    result = Mousai.from_pretrained(tmp_path / "fast", device="cpu")("a calm tune, C major", duration=0.5, seed=1)
    assert result.audios.shape == (1, 2, 24000)


def test_a_run_that_was_stopped_goes_on_to_the_same_weights(teacher: Path, make_settings, tmp_path: Path):
    def run(out: Path, steps: int) -> None:
        settings = make_settings("latent-diffusion", out, max_steps=steps)
        train(replace(settings, start_from=None, distill_from=str(teacher), distillation=DistillationConfig(steps=2)))

    for steps in (2, 4):
        run(tmp_path / "stopped", steps)
    run(tmp_path / "whole", 4)
    stopped, whole = (
        read_checkpoint(saved_checkpoints(tmp_path / name / "checkpoints")[-1])["state_dict"]
        for name in ("stopped", "whole")
    )
    assert all(torch.equal(stopped[key], whole[key]) for key in whole)


def test_a_teacher_of_another_run_is_refused_when_it_goes_on(teacher: Path, saved_model, make_settings, tmp_path: Path):
    settings = make_settings("latent-diffusion", tmp_path / "run", max_steps=1)
    train(replace(settings, start_from=None, distill_from=str(teacher)))
    with pytest.raises(UserError, match="distillation"):
        changed = replace(
            settings, start_from=None, distill_from=str(teacher), distillation=DistillationConfig(steps=2)
        )
        train(replace(changed, loop=replace(changed.loop, max_steps=2)))


def test_a_teacher_that_was_overwritten_is_refused_when_a_run_goes_on(teacher: Path, make_settings, tmp_path: Path):
    own, kept, run = tmp_path / "model", tmp_path / "kept", tmp_path / "run"
    for copy in (own, kept):
        shutil.copytree(teacher, copy)

    def settings(steps: int) -> TrainingConfig:
        made = make_settings("latent-diffusion", run, max_steps=steps, seed=2**53)  # the largest seed
        return replace(made, start_from=str(kept), distill_from=str(own))

    train(settings(1))
    model = load_latent_diffusion(own)
    model.net.requires_grad_(False)
    next(model.net.parameters()).add_(1)
    save_module(own / "latent_diffusion", model, model.config.to_dict())
    with pytest.raises(UserError) as caught:
        train(settings(2))
    why = f"has another latent_diffusion than when {run} began with it; put back the model that it was, or begin a new"
    assert str(caught.value) == f"distill_from={str(own)!r}: {why} run, with another --out"
    shutil.rmtree(own)
    shutil.copytree(teacher, own)
    # The text encoder is not trained, and is read from the other model.
    text = T5TextEncoder.load(kept)
    text.requires_grad_(False)
    next(text.parameters()).add_(1)
    text.save(kept)
    with pytest.raises(UserError, match="has another text_encoder than when"):
        train(settings(2))
    with pytest.raises(UserError) as caught:
        export_run(run, tmp_path / "out")
    why = f"has another text_encoder than when {run} began with it, and what was learned fits that one"
    assert str(caught.value) == f"{kept}: {why}; put back the model that it was"


def test_models_that_cannot_be_distilled_are_refused_before_they_are_loaded(
    teacher: Path, saved_model: Path, make_settings, tmp_path: Path
):
    settings = make_settings("latent-diffusion", tmp_path / "run")
    with pytest.raises(UserError, match="reads no guidance scales"):
        train(replace(settings, start_from=None, distill_from=str(saved_model)))
    with pytest.raises(UserError, match="is of other sizes"):
        train(replace(settings, start_from=str(teacher), distill_from=str(saved_model)))
    with pytest.raises(UserError, match="distill_from='nowhere': no such folder"):
        train(replace(settings, start_from=str(teacher), distill_from="nowhere"))


def test_settings_that_do_not_go_together_are_refused(make_settings, tmp_path: Path):
    settings = make_settings("latent-diffusion", tmp_path / "run")
    for change, message in (
        ({"lora": AdapterConfig(rank=4)}, "lora.rank=4: does not go with distill_from"),
        ({"controls": ControlConfig(channels=("chords",))}, "controls.channels=.*: does not go with distill_from"),
        (
            {
                "distillation": DistillationConfig(steps=8),
                "crops": replace(settings.crops, times=TimestepSampling(kind="logit_normal")),
            },
            "crops.times.kind='logit_normal': must be uniform",
        ),
    ):
        with pytest.raises(UserError, match=message):
            replace(settings, distill_from="bundled", **change)
    with pytest.raises(UserError, match=r"distillation.guidance=\[5, 1\]: must be the lowest and the highest"):
        DistillationConfig(guidance=(5, 1))
    with pytest.raises(UserError, match=r"distillation\.steps=-1"):
        DistillationConfig(steps=-1)


def _rows(run: Path) -> list[str]:
    (table,) = (run / "log").rglob("metrics.csv")
    rows = table.read_text().splitlines()
    return [line for line in rows[1:] if line.split(",")[_column(run, "loss")]]


def _column(run: Path, name: str) -> int:
    (table,) = (run / "log").rglob("metrics.csv")
    return table.read_text().splitlines()[0].split(",").index(name)


def test_weights_of_a_student_load_as_they_were_saved(teacher: Path, tmp_path: Path):
    pipe = Mousai.from_pretrained(teacher, dtype="float32", device="cpu")
    pipe.latent_diffusion = with_guidance_inputs(pipe.latent_diffusion)
    pipe.save_pretrained(tmp_path / "student")
    loaded = load_latent_diffusion(tmp_path / "student")
    assert loaded.config.guidance_inputs and loaded.config == pipe.latent_diffusion.config
