"""Chords and section of a stream."""

from pathlib import Path

import pytest
import torch

from mousai.conditioning.attributes import MusicAttributes
from mousai.conditioning.control_plan import control_plan
from mousai.errors import UserError
from mousai.pipeline import Mousai
from mousai.sampling_config import SamplingConfig
from mousai.streaming.clock import BarClock
from mousai.streaming.stream_prompt import StreamPrompt

QUICK = {"num_inference_steps": 2, "inpaint_resamples": 1, "seed": 5}
BAR = 2.0


@pytest.fixture(scope="module")
def pipe(controlled_model: Path) -> Mousai:
    pipe = Mousai.from_pretrained(controlled_model, dtype="float32", device="cpu")
    pipe.set_progress_bar_config(disable=True)
    return pipe


def test_the_chords_of_an_update_begin_with_their_first_at_its_bar_and_go_on_in_another_tempo():
    now = StreamPrompt(prompt="piano, 120 bpm").with_controls(control_plan(chords="Dm G C"), bar=5)
    begun = BarClock(120.0)
    slower = now.updated(prompt=None, negative_prompt=None, known=MusicAttributes(tempo=60.0))
    for asked, clock, bar in ((now, begun, 2.0), (slower, begun.changed(60.0, 9), 4.0)):
        request = asked.request(SamplingConfig(), 0, clock)
        start = clock.second_of(11)
        placed = request.controls.placed(request.attributes, start, start + 2 * bar)
        assert [(pytest.approx(first - start), label) for first, _, label in placed.chords] == [
            (0.0, "D:min"),  # two turns of three bars after bar 5
            (bar, "G:maj"),
        ]


def test_chords_and_section_change_the_music_and_an_update_only_what_comes_after_it(pipe):
    def heard(*, update: dict | None = None, **given) -> torch.Tensor:
        with pipe.stream("calm piano, 120 bpm", **QUICK, **given) as stream:
            first = next(stream).audio
            if update:
                assert stream.update(**update).bar == 2
            return torch.cat([first, *(next(stream).audio for _ in range(2))], dim=1)

    plain = heard()
    assert not torch.equal(plain, heard(chords="Am F")) and not torch.equal(plain, heard(section="chorus"))
    before, after = heard(chords="Am F"), heard(chords="Am F", update={"chords": "D G"})
    bar = round(BAR * 48000)
    assert torch.equal(before[:, :bar], after[:, :bar]) and not torch.equal(before[:, bar:], after[:, bar:])


def test_what_a_stream_cannot_follow(pipe, saved_model):
    with pytest.raises(UserError, match="must be bars in a stream"):
        pipe.stream("piano, 120 bpm", chords=[("Am", 0.0)])
    with pytest.raises(UserError, match="need a tempo"):
        pipe.stream("piano", chords="Am")
    with pytest.raises(UserError, match="not trained with the control chords"):
        Mousai.from_pretrained(saved_model, device="cpu").stream("piano, 120 bpm", chords="Am")
