import argparse
import copy
import dataclasses
import inspect
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

import mousai.storage.folders
from mousai import UserError
from mousai.arguments import PromptCutWarning, UnknownWordsWarning
from mousai.audio.files import read_metadata, write_audio
from mousai.cli.common.sampling_options import add_sampling_options, given_settings
from mousai.codec import compile_net
from mousai.conditioning.conditioning import Conditioning
from mousai.output import MousaiOutput
from mousai.pipeline import Mousai
from mousai.sampling_config import SamplingConfig
from mousai.settings import setting, settings_of
from mousai.storage.folders import describe, model_folder
from mousai.storage.weights import CheckpointError
from unet1d import Level, UNet1d, UNet1dConfig
from vdiffusion import DDIM, SAMPLER_NAMES, TIME_GRID_NAMES, NoiseSource

PROMPT = "calm piano pop, 100 bpm"
STEPS = {"num_inference_steps": 2, "decoder_steps": 2}
QUICK = {"duration": 0.1, **STEPS}


@pytest.fixture(scope="module")
def pipeline(saved_model: Path) -> Mousai:
    pipeline = Mousai.from_pretrained(saved_model, dtype="float32")
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def close(a: torch.Tensor, b: torch.Tensor, *, atol: float = 1e-4) -> bool:
    return torch.allclose(a, b, rtol=0, atol=atol)


def refused(function, *args, **settings) -> str:
    with pytest.raises(UserError) as caught:
        function(*args, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ---- compiling


def test_compiling_is_asked_of_both_nets_and_leaves_their_weights_names(
    saved_model: Path, monkeypatch: pytest.MonkeyPatch
):
    asked: list[torch.nn.Module] = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self, **how: asked.append(self))
    plain = Mousai.from_pretrained(saved_model, dtype="float32")
    assert asked == []
    compiled = Mousai.from_pretrained(saved_model, dtype="float32", compile=True)
    assert asked == [compiled.autoencoder.decoder, compiled.latent_diffusion.net]
    assert compiled.latent_diffusion.state_dict().keys() == plain.latent_diffusion.state_dict().keys()


