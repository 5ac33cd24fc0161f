"""Callbacks of a step, interruption and progress bars."""

import copy

import pytest
import torch

from mousai.pipeline import Mousai
from tests.mousai.pipeline.quick_calls import PROMPT, QUICK
from tests.mousai.refusing import refused


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
