"""Updates of a stream: from which bar they hold, and what they change."""

from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mousai import Mousai, MusicAttributes, MusicStream, UserError
from mousai.arguments import PromptCutWarning
from mousai.streaming.clock import BarClock
from mousai.streaming.stream_prompt import StreamPrompt

from .conftest import PROMPT

Make = Callable[..., MusicStream]
Sound = Callable[[MusicStream, int], Tensor]
NEW = "fast metal in A minor with distorted guitars and drums"
RATE = 48000


def test_a_new_prompt_holds_from_the_next_bar_on(stream: Make, sound: Sound):
    plain = sound(stream(), 4)
    playing = stream()
    before = list(islice(playing, 2))
    change = playing.update(prompt=NEW)
    assert (change.bar, change.seconds, str(change)) == (3, 3.0, "from bar 3 on, at 3.0 s")
    after = list(islice(playing, 2))
    assert [chunk.prompt for chunk in before + after] == [PROMPT, PROMPT, NEW, NEW]
    assert [chunk.bar for chunk in after] == [3, 4] and after[0].tempo == 160  # which the new prompt does not name
    made = torch.cat([chunk.audio for chunk in before + after], dim=-1)
    assert torch.equal(made[:, : 3 * RATE], plain[:, : 3 * RATE])
    late = slice(round(3.2 * RATE), 6 * RATE)
    change_of_sound = (made[:, late] - plain[:, late]).square().mean() / plain[:, late].square().mean()
    assert float(change_of_sound) > 0.1


def test_the_same_updates_at_the_same_bars_make_the_same_music(stream: Make):
    def play() -> Tensor:
        playing, parts = stream(), []
        for bar in range(5):
            parts.append(next(playing).audio)
            if bar == 1:
                playing.update(prompt=NEW)
            if bar == 3:
                playing.update(tempo=130, negative_prompt="drums")
        return torch.cat(parts, dim=-1)

    assert torch.equal(play(), play())


def test_an_update_before_the_first_bar_is_the_beginning(stream: Make, sound: Sound):
    playing = stream("slow jazz trio at 72 bpm in F major")
    assert str(playing.update(prompt=PROMPT)) == "from bar 1 on, at 0.0 s"
    assert torch.equal(sound(playing, 2), sound(stream(), 2))


def test_a_new_tempo_moves_the_bars_after_it(stream: Make):
    playing = stream()
    next(playing)
    change = playing.update(tempo=120)
    chunks = list(islice(playing, 2))
    assert (change.bar, change.seconds, playing.tempo) == (2, 1.5, 120)
    assert [(chunk.bar, chunk.start_seconds, chunk.seconds) for chunk in chunks] == [(2, 1.5, 2.0), (3, 3.5, 2.0)]


def test_each_window_goes_on_from_the_one_before(stream: Make, pipe: Mousai, monkeypatch: pytest.MonkeyPatch):
    asked: list[tuple[Any, Any]] = []
    plain = pipe.latent_diffusion.sample

    def watched(cond: Any, **settings: Any) -> Tensor:
        made = plain(cond, **settings)
        asked.append((cond, made))
        return made

    monkeypatch.setattr(pipe.latent_diffusion, "sample", watched)
    playing = stream()
    list(islice(playing, 3))
    playing.update(tempo=120)
    next(playing)
    (first, made), (second, after), *_, (changed, _) = asked
    rate = 48000 / 1024
    assert first.known_mask is None and first.start_seconds == [0.0]
    known = int(second.known_mask.sum())
    assert known == round(1.5 * rate) and bool(second.known_mask[0, 0, :known].all())
    assert torch.equal(second.known_latent[..., :known], made[..., -known:])
    torch.testing.assert_close(after[..., :known], made[..., -known:])
    assert second.start_seconds == [(made.shape[-1] - known) / rate]
    # After a change: little of what was before it, in the clock that begins with the bar.
    assert int(changed.known_mask.sum()) == round(0.5 * rate)
    assert changed.start_seconds[0] == pytest.approx(4.5 - 0.5, abs=2 / rate)
    assert (changed.attributes[0].tempo, changed.attributes[0].first_downbeat) == (120, 4.5)


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ("nothing to change", {}),
        ("tempo=0: must be 30 to 300", {"tempo": 0}),
        ("prompt=['a']: must be one sentence", {"prompt": ["a"]}),
        ("attributes='int': must be", {"attributes": 3}),
    ],
)
def test_an_impossible_update_changes_nothing(stream: Make, words: str, changes: dict[str, Any]):
    playing = stream()
    with pytest.raises(UserError) as caught:
        playing.update(**changes)
    assert words in str(caught.value) and "\n" not in str(caught.value)
    assert (playing.prompt, playing.tempo) == (PROMPT, 160)


def test_a_prompt_that_is_not_read_to_its_end_is_told(stream: Make):
    playing = stream()
    with pytest.warns(PromptCutWarning, match="not seen of it"):
        playing.update(prompt=" ".join(["piano and drums"] * 80))


def test_what_a_new_prompt_leaves_and_what_it_replaces():
    current = StreamPrompt(prompt="house, 124 bpm, A minor", known=MusicAttributes(lead="piano"))
    nothing = MusicAttributes()
    jazz = current.updated(prompt="jazz trio", negative_prompt=None, known=nothing)
    assert jazz.attributes == MusicAttributes(tempo=124, key=None, lead="piano")
    faster = jazz.updated(prompt="swing, 180 bpm, F major", negative_prompt="drums", known=nothing)
    assert faster.attributes == MusicAttributes(tempo=180, key=(5, False), lead="piano")
    assert faster.negative_prompt == "drums"
    told = faster.updated(prompt=None, negative_prompt=None, known=MusicAttributes(tempo=90))
    assert told.prompt == faster.prompt and told.attributes.tempo == 90
    both = told.updated(prompt="waltz, 150 bpm", negative_prompt=None, known=MusicAttributes(tempo=100))
    assert both.attributes.tempo == 100 and both.negative_prompt == "drums"


@given(tempo=st.floats(30, 300), bar=st.integers(1, 10**5), new=st.floats(30, 300))
def test_bars_of_a_clock(tempo: float, bar: int, new: float):
    clock = BarClock(tempo)
    assert clock.position(clock.second_of(bar)) == (bar, 1.0)
    number, beat = clock.position(clock.second_of(bar) + 60 / tempo)
    assert number == bar and beat == pytest.approx(2.0, abs=1e-3)
    changed = clock.changed(new, bar)
    assert changed.second_of(bar) == clock.second_of(bar)
    assert changed.second_of(bar + 1) - changed.second_of(bar) == pytest.approx(240 / new, abs=1e-6)
    assert clock.changed(tempo, bar) is clock
