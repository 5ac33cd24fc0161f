"""Music without end: its chunks, its repeatability, and its memory."""

import threading
from collections.abc import Callable
from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from dmae import StreamingDecoder
from mousai import Mousai, MusicAttributes, MusicStream, UserError
from mousai.audio.limiter import limit
from mousai.codec import CEILING
from tests.mousai.refusing import refused

from .conftest import PROMPT, QUICK

Make = Callable[..., MusicStream]
Sound = Callable[[MusicStream, int], Tensor]
RATE = 48000


def test_chunks_are_bars_one_after_the_other(stream: Make):
    chunks = list(islice(stream(), 5))
    assert [(chunk.bar, chunk.beat, chunk.tempo) for chunk in chunks] == [(k, 1.0, 160.0) for k in range(1, 6)]
    assert all(chunk.audio.shape == (2, 1.5 * RATE) and chunk.audio.dtype == torch.float32 for chunk in chunks)
    assert all(after.start_seconds == one.start_seconds + one.seconds for one, after in pairwise(chunks))
    loudest = max(float(chunk.audio.abs().max()) for chunk in chunks)
    assert 0.01 < loudest <= CEILING + 1e-6 and all(chunk.audio.std() > 1e-3 for chunk in chunks)


def test_bars_that_are_no_whole_number_of_samples_add_up(stream: Make):
    chunks = list(islice(stream(tempo=173.3), 4))
    bar = 240 / 173.3
    assert [chunk.bar for chunk in chunks] == [1, 3, 5, 7]  # two bars: one is shorter than 1.5 s
    assert [round(chunk.start_seconds * RATE) for chunk in chunks] == [round(2 * k * bar * RATE) for k in range(4)]
    assert all(chunk.beat == 1.0 for chunk in chunks)


def test_without_a_tempo_there_are_steps_and_no_bars(stream: Make):
    playing = stream("calm piano pop")
    chunks = list(islice(playing, 2))
    assert [(chunk.bar, chunk.beat, chunk.tempo, chunk.seconds) for chunk in chunks] == [(None, None, None, 2.0)] * 2
    change = playing.update(prompt="fast metal")
    assert (change.bar, change.seconds, str(change)) == (None, 4.0, "at 4.0 s")
    change = playing.update(tempo=160)
    assert str(change) == "from bar 3 on, at 4.0 s"
    assert next(playing).seconds == 1.5


def test_the_seed_makes_it_repeatable(stream: Make, sound: Sound):
    first, again, other = (sound(stream(**seed), 3) for seed in ({}, {}, {"seed": 4}))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first[:, :RATE], first[:, 3 * RATE : 4 * RATE])


@pytest.mark.parametrize("seconds", [0.37, 4.0])
def test_the_length_of_chunks_does_not_change_the_sound(stream: Make, sound: Sound, seconds: float):
    bars = sound(stream(), 4)
    chunks = list(islice(stream(chunk_seconds=seconds), int(6 / seconds)))
    joined = torch.cat([chunk.audio for chunk in chunks], dim=-1)
    assert torch.equal(joined, bars[:, : joined.shape[-1]])
    assert all(abs(chunk.audio.shape[-1] - seconds * RATE) <= 1 for chunk in chunks)
    starts = [k * seconds for k in range(len(chunks))]
    assert [chunk.start_seconds for chunk in chunks] == pytest.approx(starts, abs=1e-4)
    for chunk in chunks:
        assert chunk.bar == 1 + int(chunk.start_seconds / 1.5 + 1e-4)
        assert chunk.beat == pytest.approx(1 + 4 * (chunk.start_seconds / 1.5 + 1 - chunk.bar), abs=1e-6)


def kept_bytes(one: Any, seen: set[int]) -> int:
    """Bytes of all tensors that an object holds, but for those of the model."""
    if id(one) in seen or isinstance(one, Mousai | torch.nn.Module):
        return 0
    seen.add(id(one))
    if isinstance(one, Tensor):
        return one.untyped_storage().nbytes()
    if isinstance(one, list | tuple | set) or type(one).__name__ == "deque":
        return sum(kept_bytes(part, seen) for part in one)
    inside = one.values() if isinstance(one, dict) else getattr(one, "__dict__", {}).values()
    return sum(kept_bytes(part, seen) for part in inside)


