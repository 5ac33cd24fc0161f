"""Inpainting on data of which everything is known: a Gaussian process, whose ideal net is linear.

For data N(0, K) and x_t = alpha x + sigma eps, E[x | x_t] = alpha K C^-1 x_t and E[eps | x_t] = sigma C^-1 x_t with
C = alpha^2 K + sigma^2. What fits into a gap is known too: the conditional distribution given what surrounds it.
"""

import math
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from vdiffusion import (
    DDIM,
    DPMSolverPP,
    EulerAncestral,
    Guidance,
    Heun,
    NoiseSource,
    RePaint,
    Sampler,
    Windows,
    alpha_sigma,
    time_grid,
)

LENGTH = 32
GAP = slice(12, 20)


@dataclass(frozen=True)
class Process:
    """A stationary Gaussian process over `LENGTH` samples, as a net and as what is known of it."""

    covariance: Tensor

    def __call__(self, x_t: Tensor, t: Tensor, **conditions: Any) -> Tensor:
        alpha, sigma = (float(share[0]) for share in alpha_sigma(t.double()))
        total = alpha**2 * self.covariance + sigma**2 * torch.eye(LENGTH, dtype=torch.float64)
        whitened = x_t.double() @ torch.linalg.inv(total)  # symmetric, and well conditioned
        return (alpha * sigma * whitened - sigma * alpha * whitened @ self.covariance).to(x_t.dtype)

    def draw(self, batch: int) -> Tensor:
        noise = NoiseSource(7, range(batch)).draw([1, LENGTH], stage="truth", dtype=torch.float64)
        return noise @ torch.linalg.cholesky(self.covariance).T

    def conditional(self, kept: Tensor) -> tuple[Tensor, Tensor]:
        """The matrix that takes what is kept to the mean of the rest, and the covariance of the rest."""
        gain = torch.linalg.solve(self.covariance[kept][:, kept], self.covariance[kept][:, ~kept]).T
        return gain, self.covariance[~kept][:, ~kept] - gain @ self.covariance[kept][:, ~kept]


@pytest.fixture
def process() -> Process:
    apart = torch.arange(LENGTH, dtype=torch.float64)
    apart = apart[:, None] - apart[None, :]
    return Process(torch.exp(-(apart**2) / (2 * 4**2)) + 0.01 * torch.eye(LENGTH, dtype=torch.float64))


@pytest.fixture
def mask() -> Tensor:
    kept = torch.ones(LENGTH, dtype=torch.bool)
    kept[GAP] = False
    return kept


