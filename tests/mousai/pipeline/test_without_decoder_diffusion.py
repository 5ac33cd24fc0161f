"""`decoder_steps=0`: the sound of Griffin-Lim as it is, in every verb that decodes."""

from pathlib import Path

import pytest
import torch

from mousai import Codec, Mousai, SamplingConfig, UserError
from mousai.evaluation.metrics.autoencoder import ESTIMATE_ROUTE, default_route, routes

NONE = {"decoder_steps": 0, "griffin_lim": 4}


@pytest.fixture
def unasked(pipeline: Mousai, monkeypatch: pytest.MonkeyPatch) -> Mousai:
    """A pipeline whose decoder net must not be asked."""

    def never(*args: object, **conditions: object) -> torch.Tensor:
        raise AssertionError("the net of the decoder was evaluated")

    monkeypatch.setattr(pipeline.autoencoder, "denoise", never)
    return pipeline


def test_a_piece_is_made_and_says_so(unasked: Mousai):
    made = unasked("calm piano", duration=0.5, num_inference_steps=2, seed=1, **NONE)
    assert made.audios.shape == (1, 2, 24000) and float(made.audios.abs().max()) > 0
    assert (made.settings["decoder_steps"], made.settings["griffin_lim"]) == (0, 4)
    same = unasked("calm piano", duration=0.5, num_inference_steps=2, seed=1, **NONE)
    assert same.audios.equal(made.audios)
    latent = unasked("calm piano", duration=0.5, num_inference_steps=2, seed=1, output_type="latent").audios
    assert unasked.decode(latent, length=24000, seed=1, **NONE).equal(made.audios)


def test_every_bar_is_finished(unasked: Mousai):
    heard: list[tuple[str, int, int]] = []
    unasked.set_progress_bar_config(disable=True, listener=lambda *one: heard.append(one))
    unasked("calm piano", duration=0.2, num_inference_steps=2, seed=1, **NONE)
    unasked.set_progress_bar_config(disable=True)
    assert heard == [("latent_diffusion", 1, 2), ("latent_diffusion", 2, 2), ("decoder", 1, 1)]


def test_loops_and_streams_do_without_too(unasked: Mousai):
    loop = unasked.loop("piano", bars=1, tempo=240, seed=1, num_inference_steps=1, guidance_scale=1.0, **NONE)
    assert loop.audios.shape[-1] == 48000
    with unasked.stream("piano, 240 bpm", seed=1, num_inference_steps=1, **NONE) as stream:
        assert next(stream).audio.shape[-1] > 0


def test_with_neither_there_would_be_no_sound(pipeline: Mousai):
    for wrong in (
        lambda: SamplingConfig(decoder_steps=0),
        lambda: pipeline("calm piano", duration=0.1, decoder_steps=0, griffin_lim=0),
        lambda: pipeline.decode(torch.zeros(1, 8, 4), decoder_steps=0),
    ):
        with pytest.raises(UserError) as caught:
            wrong()
        assert str(caught.value) == "decoder_steps=0: must be 1 or more where griffin_lim is 0"
    with pytest.raises(UserError) as caught:  # as the bundled model's settings are, without Griffin-Lim
        SamplingConfig(decoder_steps=0, griffin_lim=32, decoder_start=0.03).updated({"griffin_lim": 0})
    assert str(caught.value) == "decoder_steps=0: must be 1 or more where griffin_lim is 0, and decoder_start 1"


def test_a_report_names_the_route_by_its_steps(saved_model: Path):
    codec = Codec.from_pretrained(saved_model, dtype="float32")
    codec.defaults = codec.defaults.updated(NONE)
    assert default_route(codec) == f"{ESTIMATE_ROUTE} (default)"
    assert list(routes(codec, steps=(1,)))[:2] == [f"{ESTIMATE_ROUTE} (default)", "model, 1 step"]
    codec.defaults = codec.defaults.updated({"decoder_steps": 1})
    assert list(routes(codec, steps=(1, 4)))[:3] == ["model, 1 step (default)", "model, 4 steps", ESTIMATE_ROUTE]
