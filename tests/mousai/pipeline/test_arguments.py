"""Arguments that are impossible or contradict each other are refused in one line."""

import copy

import pytest
import torch

from mousai import MusicAttributes, arguments
from mousai.pipeline import Mousai
from tests.mousai.pipeline.quick_calls import PROMPT, STEPS
from tests.mousai.refusing import refused
from vdiffusion import SAMPLER_NAMES


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
        ({"generator": [7]}, "generator='int': must be a torch.Generator or a list of them"),
        ({"prompt": [3]}, "prompt=3: must be a sentence or a list of sentences"),
        ({"prompt": None}, "prompt: must be a sentence or a list of sentences"),
        ({"prompt": "\ud800"}, "is not text; give it as UTF-8"),
        ({"attributes": {"tempo": 90}}, "attributes='dict': must be MusicAttributes"),
        ({"attributes": MusicAttributes(tempo=0)}, "tempo=0: must be 30 to 300 beats per minute"),
        ({"attributes": MusicAttributes(tempo=float("nan"))}, "tempo=nan: must be 30 to 300 beats per minute"),
        ({"attributes": MusicAttributes(tempo="fast")}, "tempo='fast': must be 30 to 300 beats per minute"),
        ({"attributes": MusicAttributes(key=(13, True))}, "key=(13, True): must be (pitch class 0 to 11, whether"),
        ({"attributes": MusicAttributes(key="A minor")}, "key='A minor': must be (pitch class 0 to 11, whether"),
        ({"attributes": MusicAttributes(lead="kazoo")}, "lead='kazoo': must be one of"),
        ({"attributes": MusicAttributes(first_downbeat=float("inf"))}, "first_downbeat=inf: must be a number of"),
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
    assert refused(pipeline, []) == "prompt: give at least one sentence (it may be empty)"


def test_what_is_too_long(monkeypatch: pytest.MonkeyPatch):
    longest = arguments.LONGEST_PROMPT
    assert arguments.prompts_of("x" * longest) == ["x" * longest]
    assert f"has {longest + 1} characters; {longest} are the most" in refused(arguments.prompts_of, "x" * (longest + 1))
    monkeypatch.setattr(arguments, "MAX_DURATION", 0.1)
    arguments.check_recording("init_audio", torch.zeros(2, 4800), sample_rate=48000)
    said = refused(arguments.check_recording, "init_audio", torch.zeros(2, 4801), sample_rate=48000)
    assert said == "init_audio: is longer than 0.1 s; cut it into parts"


def test_parts_of_different_models(pipeline: Mousai):
    wide = copy.deepcopy(pipeline.text_encoder)
    object.__setattr__(wide.model.config, "d_model", 64)
    assert "64" in refused(Mousai, wide, pipeline.latent_diffusion, pipeline.autoencoder)
    other = copy.deepcopy(pipeline.autoencoder)
    object.__setattr__(other.config, "latent_channels", 9)
    assert "9" in refused(Mousai, pipeline.text_encoder, pipeline.latent_diffusion, other)
