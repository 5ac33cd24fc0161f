"""What every test of the workspace shares."""

import os
import types
from collections.abc import Callable
from itertools import accumulate

import pytest
from hypothesis import settings

if "PYTEST_XDIST_WORKER" in os.environ:
    # The tests are a process on each core already. It must be set before torch is imported.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from benchmarks.authors import load_authors

# No deadline: on a busy machine a quick example may take long once, and that is no failure. Nothing is printed or kept
# between runs either, so that a run in a fresh clone and one beside other work do the same.
settings.register_profile("mousai", deadline=None, max_examples=30, database=None)
settings.load_profile("mousai")


@pytest.fixture(scope="session")
def authors() -> types.SimpleNamespace:
    """The authors' packages as modules: `unet` (a_unet), `diffusion` (audio_diffusion_pytorch), `encoders`."""
    return load_authors()


@pytest.fixture(scope="session")
def tensor_memory() -> Callable[[Callable[[], object]], int]:
    """`tensor_memory(call)` -> bytes of tensors that a call holds at most, its result among them, and no bytes before.

    They are those that PyTorch asks for, so that neither the allocator below it nor the machine makes a difference.
    """
    import torch

    def held(call: Callable[[], object]) -> int:
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
            result = call()
        told = [one for one in profile.profiler.kineto_results.events() if one.name() == "[memory]"]
        del result
        return max(accumulate(one.nbytes() for one in sorted(told, key=lambda one: one.start_ns())), default=0)

    return held