def test_what_is_kept_does_not_grow(stream: Make):
    playing, sizes = stream(), []
    for bar, _ in enumerate(islice(playing, 12)):
        if bar % 4 == 2:
            playing.update(prompt=("fast metal in A minor", "slow jazz trio", "hip hop beat")[bar // 4])
        sizes.append(kept_bytes(playing, set()))
    assert 0 < max(sizes[6:]) <= max(sizes[:6])


def test_the_limiter_hears_over_the_borders(stream: Make, monkeypatch: pytest.MonkeyPatch, sound: Sound):
    raw: list[Tensor] = []
    plain = StreamingDecoder.__call__

    def loud(self: Any, *args: Any, **settings: Any) -> Tensor:
        made = plain(self, *args, **settings)
        gain = 0.9 * CEILING / made.abs().mean() / 3
        made, self.tail = made * gain, self.tail * gain
        raw.append(made)
        return made

    monkeypatch.setattr(StreamingDecoder, "__call__", loud)
    made = sound(stream(), 3).numpy()
    whole = torch.cat(raw, dim=-1)[0].numpy().copy()
    assert np.abs(whole).max() > 1.2
    limit(whole, ceiling=CEILING)
    assert np.abs(made).max() <= CEILING + 1e-6
    # The last samples before a border are limited before the sound after it is known to the last bit.
    apart = np.abs(made - whole)
    assert np.median(apart) == 0 and (apart > 0.02).mean() < 0.02


def test_a_stream_ends_when_it_is_closed(stream: Make):
    with stream() as playing:
        next(playing)
    assert next(playing, None) is None
    assert refused(playing.update, tempo=100) == "stream: is closed; make another one"


def test_updates_from_another_thread(stream: Make):
    playing, changes, done = stream(), [], threading.Event()

    def keep_updating() -> None:
        while not done.is_set():
            changes.append(playing.update(tempo=161 + len(changes) % 7))
            done.wait(0.002)

    thread = threading.Thread(target=keep_updating)
    thread.start()
    chunks = list(islice(playing, 4))
    done.set()
    thread.join()
    assert changes and [change.bar for change in changes] == sorted(change.bar for change in changes)
    assert [chunk.bar for chunk in chunks] == sorted({chunk.bar for chunk in chunks})
    assert all(161 <= chunk.tempo <= 167 for chunk in chunks[1:])
    assert all(abs(after.start_seconds - one.start_seconds - one.seconds) < 1e-9 for one, after in pairwise(chunks))


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ("prompt=['a', 'b']: must be one sentence", {"prompt": ["a", "b"]}),
        ("prompt=3: must be one sentence", {"prompt": 3}),
        ("prompt: has 20001 characters; 20000 are the most", {"prompt": "a" * 20_001}),
        ("is not text", {"prompt": "\udc80"}),
        ("negative_prompt=3: must be one sentence", {"negative_prompt": 3}),
        ("tempo=3000: must be 30 to 300", {"tempo": 3000}),
        ("tempo=nan: must be", {"tempo": float("nan")}),
        ("tempo='fast': must be", {"tempo": "fast"}),
        ("tempo=100: attributes say 90", {"tempo": 100, "attributes": MusicAttributes(tempo=90)}),
        ("tempo=1: must be", {"attributes": MusicAttributes(tempo=1)}),
        ("lead='kazoo': must be one of", {"attributes": MusicAttributes(lead="kazoo")}),
        ("first_downbeat=2: must be 0", {"attributes": MusicAttributes(first_downbeat=2)}),
        ("attributes='dict': must be MusicAttributes", {"attributes": {}}),
        ("seed=-1", {"seed": -1}),
        ("generator: both it and seed", {"generator": torch.Generator()}),
        ("chunk_seconds=0: must be", {"chunk_seconds": 0}),
        ("chunk_seconds=1e+09: must be", {"chunk_seconds": 1e9}),
        ("chunk_seconds='1': must be", {"chunk_seconds": "1"}),
        ("strength=0.5: ", {"strength": 0.5}),
        ("guidance_scale=1: uses no negative_prompt", {"guidance_scale": 1, "negative_prompt": "drums"}),
        ("num_inference_steps=0", {"num_inference_steps": 0}),
    ],
)
def test_what_cannot_be_streamed_is_refused_at_once(pipe: Mousai, words: str, given: dict[str, Any]):
    given = {"prompt": PROMPT, "seed": 1, **QUICK, **given}
    with pytest.raises(UserError) as caught:
        pipe.stream(given.pop("prompt"), **given)
    assert words in str(caught.value) and "\n" not in str(caught.value)