def test_compiling_without_a_compiler_is_refused(saved_model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "C++ compiler" in refused(Mousai.from_pretrained, saved_model, dtype="float32", compile=True)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of torch's own compiler
def test_a_compiled_net_is_the_net_within_rounding():
    config = UNet1dConfig(
        in_channels=4,
        levels=(Level(channels=8, cross_attention=True),),
        context_features=6,
        attention_heads=2,
        attention_head_features=4,
        modulation_features=8,
    )
    torch.manual_seed(0)
    net = UNet1d(config).eval()
    x, t, context = torch.randn(2, 4, 24), torch.rand(2), torch.randn(2, 3, 6)
    with torch.no_grad():
        read = net.encode_context(context, torch.ones(2, 3, dtype=torch.bool))
        expected = net(x, t, context=read)
        names = list(net.state_dict())
        compile_net(net)
        torch.testing.assert_close(net(x, t, context=read), expected)
    assert list(net.state_dict()) == names


# ---- what comes out


@pytest.mark.parametrize("duration", [1 / 48000, 0.1, 0.123456, 1.0])
def test_exactly_the_seconds_asked_for(pipeline: Mousai, duration: float):
    result = pipeline(PROMPT, **{**QUICK, "duration": duration})
    assert result.audios.shape == (1, 2, round(duration * 48000))
    assert result.sample_rate == pipeline.sample_rate == 48000


@pytest.mark.parametrize("settings", [{}, {"guidance_scale": 50.0}, {"num_inference_steps": 1, "decoder_steps": 1}])
def test_the_sound_is_finite_within_bounds_and_not_silent(pipeline: Mousai, settings: dict):
    audios = pipeline([PROMPT, ""], **{**QUICK, **settings}, seed=1).audios
    assert audios.dtype == torch.float32 and bool(audios.isfinite().all())
    assert audios.abs().amax() <= 0.99 + 1e-6
    assert bool((audios.square().mean(dim=(1, 2)).sqrt() > 1e-3).all())


def test_the_seed_decides(pipeline: Mousai):
    first = pipeline(PROMPT, **QUICK, seed=1)
    assert first.seed == 1
    assert torch.equal(pipeline(PROMPT, **QUICK, seed=1).audios, first.audios)
    assert not close(pipeline(PROMPT, **QUICK, seed=2).audios, first.audios)


def test_a_drawn_seed_is_told_and_makes_the_same_again(pipeline: Mousai):
    first, second = pipeline(PROMPT, **QUICK), pipeline(PROMPT, **QUICK)
    assert first.seed != second.seed
    assert torch.equal(pipeline(PROMPT, **QUICK, seed=first.seed).audios, first.audios)
    drawn = [pipeline(PROMPT, **QUICK, generator=torch.Generator().manual_seed(5)) for _ in range(2)]
    assert drawn[0].seed == drawn[1].seed
    assert torch.equal(drawn[0].audios, drawn[1].audios)


def test_the_state_of_torch_does_not_matter_and_is_left_alone(pipeline: Mousai):
    torch.manual_seed(0)
    first = pipeline(PROMPT, **QUICK, seed=1).audios
    drawn = torch.rand(3)
    torch.manual_seed(0)
    assert torch.equal(drawn, torch.rand(3))
    assert torch.equal(pipeline(PROMPT, **QUICK, seed=1).audios, first)


def test_every_setting_matters(pipeline: Mousai):
    settings = {**QUICK, "seed": 1}
    first = pipeline(PROMPT, **settings).audios
    others = {
        "num_inference_steps": 3,
        "decoder_steps": 3,
        "guidance_scale": 3.0,
        "sampler": "dpmpp_2m_sde",
        "time_grid": "karras",
        "negative_prompt": "fast metal in A minor",
    }
    for key, value in others.items():
        assert not close(pipeline(PROMPT, **{**settings, key: value}).audios, first), key
    assert not close(pipeline("fast metal in A minor", **settings).audios, first)


def test_what_is_not_given_comes_from_the_model(pipeline: Mousai):
    defaults = pipeline.defaults
    assert (defaults.num_inference_steps, defaults.guidance_scale, defaults.decoder_steps) == (3, 2.0, 2)
    given = pipeline(PROMPT, duration=0.1, seed=1, num_inference_steps=3, guidance_scale=2.0, decoder_steps=2)
    assert torch.equal(pipeline(PROMPT, duration=0.1, seed=1).audios, given.audios)


# ---- samplers


@pytest.mark.parametrize("sampler", SAMPLER_NAMES)
def test_every_sampler_depends_on_the_seed_and_not_on_batch_mates(pipeline: Mousai, sampler: str):
    settings = {**QUICK, "num_inference_steps": 4, "time_grid": "cosine", "sampler": sampler}
    alone = pipeline(PROMPT, **settings, seed=1).audios
    assert bool(alone.isfinite().all())
    assert torch.equal(pipeline(PROMPT, **settings, seed=1).audios, alone)
    assert not close(pipeline(PROMPT, **settings, seed=2).audios, alone)
    # A batch of another size is rounded otherwise, which fresh noise in four steps of an untrained net has made 1.2e-4
    # of, on a CPU with AVX2; another seed makes 1e-1 of it.
    assert close(pipeline([PROMPT, "metal"], **settings, seed=1).audios[:1], alone, atol=1e-3)


def test_sampler_and_grid_come_from_the_model(pipeline: Mousai, tmp_path: Path):
    given = pipeline(PROMPT, **QUICK, seed=1, sampler="euler_ancestral", time_grid="karras").audios
    other = copy.copy(pipeline)
    other.defaults = dataclasses.replace(pipeline.defaults, sampler="euler_ancestral", time_grid="karras")
    assert torch.equal(other(PROMPT, **QUICK, seed=1).audios, given)
    other.save_pretrained(tmp_path)
    assert describe(tmp_path).defaults == other.defaults
    back = other(PROMPT, **QUICK, seed=1, sampler="ddim", time_grid="uniform").audios
    assert torch.equal(back, pipeline(PROMPT, **QUICK, seed=1).audios)


def test_a_recording_is_a_start_for_every_grid(pipeline: Mousai):
    settings = {**STEPS, "seed": 1, "init_audio": 0.3 * torch.sin(torch.arange(4801) / 20).expand(2, -1)}
    for grid in TIME_GRID_NAMES:
        assert bool(pipeline(PROMPT, **settings, strength=0.5, time_grid=grid).audios.isfinite().all())
    message = refused(pipeline, PROMPT, **settings, strength=1e-3, time_grid="log_snr")
    assert message == "strength=0.001: is too little for the time grid 'log_snr'; give more, or 'uniform'"


# ---- guidance


def test_at_scale_one_a_negative_prompt_would_count_for_nothing_and_is_refused(pipeline: Mousai):
    message = refused(pipeline, PROMPT, **QUICK, guidance_scale=1.0, negative_prompt="fast metal")
    assert message == "guidance_scale=1: uses no negative_prompt; give more, or leave it out"


def test_a_prompt_led_away_from_itself_is_not_led_at_all(pipeline: Mousai):
    led = pipeline(PROMPT, **QUICK, guidance_scale=7.0, negative_prompt=PROMPT, seed=1).audios
    assert close(led, pipeline(PROMPT, **QUICK, guidance_scale=1.0, seed=1).audios)


def test_at_scale_zero_the_negative_prompt_is_played(pipeline: Mousai):
    played = pipeline("fast metal", **QUICK, guidance_scale=0.0, negative_prompt=PROMPT, seed=1).audios
    assert close(played, pipeline(PROMPT, **QUICK, guidance_scale=1.0, seed=1).audios)


def test_negative_prompts_one_for_all_or_one_for_each(pipeline: Mousai):
    prompts = [PROMPT, "slow jazz trio"]
    one = pipeline(prompts, **QUICK, negative_prompt="metal", seed=1).audios
    assert torch.equal(pipeline(prompts, **QUICK, negative_prompt=["metal", "metal"], seed=1).audios, one)
    other = pipeline(prompts, **QUICK, negative_prompt=["metal", "bass"], seed=1).audios
    assert close(other[0], one[0]) and not close(other[1], one[1])
    message = refused(pipeline, prompts, **QUICK, negative_prompt=["metal"] * 3)
    assert "negative_prompt" in message and "3 for 2" in message


# ---- batches


def test_an_item_does_not_depend_on_its_batch_mates(pipeline: Mousai):
    alone = pipeline(PROMPT, **QUICK, seed=1).audios
    both = pipeline([PROMPT, "slow jazz trio at 72 bpm in F major"], **QUICK, seed=1).audios
    assert both.shape[0] == 2 and close(both[:1], alone)
    others = pipeline([PROMPT, "metal"], **QUICK, seed=1, negative_prompt=[PROMPT, "bass"]).audios
    assert close(others[:1], pipeline(PROMPT, **QUICK, seed=1, negative_prompt=PROMPT).audios)


def test_a_member_of_the_middle_alone(pipeline: Mousai):
    text = pipeline.text_encoder([PROMPT, "metal", "jazz"])
    third = pipeline.text_encoder(["jazz"])
    config = SamplingConfig(num_inference_steps=2)

    def sampled(text, indices):
        return pipeline.latent_diffusion.sample(
            Conditioning(frames=7, text=text), noise=NoiseSource(3, indices), config=config
        )

    assert close(sampled(third, [2]), sampled(text, range(3))[2:])


def test_a_piece_of_a_batch_is_made_again_alone_by_its_own_seed(pipeline: Mousai):
    batch = pipeline([PROMPT, "metal"], **QUICK, num_waveforms_per_prompt=2, seed=5)
    assert batch.seeds == (5, 6, 7, 8) and batch.prompts == (PROMPT, PROMPT, "metal", "metal")
    for audio, prompt, seed in zip(batch.audios, batch.prompts, batch.seeds, strict=True):
        assert close(pipeline(prompt, **QUICK, seed=seed).audios[0], audio)
    drawn = [torch.Generator().manual_seed(k) for k in (1, 2)]
    several = pipeline([PROMPT, "metal"], **QUICK, generator=drawn)
    alone = pipeline("metal", **QUICK, generator=torch.Generator().manual_seed(2))
    assert several.seeds[1] == alone.seed and close(several.audios[1:], alone.audios)


def test_several_waveforms_for_each_prompt(pipeline: Mousai):
    prompts = [PROMPT, "metal"]
    audios = pipeline(prompts, **QUICK, num_waveforms_per_prompt=2, seed=1, negative_prompt=["a", "b"]).audios
    assert audios.shape[0] == 4
    # Prompt by prompt, each with noise of its own.
    spelled_out = [PROMPT, PROMPT, "metal", "metal"]
    assert close(pipeline(spelled_out, **QUICK, seed=1, negative_prompt=["a", "a", "b", "b"]).audios, audios)
    assert not close(audios[0], audios[1])


# ---- starting from a recording


def test_starting_from_a_recording(pipeline: Mousai):
    recording = 0.3 * torch.sin(torch.arange(4801) / 20).expand(2, -1)
    settings = {**QUICK, "duration": None, "seed": 1, "init_audio": recording}
    hardly, half, whole = (pipeline(PROMPT, **settings, strength=s).audios for s in (1e-4, 0.5, 1.0))
    assert hardly.shape == (1, 2, 4801)  # as long as the recording
    again = pipeline.decode(pipeline.encode(recording[None]), length=4801, seed=1, decoder_steps=2)
    assert torch.allclose(hardly, again, atol=0.02)
    assert not torch.allclose(half, again, atol=0.02)
    # All of it replaced: the recording is gone.
    plain = pipeline(PROMPT, **{**QUICK, "duration": 4801 / 48000}, seed=1).audios
    assert close(whole, plain) and not close(half, plain)


def test_a_recording_of_another_shape_is_refused(pipeline: Mousai):
    for shape in ([3, 100], [2, 2, 100], [2, 0], [0]):
        message = refused(pipeline, PROMPT, **STEPS, init_audio=torch.zeros(shape))
        assert "init_audio=" in message
        assert message.endswith(", samples], or [samples] for mono")
    for wrong in (torch.zeros(2, 100, dtype=torch.int16), [0.0, 1.0], 7):
        assert "init_audio=" in refused(pipeline, PROMPT, **STEPS, init_audio=wrong)


def test_a_recording_is_taken_as_path_array_or_tensor_mono_or_stereo(pipeline: Mousai, tmp_path: Path):
    wave = 0.3 * torch.sin(torch.arange(4801) / 20)
    stereo, path = wave.expand(2, -1), tmp_path / "tone.wav"
    write_audio(path, stereo.numpy(), 48000)
    expected = pipeline(PROMPT, **STEPS, seed=1, init_audio=stereo).audios
    for same in (stereo.numpy(), stereo[None]):
        assert torch.equal(pipeline(PROMPT, **STEPS, seed=1, init_audio=same).audios, expected)
    for mono in (wave, wave[None], wave.numpy()):  # the result has the channels of the recording
        made = pipeline(PROMPT, **STEPS, seed=1, init_audio=mono).audios
        torch.testing.assert_close(made, expected.mean(1, keepdim=True), atol=1e-6, rtol=0)
    for named in (path, str(path)):  # rounded to the bits of the file
        assert close(pipeline(PROMPT, **STEPS, seed=1, init_audio=named).audios, expected, atol=5e-3)


# ---- progress


def test_the_callback_sees_every_step_as_in_diffusers(pipeline: Mousai):
    seen = []
    result = pipeline(
        PROMPT,
        **{**QUICK, "num_inference_steps": 3},
        seed=1,
        output_type="latent",
        callback_on_step_end=lambda *called: seen.append(called),
    )
    assert [one[0] for one in seen] == [pipeline] * 3
    assert [one[1] for one in seen] == [0, 1, 2]
    assert [one[2] for one in seen] == pytest.approx([1.0, 2 / 3, 1 / 3])
    assert torch.allclose(seen[-1][3]["latents"], result.audios, atol=1e-5)


def test_a_callback_may_change_the_latents(pipeline: Mousai):
    def silence(pipe, step, timestep, callback_kwargs):
        return {"latents": torch.zeros_like(callback_kwargs["latents"])}

    settings = {**QUICK, "seed": 1, "output_type": "latent"}
    changed = pipeline(PROMPT, **settings, callback_on_step_end=silence).audios
    assert not bool(changed.any())  # DDIM's last step lands on the estimate
    untouched = pipeline(PROMPT, **settings, callback_on_step_end=lambda *called: called[3]).audios
    assert torch.equal(untouched, pipeline(PROMPT, **settings).audios)


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (5, "callback_on_step_end: returned int; must return callback_kwargs, a dictionary, or nothing"),
        ({"latents": torch.zeros(1, 1, 1)}, "returned latents [1, 1, 1]; must be finite, of the shape [1, 8,"),
        ({"latents": "zeros"}, "returned latents str; must be finite"),
    ],
)
def test_a_callback_that_returns_rubbish_is_refused(pipeline: Mousai, returned, words: str):
    assert words in refused(pipeline, PROMPT, **QUICK, callback_on_step_end=lambda *called: returned)


