"""Seeing what a net is asked, for the tests of the upsampler and the vocoder."""

from typing import Any

from torch import Tensor


def shapes_seen(model: Any) -> set[tuple[int, ...]]:
    """The shapes at which `model.denoise` is called from now on; each beside an initial estimate of that shape."""
    seen: set[tuple[int, ...]] = set()
    denoise = model.denoise

    def watched(x_t: Tensor, t: Tensor, *, initial_estimate: Tensor) -> Tensor:
        seen.add(tuple(x_t.shape))
        assert initial_estimate.shape == x_t.shape
        return denoise(x_t, t, initial_estimate=initial_estimate)

    model.denoise = watched
    return seen