def start(batch: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return NoiseSource(0, range(batch)).draw([1, LENGTH], stage="start", dtype=dtype)


def generators(batch: int) -> list[torch.Generator]:
    return NoiseSource(1, range(batch)).generators("inpainting")


def fill(net: Any, source: Tensor, mask: Tensor, *, repaint: RePaint, steps: int = 20, **settings: Any) -> Tensor:
    batch = source.shape[0]
    return repaint.sample(
        net,
        start(batch, source.dtype),
        source=source,
        mask=mask,
        generators=generators(batch),
        num_steps=steps,
        **settings,
    )


def power(x: Tensor) -> float:
    return float(x.square().mean())


# ---- what is filled in


def test_the_fill_is_closer_to_the_truth_than_one_that_ignores_the_surroundings(process: Process, mask: Tensor) -> None:
    truth = process.draw(200)
    ignoring = DDIM().sample(process, start(200), num_steps=20)
    filled = fill(process, truth, mask, repaint=RePaint(resamples=10))
    # Two independent draws of a variable of variance s differ by 2 s; here s is about 1 without the surroundings.
    assert power((ignoring - truth)[..., GAP]) == pytest.approx(2.0, rel=0.25)
    assert power((filled - truth)[..., GAP]) < 0.4 * power((ignoring - truth)[..., GAP])


@pytest.mark.slow
def test_resampling_brings_the_fill_to_the_conditional_distribution(process: Process, mask: Tensor) -> None:
    truth = process.draw(100)
    gain, covariance = process.conditional(mask)
    mean = truth[..., mask] @ gain.T
    errors = []
    for resamples in (1, 4, 16):
        filled = fill(process, truth, mask, repaint=RePaint(resamples=resamples), steps=40)
        errors.append(power(filled[..., ~mask] - mean) / float(covariance.diagonal().mean()))
    assert errors[0] > errors[1] > errors[2]  # of a draw from the conditional distribution this is 1
    assert errors[0] > 4
    assert errors[2] < 2.5


@pytest.mark.parametrize("sampler", [DDIM(), EulerAncestral(), DPMSolverPP(eta=1.0), DPMSolverPP(), Heun()], ids=str)
def test_any_sampler_can_make_the_steps(process: Process, mask: Tensor, sampler: Sampler) -> None:
    truth = process.draw(100)
    ignoring = power((DDIM().sample(process, start(100), num_steps=20) - truth)[..., GAP])
    filled = fill(process, truth, mask, repaint=RePaint(resamples=10, sampler=sampler))
    assert power((filled - truth)[..., GAP]) < 0.5 * ignoring


# ---- what is kept


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(LENGTH,), (1, LENGTH), (3, 1, LENGTH), (3, 1, 1)])
def test_what_is_kept_comes_out_exactly(process: Process, dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    source = process.draw(3).to(dtype)
    mask = torch.rand(shape, generator=torch.Generator().manual_seed(0)) < 0.5
    filled = fill(process, source, mask, repaint=RePaint(resamples=2), steps=3)
    kept = mask.expand_as(source)
    assert filled.dtype == torch.promote_types(dtype, torch.float32)
    assert torch.equal(filled[kept], source.to(filled.dtype)[kept])
    assert not torch.isclose(filled[~kept], source.to(filled.dtype)[~kept]).any()


def test_what_is_not_kept_is_never_looked_at(process: Process, mask: Tensor) -> None:
    truth = process.draw(2)
    filled = fill(process, truth, mask, repaint=RePaint(resamples=2), steps=4)
    for anything in (0.0, 1e6, math.nan, math.inf):
        holed = torch.where(mask, truth, anything)
        assert torch.equal(fill(process, holed, mask, repaint=RePaint(resamples=2), steps=4), filled)


def test_all_kept_or_nothing(process: Process) -> None:
    truth = process.draw(2)
    everything = torch.ones(LENGTH, dtype=torch.bool)
    assert torch.equal(fill(process, truth, everything, repaint=RePaint(), steps=3), truth)
    # With nothing kept and one round per step it is the sampler itself.
    repaint = RePaint(resamples=1, sampler=DDIM())
    free = fill(process, truth, ~everything, repaint=repaint, steps=5)
    torch.testing.assert_close(free, DDIM().sample(process, start(2), num_steps=5))


def test_nothing_kept_and_many_rounds_still_draws_the_process(process: Process) -> None:
    # Going back and forth leaves the distribution as it is.
    free = fill(process, process.draw(200), torch.tensor(False), repaint=RePaint(resamples=5), steps=40)
    assert power(free) == pytest.approx(float(process.covariance.diagonal().mean()), rel=0.2)


# ---- how it is made


def test_steps_and_times_back_are_those_of_the_algorithm(process: Process, mask: Tensor) -> None:
    seen: list[float] = []
    told: list[tuple[int, int]] = []

    def net(x_t: Tensor, t: Tensor) -> Tensor:
        seen.append(float(t[0]))
        return process(x_t, t)

    def callback(step: int, total: int, estimate: Tensor) -> None:
        told.append((step, total))
        assert torch.equal(estimate[..., mask], truth[..., mask])

    truth = process.draw(2)
    fill(net, truth, mask, repaint=RePaint(resamples=3), steps=3, callback=callback)
    assert seen == pytest.approx([1, 1, 1, 2 / 3, 2 / 3, 2 / 3, 1 / 3])
    assert told == [(k, 7) for k in range(7)]


def test_what_a_callback_returns_takes_the_place_of_the_estimate_where_nothing_is_kept(
    process: Process, mask: Tensor
) -> None:
    truth = process.draw(2)
    found = fill(
        process, truth, mask, repaint=RePaint(resamples=2), steps=2, callback=lambda *_: torch.full_like(truth, 7)
    )
    assert torch.equal(found[..., mask], truth[..., mask].to(found))
    torch.testing.assert_close(found[..., ~mask], torch.full_like(found[..., ~mask], 7))


def test_what_is_kept_has_the_noise_of_the_rest_at_every_time(process: Process) -> None:
    # Half of a quiet white process is kept: at each time both halves must have the same variance, that of x_t.
    white = Process(0.25 * torch.eye(LENGTH, dtype=torch.float64))
    mask = torch.arange(LENGTH) < LENGTH // 2
    seen: list[tuple[float, float, float]] = []

    def net(x_t: Tensor, t: Tensor) -> Tensor:
        seen.append((float(t[0]), power(x_t[..., mask]), power(x_t[..., ~mask])))
        return white(x_t, t)

    fill(net, white.draw(200), mask, repaint=RePaint(resamples=2), steps=100)
    for t, kept, free in seen:
        expected = 0.25 * math.cos(math.pi / 2 * t) ** 2 + math.sin(math.pi / 2 * t) ** 2
        assert kept == pytest.approx(expected, rel=0.1)
        assert free == pytest.approx(expected, rel=0.2)  # less the bias of a first-order sampler


def test_an_item_does_not_depend_on_its_batch_mates(process: Process, mask: Tensor) -> None:
    truth = process.draw(3)

    def filled(items: list[int]) -> Tensor:
        return RePaint(resamples=2).sample(
            process,
            start(3)[items],
            source=truth[items],
            mask=mask,
            generators=NoiseSource(1, items).generators("inpainting"),
            num_steps=4,
        )

    torch.testing.assert_close(filled([2]), filled([0, 1, 2])[2:])


def test_guidance_and_windows_are_nets_as_any_other(mask: Tensor) -> None:
    def net(x_t: Tensor, t: Tensor, *, level: Tensor) -> Tensor:
        alpha, sigma = (share[:, None, None] for share in alpha_sigma(t))
        return (alpha * x_t - level[:, None, None]) / sigma.clamp_min(1e-6)  # every sample is the level

    windowed = Windows(net, size=16, overlap=4)
    guided = Guidance(windowed, 2.0, {"level": torch.tensor([0.1])})
    source = torch.full((2, 1, LENGTH), 0.7)
    filled = fill(guided, source, mask, repaint=RePaint(resamples=2), steps=4, level=torch.tensor([0.3, 0.5]))
    assert torch.equal(filled[..., mask], source[..., mask])
    led = torch.tensor([0.5, 0.9])[:, None, None]  # 0.1 + 2 (level - 0.1)
    torch.testing.assert_close(filled[..., GAP], led.expand(2, 1, 8))


def test_it_records_no_gradients_and_leaves_its_arguments_alone(process: Process, mask: Tensor) -> None:
    noise, source, kept = start(2), process.draw(2), mask.clone()
    RePaint(resamples=2).sample(process, noise, source=source, mask=kept, generators=generators(2), num_steps=3)
    assert torch.equal(noise, start(2)) and torch.equal(source, process.draw(2)) and torch.equal(kept, mask)
    grads = source.clone().requires_grad_()
    assert not fill(process, grads, mask, repaint=RePaint(resamples=2), steps=3).requires_grad


# ---- what is refused


@pytest.mark.parametrize("resamples", [0, -1, 1.5, True])
def test_impossible_resamples(resamples: int) -> None:
    with pytest.raises(ValueError, match=f"resamples={resamples}: must be a whole number of at least 1"):
        RePaint(resamples=resamples)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"source": torch.zeros(2, 1, 31)}, r"source: .* of shape \[2, 1, 31\]; must be .* of noise, \[2, 1, 32\]"),
        ({"source": torch.zeros(2, 1, 32, dtype=torch.long)}, r"source: torch\.int64"),
        ({"source": torch.full((2, 1, 32), math.nan)}, "source: holds NaN or infinity where mask is True"),
        ({"mask": torch.ones(32)}, r"mask: torch\.float32; must be bool, True where the source is kept"),
        (
            {"mask": torch.ones(31, dtype=torch.bool)},
            r"mask has shape \[31\]; must broadcast to that of source, \[2, 1",
        ),
        ({"mask": torch.ones(5, 2, 1, 32, dtype=torch.bool)}, r"mask has shape \[5, 2, 1, 32\]"),
        ({"generators": None}, r"generators=None: RePaint\(.*\) draws noise"),
        ({"generators": generators(3)}, "generators: 3 for a batch of 2"),
        ({"num_steps": 0}, "num_steps=0: must be a whole number"),
        ({"num_steps": None, "times": time_grid(4, end=0.1)}, r"times end at 0\.1; must end at 0"),
        ({"noise": torch.zeros(4)}, r"noise: torch\.float32 of shape \[4\]"),
    ],
)
def test_impossible_arguments_are_named(process: Process, changed: dict[str, Any], message: str) -> None:
    given = {
        "noise": start(2),
        "source": process.draw(2),
        "mask": torch.ones(LENGTH, dtype=torch.bool),
        "generators": generators(2),
        "num_steps": 4,
    }
    arguments = given | changed
    with pytest.raises(ValueError, match=message):
        RePaint().sample(process, arguments.pop("noise"), **arguments)