def test_an_interrupted_call_gives_the_estimate_of_that_step(pipeline: Mousai):
    seen = []

    def stop(pipe, step, timestep, callback_kwargs):
        seen.append(callback_kwargs["latents"])
        pipe._interrupt = step == 1

    settings = {**QUICK, "num_inference_steps": 5, "seed": 1}
    result = pipeline(PROMPT, **settings, output_type="latent", callback_on_step_end=stop)
    assert len(seen) == 2 and torch.equal(result.audios, seen[1])
    assert pipeline(PROMPT, **settings, callback_on_step_end=stop).audios.shape == (1, 2, 4800)  # decoded
    assert len(seen) == 4
    pipeline(PROMPT, **settings, callback_on_step_end=lambda *called: seen.append(called))
    assert len(seen) == 9  # the next call runs to its end


def test_progress_is_shown_and_can_be_switched_off(pipeline: Mousai, capsys: pytest.CaptureFixture[str]):
    pipe = copy.copy(pipeline)
    pipe.set_progress_bar_config()
    pipe(PROMPT, **QUICK)
    shown = capsys.readouterr()
    assert "composing 100%" in shown.err and "rendering 100%" in shown.err and shown.out == ""
    pipe.set_progress_bar_config(disable=True)
    pipe(PROMPT, **QUICK)
    pipe.decode(torch.zeros(1, 8, 1), decoder_steps=1)
    assert capsys.readouterr() == ("", "")


