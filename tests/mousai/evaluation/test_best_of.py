"""Best of several pieces, with a pipeline that plays another chord progression for every seed."""

from typing import Any

import pytest
import torch

from mousai import MousaiOutput
from mousai.conditioning.attributes import MusicAttributes
from mousai.errors import UserError
from mousai.evaluation.best_of import PieceVerdict, best_of, judge_piece
from tests.mousai.evaluation.sounds import RATE, chords

CADENCE = ((0, 4, 7), (5, 9, 12), (7, 11, 14), (0, 4, 7))


class Transposer:
    """A pipeline: seed k plays a cadence k semitones above F major, a chord every 0.6 s."""

    controls = ("chords",)

    def __init__(self) -> None:
        self.seeds: list[int] = []

    def __call__(self, prompt: str, *, seed: int, **arguments: Any) -> MousaiOutput:
        self.seeds.append(seed)
        progression = [tuple(53 + seed + note for note in chord) for chord in CADENCE]
        sound = torch.from_numpy(chords(progression, seconds=0.6, times=4))
        return MousaiOutput(audios=sound[None, None], sample_rate=RATE, seeds=(seed,), prompts=(prompt,))


def test_the_piece_in_the_key_that_was_asked_for_is_chosen():
    pipe = Transposer()
    made, verdict = best_of(pipe, "a hymn in A major", 6, seed=0)  # type: ignore[arg-type]
    assert pipe.seeds == [0, 1, 2, 3, 4, 5]
    assert made.seed == 4 and verdict.heard["key"] == "A major"
    assert list(verdict.scores) == ["key"] and -1 < verdict.total <= 0
    assert str(verdict) == f"key A major (asked A major); log-probability {verdict.total:.2f}"


def test_attributes_count_for_more_than_the_prompt():
    made, verdict = best_of(Transposer(), "in A major", 2, seed=0, attributes=MusicAttributes(key=(5, False)))  # type: ignore[arg-type]
    assert made.seed == 0 and verdict.asked == {"key": "F major"}


def test_the_sum_of_all_scores_decides():
    verdict = PieceVerdict(heard={}, asked={}, scores={"tempo": -4.0, "key": -0.5})
    assert verdict.total == -4.5


def test_the_piece_with_the_chords_that_were_asked_for_is_chosen():
    written = [("A", 0.0), ("D", 0.6), ("E", 1.2), ("A", 1.8), ("D", 3.0), ("E", 3.6), ("A", 4.2)]
    made, verdict = best_of(Transposer(), "a hymn", 6, seed=0, chords=written)  # type: ignore[arg-type]
    assert made.seed == 4 and verdict.asked == {"chords": "all"} and verdict.total > -1


def test_chords_that_are_no_triads_do_not_count():
    sound = chords([(60, 67)], seconds=4.0)[None]
    verdict = judge_piece(sound, sample_rate=RATE, asked=MusicAttributes(), chords=[(0.0, 4.0, "C:5")])
    assert verdict.scores == {}


@pytest.mark.parametrize(
    ("prompt", "count", "message"),
    [
        ("jazz", 2, "prompt='jazz': names no tempo, key or lead"),
        ("jazz, 120 bpm", 0, "best_of=0: must be 1 to"),
        ("jazz, 120 bpm", True, "best_of=True: must be 1 to"),
        (["jazz, 120 bpm"], 2, "prompt: must be one sentence"),
    ],
)
def test_what_cannot_be_chosen_from(prompt: Any, count: Any, message: str):
    pipe = Transposer()
    with pytest.raises(UserError) as caught:
        best_of(pipe, prompt, count)  # type: ignore[arg-type]
    assert message in str(caught.value)
    assert pipe.seeds == []


def test_chords_that_no_judge_can_name_are_refused():
    with pytest.raises(UserError, match="hold no major or minor triad"):
        best_of(Transposer(), "a hymn", 2, seed=0, chords=[("C5", 0.0)])  # type: ignore[arg-type]


def test_latents_are_refused():
    pipe = Transposer()
    with pytest.raises(UserError, match="makes no sound that the judges could hear"):
        best_of(pipe, "jazz, 120 bpm", 2, output_type="latent")  # type: ignore[arg-type]
    assert pipe.seeds == []
