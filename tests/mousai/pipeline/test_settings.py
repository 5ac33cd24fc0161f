"""Settings: each one matters, the model has defaults for them, and a new one is one field."""

import argparse
import copy
import dataclasses
import inspect
import json
from pathlib import Path

import pytest
import torch

from dmae import DMAE, DMAEConfig
from mousai.audio.files import read_metadata
from mousai.cli.common.sampling_options import add_sampling_options, given_settings
from mousai.pipeline import Mousai
from mousai.sampling_config import SamplingConfig
from mousai.settings import setting, settings_of
from tests.mousai.pipeline.quick_calls import PROMPT, QUICK, close
from tests.mousai.refusing import refused

PLAIN = DMAEConfig.paper()
"""Sizes of an autoencoder without a magnitude prior."""


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


def test_a_default_that_is_none_is_named_with_the_nearest():
    said = refused(SamplingConfig().updated, {"guidance": 3.0})
    assert said == "guidance=3: is no setting of sampling; did you mean 'guidance_scale'?"


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


def test_griffin_lim_needs_magnitudes_to_begin_from(pipeline: Mousai):
    pipe = copy.copy(pipeline)
    with torch.device("meta"):  # nothing of it is computed
        pipe.autoencoder = DMAE(PLAIN)
    message = "griffin_lim=4: needs an autoencoder with a magnitude prior, which this model has not; only 0 would do"
    assert refused(pipe, PROMPT, griffin_lim=4) == message
    assert refused(pipe.loop, PROMPT, tempo=120, bars=1, griffin_lim=4) == message
    assert refused(pipe.decode, torch.zeros(1, PLAIN.latent_channels, 4), griffin_lim=4) == message