def test_decode_limits_a_loud_moment_and_leaves_the_rest(pipeline: Mousai, monkeypatch: pytest.MonkeyPatch):
    loud = torch.full((2, 2, 48_000), 0.25)
    loud[0, 1, 24_000] = -2.0
    monkeypatch.setattr(pipeline.autoencoder, "decode", lambda latent, config, **others: loud.clone())
    found = pipeline.decode(torch.zeros(2, 8, 1))
    assert float(found[0].abs().max()) == pytest.approx(0.99, rel=0.01)
    assert torch.equal(found[0, :, :20_000], loud[0, :, :20_000])
    assert torch.equal(found[1], loud[1])


def test_decode_turns_down_what_no_limiter_could_hold(pipeline: Mousai, monkeypatch: pytest.MonkeyPatch):
    loud = torch.full((1, 2, 48_000), 0.25)
    loud[0, :, 24_000] = 39.6  # ten times 0.99, times four
    monkeypatch.setattr(pipeline.autoencoder, "decode", lambda latent, config, **others: loud.clone())
    found = pipeline.decode(torch.zeros(1, 8, 1))
    assert torch.allclose(found[0, :, :20_000], torch.tensor(0.025))
    assert float(found.max()) == pytest.approx(0.99, rel=0.01)


# ---- what is refused


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"duration": 0.0}, "duration=0"),
        ({"duration": -1.0}, "duration=-1"),
        ({"duration": float("nan")}, "duration=nan"),
        ({"duration": float("inf")}, "duration=inf"),
        ({"duration": 1e9}, "duration=1e"),
        ({"duration": 1e-9}, "duration=1e-09"),
        ({"num_inference_steps": 0}, "num_inference_steps=0"),
        ({"num_inference_steps": 1001}, "num_inference_steps=1001"),
        ({"decoder_steps": 0}, "decoder_steps=0"),
        ({"guidance_scale": -1.0}, "guidance_scale=-1"),
        ({"guidance_scale": float("nan")}, "guidance_scale=nan"),
        ({"attribute_guidance_scale": -1.0}, "attribute_guidance_scale=-1: must be 0 to 100"),
        ({"num_waveforms_per_prompt": 0}, "num_waveforms_per_prompt=0"),
        ({"seed": -1}, "seed=-1"),
        ({"seed": 2**63}, "seed="),
        ({"sampler": "plms"}, f"sampler='plms': must be one of {', '.join(SAMPLER_NAMES)}"),
        ({"time_grid": "linear"}, "time_grid='linear': must be one of uniform, cosine, karras, log_snr"),
        ({"strength": -0.1}, "strength=-0.1"),
        ({"strength": 1.5}, "strength=1.5"),
        ({"strength": float("nan")}, "strength=nan"),
    ],
)
def test_impossible_settings(pipeline: Mousai, monkeypatch: pytest.MonkeyPatch, settings: dict, words: str):
    monkeypatch.setattr(pipeline.latent_diffusion, "sample", None)  # refused before it is needed
    if "strength" in settings:
        settings = {"init_audio": torch.zeros(2, 4800), "duration": None, **settings}
    assert words in refused(pipeline, PROMPT, **{"duration": 0.1, **settings})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"seed": 1, "generator": torch.Generator()}, "generator: both it and seed say where the noise begins"),
        ({"strength": 0.5}, "strength=0.5: says how much of a recording is replaced; give init_audio too"),
        ({"init_audio": torch.zeros(2, 4800), "duration": 3.0}, "duration=3: the piece is as long as init_audio"),
        ({"output_type": "pil"}, "output_type='pil': must be one of pt, np, latent"),
        ({"generator": [torch.Generator()] * 2}, "generator: 2 of them for 1 pieces; give one, or one for each"),
        ({"generator": 7}, "generator='int': must be a torch.Generator or a list of them"),
        ({"prompt": [3]}, "prompt=3: must be a sentence or a list of sentences"),
        ({"prompt": None}, "prompt: must be a sentence or a list of sentences"),
        ({"prompt": "\ud800"}, "is not text; give it as UTF-8"),
        ({"negative_prompt": [None]}, "negative_prompt: must be a sentence or a list of sentences"),
        ({"generator": "x"}, "generator='str': must be a torch.Generator"),
        ({"duration": True}, "duration=True: must be a number of seconds"),
        ({"seed": 1.0}, "seed=1: must be a whole number (int)"),
        ({"prompt": ["a", "b"], "seed": 2**63 - 1}, "is too high for 2 pieces"),
        ({"init_audio": torch.full((2, 4800), float("nan"))}, "init_audio: has samples that are no finite numbers"),
        ({"init_audio": 30000 * torch.ones(2, 4800)}, "init_audio: reaches 30000, far beyond ±1"),
        ({"num_inference_steps": 2.5}, "num_inference_steps=2.5: must be a whole number (int), not float"),
        ({"guidance_scale": "3"}, "guidance_scale='3': must be a number, not str"),
    ],
)
def test_arguments_that_contradict_each_other(pipeline: Mousai, arguments: dict, words: str):
    assert words in refused(pipeline, **{"prompt": PROMPT, **STEPS, **arguments})


