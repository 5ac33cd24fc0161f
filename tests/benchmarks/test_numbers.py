"""What speed costs in exactness: the bounds on what `benchmarks/speed/numbers.py` prints, and that it can tell."""

import itertools

import pytest
import torch

from benchmarks.speed import numbers
from benchmarks.speed.children import run_child
from benchmarks.speed.measure import Settings
from mousai import Mousai
from vdiffusion import window_plan


def test_every_bound_holds() -> None:
    found = {figure.name: figure for figure in numbers.numbers(Settings(quick=True, compile=False))}
    assert len(found) == 6
    for name, figure in found.items():
        assert figure.holds, f"{name}: {figure.ours}"


def test_the_signal_to_noise_ratio_is_that_of_the_error() -> None:
    exact = torch.ones(4, 1000)
    assert numbers.snr(exact, exact * 1.01) == pytest.approx(40, abs=1e-3)
    assert numbers.snr(exact, exact) > 200


def test_a_hard_cut_between_windows_would_be_found() -> None:
    model = Mousai.from_pretrained(dtype="float32")
    latent = model.encode(numbers.music(14.0)[None])
    whole = numbers.decode(model, latent, window=4096)
    frames, middle = latent.shape[-1], numbers.WINDOW // 16
    _, starts = window_plan(frames, size=numbers.WINDOW, overlap=2 * middle)
    cuts = [0, *(start + middle for start in starts[1:]), frames]
    parts = [numbers.decode(model, latent[..., first:last], window=4096) for first, last in itertools.pairwise(cuts)]
    hard = torch.cat(parts, dim=-1)
    borders = numbers.seams(frames)
    assert len(borders) >= 2
    assert numbers.flux_at(hard, borders) > 1.02 * numbers.flux_at(whole, borders)
    assert numbers.log_mel_distance(whole, hard) > 0.2


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length_but_by_the_waveform(monkeypatch: pytest.MonkeyPatch) -> None:
    # Freed tensors go back at once, so that what is in use is measured, and not what the allocator holds on to.
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", str(2**20))
    short, long = (run_child("decode", seconds=seconds) for seconds in (22.0, 200.0))
    assert long["peak"] - long["wave"] < 1.3 * short["peak"]
