"""Long sound is checked, limited and written without a copy of all of it."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from mousai.arguments import all_finite
from mousai.audio.files import write_audio
from mousai.codec import CEILING, limited

SAMPLES = 2**22


def array_memory(call: Callable[[], object]) -> int:
    """Bytes that a call holds at most in NumPy and Python, beside what was there."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        call()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.fixture
def sound() -> torch.Tensor:
    """A decoded waveform that was cut to its length, so that its channels do not follow each other in memory."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(1, 2, SAMPLES + 100, generator=generator)[..., :SAMPLES]


def test_a_cut_waveform_is_limited_in_place(
    sound: torch.Tensor, tensor_memory: Callable[[Callable[[], object]], int]
) -> None:
    size, first = sound.numel() * 4, sound.data_ptr()
    taken = array_memory(lambda: limited(sound))
    assert sound.abs().max() <= CEILING  # so it was the limiter that ran
    assert taken < size / 2
    assert tensor_memory(lambda: limited(sound)) < size / 7
    assert limited(sound).data_ptr() == first


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_one_sample_of_many_is_found(sound: torch.Tensor, number: float) -> None:
    assert all_finite(sound) and all_finite(sound[0]) and all_finite(sound[0, 0])
    for place in (0, 2**18 - 1, 2**18, SAMPLES - 1):
        before = float(sound[0, 1, place])
        sound[0, 1, place] = number
        assert not all_finite(sound) and not all_finite(sound[0, 1]) and all_finite(sound[0, 0])
        sound[0, 1, place] = before


def test_a_long_waveform_is_written_in_pieces(sound: torch.Tensor, tmp_path: Path) -> None:
    loud = sound[0] / sound.abs().max()
    taken = array_memory(lambda: write_audio(tmp_path / "a.wav", loud, 48000))
    assert taken < loud.numel() * 4 / 4
    assert np.isclose(loud.abs().max(), 1.0)