def test_a_misspelt_setting_is_a_type_error_with_the_nearest_name(pipeline: Mousai):
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'guidance'; did you mean 'guidance_scale'\?"):
        pipeline(PROMPT, guidance=3.0)


def test_no_prompt_at_all(pipeline: Mousai):
    assert "prompt" in refused(pipeline, [])


def test_parts_of_different_models(pipeline: Mousai):
    wide = copy.deepcopy(pipeline.text_encoder)
    wide.model.config.d_model = 64
    assert "64" in refused(Mousai, wide, pipeline.latent_diffusion, pipeline.autoencoder)
    other = copy.deepcopy(pipeline.autoencoder)
    object.__setattr__(other.config, "latent_channels", 9)
    assert "9" in refused(Mousai, pipeline.text_encoder, pipeline.latent_diffusion, other)


@pytest.mark.parametrize(
    "values",
    [
        {"num_inference_steps": 0},
        {"guidance_scale": -1.0},
        {"decoder_steps": 0},
        {"griffin_lim": -1},
        {"griffin_lim": 4, "decoder_start": 0.0},
        {"griffin_lim": 4, "decoder_start": float("nan")},
        {"decoder_start": 0.5},
        {"sampler": "DDIM"},
        {"time_grid": ""},
    ],
)
def test_impossible_defaults(values: dict):
    assert list(values)[-1] in refused(SamplingConfig, **values)


