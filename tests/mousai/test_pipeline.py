import copy
import dataclasses
from pathlib import Path

import pytest
import torch

import mousai.storage.folders
from mousai import UserError
from mousai.codec import compile_net
from mousai.pipeline import Mousai
from mousai.sampling_config import SamplingConfig, check_settings
from mousai.storage.folders import describe, model_folder
from mousai.storage.weights import CheckpointError
from unet1d import Level, UNet1d, UNet1dConfig
from vdiffusion import SAMPLER_NAMES, TIME_GRID_NAMES

PROMPT = "calm piano pop, 100 bpm"
QUICK = {"duration": 0.1, "num_inference_steps": 2, "decoder_steps": 2}


@pytest.fixture(scope="module")
def pipeline(saved_model: Path) -> Mousai:
    return Mousai.from_pretrained(saved_model, dtype="float32")


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
    settings = {**QUICK, "seed": 1, "init_audio": 0.3 * torch.sin(torch.arange(4801) / 20).expand(2, -1)}
    for grid in TIME_GRID_NAMES:
        assert bool(pipeline(PROMPT, **settings, strength=0.5, time_grid=grid).audios.isfinite().all())
    message = refused(pipeline, PROMPT, **settings, strength=1e-3, time_grid="log_snr")
    assert message == "strength=0.001: is too little for the time grid 'log_snr'; give more, or choose 'uniform'"


# ---- guidance


def test_at_scale_one_the_negative_prompt_counts_for_nothing(pipeline: Mousai):
    settings = {**QUICK, "guidance_scale": 1.0, "seed": 1}
    plain = pipeline(PROMPT, **settings).audios
    assert torch.equal(pipeline(PROMPT, **settings, negative_prompt="fast metal").audios, plain)


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


def test_an_item_of_the_middle_alone(pipeline: Mousai):
    text = pipeline.text_encoder([PROMPT, "metal", "jazz"])
    third = pipeline.text_encoder(["jazz"])
    latents = pipeline.latent_diffusion.sample(text, frames=7, num_steps=2, seed=3)
    assert close(pipeline.latent_diffusion.sample(third, frames=7, num_steps=2, seed=3, items=[2]), latents[2:])


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
    settings = {**QUICK, "duration": 5.0, "seed": 1, "init_audio": recording}
    hardly, half, whole = (pipeline(PROMPT, **settings, strength=s).audios for s in (1e-4, 0.5, 1.0))
    assert hardly.shape == (1, 2, 4801)  # the recording's length and not `duration`
    again = pipeline.decode(pipeline.encode(recording[None]), length=4801, seed=1, decoder_steps=2)
    assert torch.allclose(hardly, again, atol=0.02)
    assert not torch.allclose(half, again, atol=0.02)
    # All of it replaced: the recording is gone.
    plain = pipeline(PROMPT, **{**QUICK, "duration": 4801 / 48000}, seed=1).audios
    assert close(whole, plain) and not close(half, plain)


def test_a_recording_of_another_shape_is_refused(pipeline: Mousai):
    for shape in ([2], [1, 2, 100], [1, 100], [2, 0]):
        assert "init_audio" in refused(pipeline, PROMPT, **QUICK, init_audio=torch.zeros(shape))


# ---- progress


def test_the_callback_is_told_every_step(pipeline: Mousai):
    told: list[tuple[str, int, int]] = []
    pipeline(
        PROMPT,
        duration=0.1,
        num_inference_steps=3,
        decoder_steps=2,
        callback_on_step_end=lambda *step: told.append(step),
    )
    assert told == [("latent_diffusion", k, 3) for k in (1, 2, 3)] + [("decoder", k, 2) for k in (1, 2)]


def test_decode_limits_a_loud_moment_and_leaves_the_rest(pipeline: Mousai, monkeypatch: pytest.MonkeyPatch):
    loud = torch.full((2, 2, 48_000), 0.25)
    loud[0, 1, 24_000] = -2.0
    monkeypatch.setattr(pipeline.autoencoder, "decode", lambda latent, **settings: loud.clone())
    found = pipeline.decode(torch.zeros(2, 8, 1))
    assert float(found[0].abs().max()) == pytest.approx(0.99, rel=0.01)
    assert torch.equal(found[0, :, :20_000], loud[0, :, :20_000])
    assert torch.equal(found[1], loud[1])


def test_decode_turns_down_what_no_limiter_could_hold(pipeline: Mousai, monkeypatch: pytest.MonkeyPatch):
    loud = torch.full((1, 2, 48_000), 0.25)
    loud[0, :, 24_000] = 39.6  # ten times 0.99, times four
    monkeypatch.setattr(pipeline.autoencoder, "decode", lambda latent, **settings: loud.clone())
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
        ({"strength": 0.0}, "strength=0"),
        ({"strength": 1.5}, "strength=1.5"),
        ({"strength": float("nan")}, "strength=nan"),
    ],
)
def test_impossible_settings(pipeline: Mousai, monkeypatch: pytest.MonkeyPatch, settings: dict, words: str):
    monkeypatch.setattr(pipeline.latent_diffusion, "sample", None)  # refused before it is needed
    assert words in refused(pipeline, PROMPT, **{"duration": 0.1, **settings})
    if settings != {"duration": 1e-9}:  # depends on the model's rate
        assert words in refused(check_settings, **settings)


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
    assert "owner/name at gone: no such revision" in refused(model_folder, "owner/name", revision="gone")
    assert asked == [("owner/name", "abc"), ("owner/name", "gone")]


def test_a_folder_that_is_no_model(tmp_path: Path):
    with pytest.raises(CheckpointError, match=r"model_index\.json does not exist"):
        Mousai.from_pretrained(tmp_path)
    with pytest.raises(ValueError, match="float16"):
        Mousai.from_pretrained(tmp_path, dtype="float16")