# ---- model folders


def test_a_saved_model_makes_the_same_music(pipeline: Mousai, tmp_path: Path):
    pipeline.save_pretrained(tmp_path / "new" / "model")
    again = Mousai.from_pretrained(tmp_path / "new" / "model", dtype="float32")
    assert again.about == pipeline.about and again.defaults == pipeline.defaults
    assert again.autoencoder.config == pipeline.autoencoder.config
    assert again.latent_diffusion.config == pipeline.latent_diffusion.config
    assert torch.equal(again(PROMPT, **QUICK, seed=1).audios, pipeline(PROMPT, **QUICK, seed=1).audios)


def test_a_folder_holds_nothing_but_json_and_safetensors(saved_model: Path):
    files = {str(path.relative_to(saved_model)) for path in saved_model.rglob("*") if path.is_file()}
    parts = {
        f"{part}/{name}"
        for part in ("autoencoder", "latent_diffusion", "text_encoder")
        for name in ("config.json", "model.safetensors")
    }
    assert files == {"model_index.json", "tokenizer/tokenizer.json", "tokenizer/tokenizer_config.json"} | parts


def test_half_the_size_in_half_precision(pipeline: Mousai, saved_model: Path, tmp_path: Path):
    pipeline.save_pretrained(tmp_path, dtype=torch.bfloat16)
    for part in ("autoencoder", "latent_diffusion", "text_encoder"):
        file = f"{part}/model.safetensors"
        assert (tmp_path / file).stat().st_size < 0.6 * (saved_model / file).stat().st_size
    again = Mousai.from_pretrained(tmp_path, dtype="float32")
    expected = pipeline.latent_diffusion.net.state_dict()
    for key, value in again.latent_diffusion.net.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, expected[key].bfloat16().float())


def test_bfloat16_is_for_the_two_nets_and_sounds_much_the_same(pipeline: Mousai, saved_model: Path):
    half = Mousai.from_pretrained(saved_model, dtype="bfloat16")
    for net in (half.latent_diffusion.net, half.autoencoder.decoder):
        assert next(net.parameters()).dtype == torch.bfloat16
    for part in (half.text_encoder, half.autoencoder.encoder, half.autoencoder.prior):
        assert next(part.parameters()).dtype == torch.float32
    audios = half(PROMPT, **QUICK, seed=1).audios
    assert audios.dtype == torch.float32
    exact = pipeline(PROMPT, **QUICK, seed=1).audios
    assert torch.corrcoef(torch.stack([audios.flatten(), exact.flatten()]))[0, 1] > 0.9


def test_describing_reads_no_weights(model_copy: Path, pipeline: Mousai):
    for weights in model_copy.rglob("*.safetensors"):
        weights.unlink()
    found = describe(model_copy)
    assert found.autoencoder == pipeline.autoencoder.config
    assert found.latent_diffusion == pipeline.latent_diffusion.config
    assert found.defaults == pipeline.defaults and found.about == pipeline.about


def test_names_of_models(tmp_path: Path, saved_model: Path):
    assert model_folder(None) == mousai.storage.folders.BUNDLED
    assert model_folder(saved_model) == model_folder(str(saved_model)) == saved_model
    (tmp_path / "file").touch()
    assert "file" in refused(model_folder, tmp_path / "file")
    for name in ("nowhere", "./some/where", "a/b/c", "/a/b", "~/model"):
        assert "no such folder" in refused(model_folder, name)


def test_a_model_of_the_hub_needs_its_commit(monkeypatch: pytest.MonkeyPatch, saved_model: Path):
    import huggingface_hub

    asked: list[tuple] = []

    def download(name, *, revision, allow_patterns):
        asked.append((name, revision))
        assert not any(pattern.endswith((".bin", ".py", "*")) for pattern in allow_patterns)
        if revision == "gone":
            raise huggingface_hub.errors.LocalEntryNotFoundError("no such\nrevision")
        return str(saved_model)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert "revision" in refused(model_folder, "owner/name")
    assert asked == []
    assert model_folder("owner/name", revision="abc") == saved_model
    message = refused(model_folder, "owner/name", revision="gone")
    assert "model='owner/name': cannot be had at gone: no such revision" in message
    assert asked == [("owner/name", "abc"), ("owner/name", "gone")]


def test_a_folder_that_is_no_model(tmp_path: Path):
    with pytest.raises(CheckpointError, match=r"model_index\.json: does not exist"):
        Mousai.from_pretrained(tmp_path)
    with pytest.raises(ValueError, match="float16"):
        Mousai.from_pretrained(tmp_path, dtype="float16")


# ---- habits of diffusers


def test_output_types(pipeline: Mousai):
    tensor = pipeline(PROMPT, **QUICK, seed=1)
    array = pipeline(PROMPT, **QUICK, seed=1, output_type="np")
    latent = pipeline(PROMPT, **QUICK, seed=1, output_type="latent")
    assert isinstance(array.audios, np.ndarray) and np.array_equal(array.audios, tensor.audios.numpy())
    decoded = pipeline.decode(latent.audios, length=4800, seed=1, decoder_steps=2)
    assert torch.equal(decoded, tensor.audios)


def test_latents_are_the_starting_noise(pipeline: Mousai):
    frames = -(-4800 // pipeline.autoencoder.config.hop_length)
    drawn = NoiseSource(1, [0]).draw((8, frames), stage="generator")
    expected = pipeline(PROMPT, **QUICK, seed=1).audios
    assert torch.equal(pipeline(PROMPT, **QUICK, seed=1, latents=drawn).audios, expected)
    assert not close(pipeline(PROMPT, **QUICK, seed=1, latents=drawn.flip(-1)).audios, expected)
    with pytest.raises(ValueError, match=r"latents: expected floating-point \[1, 8, "):
        pipeline(PROMPT, **QUICK, latents=drawn[..., :1])


def test_a_sampler_of_ones_own(pipeline: Mousai):
    class Counting(DDIM):
        steps = 0

        def step(self, at):
            Counting.steps += 1
            return super().step(at)

    result = pipeline(PROMPT, **QUICK, seed=1, sampler=Counting())
    assert Counting.steps == 2
    assert torch.equal(result.audios, pipeline(PROMPT, **QUICK, seed=1, sampler="ddim").audios)
    assert "sampler=<class" in refused(pipeline, PROMPT, sampler=DDIM)  # a class is no sampler


def test_what_a_pipeline_says_of_itself(pipeline: Mousai):
    assert list(pipeline.components) == ["text_encoder", "latent_diffusion", "autoencoder"]
    again = Mousai(**pipeline.components, defaults=pipeline.defaults)
    again.set_progress_bar_config(disable=True)
    assert torch.equal(again(PROMPT, **QUICK, seed=1).audios, pipeline(PROMPT, **QUICK, seed=1).audios)
    said = r"Mousai\(text_encoder 0\.0 M, latent_diffusion 0\.0 M, autoencoder 0\.\d M; 48000 Hz, cpu, float32\)"
    assert re.fullmatch(said, repr(pipeline))


def test_what_is_not_named_stays(saved_model: Path):
    pipe = Mousai.from_pretrained(saved_model, dtype="bfloat16", device="cpu")
    assert pipe.to("cpu").dtype == torch.bfloat16
    assert pipe.to(dtype="float32").dtype == torch.float32
    assert pipe.to(torch.bfloat16).dtype == torch.bfloat16
    for part in (pipe.text_encoder, pipe.autoencoder.encoder):  # everything but the U-Nets
        assert next(part.parameters()).dtype == torch.float32
    for net in (pipe.latent_diffusion.net, pipe.autoencoder.decoder):
        assert next(net.parameters()).dtype == torch.bfloat16
    assert Mousai.from_pretrained(saved_model, dtype=torch.bfloat16).dtype == torch.bfloat16


def test_devices_and_dtypes_by_position_as_in_torch(saved_model: Path):
    pipe = Mousai.from_pretrained(saved_model, dtype="float32", device="cpu")
    assert pipe.to("cpu", "bfloat16").dtype == torch.bfloat16
    assert "dtype='float64'" in refused(pipe.to, "cpu", "float64")
    assert "dtype='torch.int8'" in refused(pipe.save_pretrained, saved_model, dtype=torch.int8)
    with pytest.raises(TypeError, match="guidance_scale"):
        pipe.decode(torch.zeros(1, 8, 1), guidance_scale=4.0)


def test_a_result_is_saved_with_all_that_makes_it_again(pipeline: Mousai, tmp_path: Path):
    result = pipeline([PROMPT, "metal"], **QUICK, seed=7, negative_prompt="bass")
    assert isinstance(result, MousaiOutput) and result.seeds == (7, 8) and result.prompts == (PROMPT, "metal")
    paths = result.save(tmp_path / "song.wav")
    assert [path.name for path in paths] == ["song-1.wav", "song-2.wav"]
    stored = read_metadata(paths[1])
    assert (stored["prompt"], stored["seed"], stored["negative_prompt"]) == ("metal", "8", "bass")
    assert (stored["steps"], stored["decoder_steps"], stored["sampler"]) == ("2", "2", "ddim")
    assert stored["dtype"] == "float32"
    assert "strength" not in stored  # which belongs to a recording
    with pytest.raises(UserError, match="exists"):
        result.save(tmp_path / "song.wav")
    latent = pipeline(PROMPT, **QUICK, output_type="latent")
    assert "output_type='latent'" in refused(latent.save, tmp_path / "latent.wav")
    assert not (tmp_path / "latent.wav").exists()


def test_a_prompt_that_is_cut_says_so(pipeline: Mousai):
    with pytest.warns(PromptCutWarning, match="too long, not seen of it: .*bass"):
        pipeline("piano " * 70 + "bass", **QUICK)


def test_words_that_are_not_known_are_said(pipeline: Mousai):
    for words in ("静かなピアノ", "速いメタル"):
        with pytest.warns(UnknownWordsWarning, match=f"the text encoder does not know '{words}'; other such words"):
            pipeline(words, **QUICK)


# ---- one more setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class WithVolume(SamplingConfig):
    volume: float = setting(1.0, help="how loud", stage="decoder", high=2, usual="1 is usual", metavar="V")


def test_a_new_setting_is_one_field(pipeline: Mousai, tmp_path: Path):
    """A field is all it takes: Python's argument, its check, the option, the file's metadata, the folder's default."""
    pipe = copy.copy(pipeline)
    pipe.defaults = WithVolume(**pipeline.defaults.to_dict(), volume=0.5)
    result = pipe(PROMPT, **QUICK, volume=0.25)
    assert result.settings["volume"] == 0.25
    assert read_metadata(result.save(tmp_path / "song.wav")[0])["volume"] == "0.25"
    assert refused(pipe, PROMPT, volume=3.0) == "volume=3: must be 0 to 2; 1 is usual"
    with pytest.raises(TypeError, match="'volume'"):
        pipeline(PROMPT, volume=0.25)
    parser = argparse.ArgumentParser()
    add_sampling_options(parser, config=WithVolume)
    assert given_settings(parser.parse_args(["--volume", "0.5"]), WithVolume) == {"volume": 0.5}
    assert "--volume V" in parser.format_help() and "how loud" in parser.format_help()
    pipe.save_pretrained(tmp_path / "model")
    assert json.loads((tmp_path / "model" / "model_index.json").read_text())["defaults"]["volume"] == 0.5


def test_the_flat_arguments_are_the_fields():
    names = list(inspect.signature(Mousai.__call__).parameters)
    assert [name for name in names if name in settings_of(SamplingConfig)] == list(settings_of(SamplingConfig))
    assert "guidance_scale: how closely" in Mousai.__call__.__doc__
    decoding = inspect.signature(Mousai.decode).parameters
    assert "griffin_lim" in decoding and "sampler" not in decoding
