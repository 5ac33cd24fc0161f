"""The samplers beside those of diffusers, an independent implementation: whole trajectories must agree.

diffusers counts discrete training times and knows its noise levels sigma / alpha in float32. Here each of its
schedulers is given exactly our grid, in float64, in place of those tables, so that what is compared is the arithmetic
of the steps.
All grids start below t = 1, where its noise level would be infinite, and end at 0.
"""

import itertools
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from vdiffusion import DDIM, DPMSolverPP, EulerAncestral, Heun, NoiseSource, Sampler, alpha_sigma, time_grid

GRIDS = [(kind, steps) for kind in ("uniform", "cosine", "karras", "log_snr") for steps in (1, 2, 20)]


@pytest.fixture(scope="module")
def scheduler_of() -> Callable[..., Any]:
    """Makes a scheduler by its name, with as many steps as the grid has."""

    def make(name: str, steps: int, **settings: Any) -> Any:
        # What its import and its tables warn of (how it uses numpy, what else it could use) is no affair of ours.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import diffusers

            scheduler = getattr(diffusers, name)(**settings)
            scheduler.set_timesteps(steps)
        return scheduler

    return make


@pytest.fixture(params=GRIDS, ids=lambda grid: f"{grid[0]}-{grid[1]}")
def times(request: pytest.FixtureRequest) -> Tensor:
    """A grid as the samplers see it, rounded to float32."""
    kind, steps = request.param
    return time_grid(steps, start=0.97, kind=kind).float().double()


def start() -> Tensor:
    return NoiseSource(0, range(3)).draw([2, 16], stage="test", dtype=torch.float64)


def generators() -> list[torch.Generator]:
    return NoiseSource(1, range(3)).generators("steps")


def net(x_t: Tensor, t: Tensor) -> Tensor:
    """Some v, neither linear in x_t nor simple in t."""
    t = t.double()[:, None, None]
    return torch.tanh(x_t * (1 + t)) * torch.cos(3 * t) - 0.3 * x_t.roll(1, -1) * t


def net_at(x: Tensor, t: float) -> Tensor:
    return net(x, torch.full((3,), t, dtype=torch.float32))


def ours(sampler: Sampler, times: Tensor) -> list[Tensor]:
    """The trajectory: x at every time of the grid but the first."""
    seen: dict[float, Tensor] = {}

    def watched(x_t: Tensor, t: Tensor) -> Tensor:
        seen[float(t[0])] = x_t  # of the two looks that Heun's method takes, the second is from where it stands
        return net(x_t, t)

    end = sampler.sample(watched, start(), times=times, generators=generators())
    return [*list(seen.values())[1:], end]


def noise_levels(times: Tensor) -> Tensor:
    alpha, sigma = alpha_sigma(times)
    return sigma / alpha


def assert_trajectories_agree(found: list[Tensor], expected: list[Tensor], *, atol: float) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=atol)


@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
def test_ddim(scheduler_of: Any, times: Tensor, eta: float) -> None:
    steps = len(times) - 1
    scheduler = scheduler_of(
        "DDIMScheduler",
        steps,
        num_train_timesteps=steps,
        prediction_type="v_prediction",
        clip_sample=False,
        timestep_spacing="leading",
    )
    scheduler.alphas_cumprod = alpha_sigma(times)[0].square().flip(0)[1:]  # from the last time but one, 0, up
    x, draws, trajectory = start(), generators(), []
    for k, t in enumerate(times[:-1].tolist()):
        x = scheduler.step(net_at(x, t), int(scheduler.timesteps[k]), x, eta=eta, generator=draws).prev_sample
        trajectory.append(x)
    assert_trajectories_agree(ours(DDIM(eta=eta), times), trajectory, atol=1e-12)


@pytest.mark.parametrize("eta", [0, 1])
def test_dpm_solver(scheduler_of: Any, times: Tensor, eta: int) -> None:
    scheduler = scheduler_of(
        "DPMSolverMultistepScheduler",
        len(times) - 1,
        prediction_type="v_prediction",
        algorithm_type="sde-dpmsolver++" if eta else "dpmsolver++",
    )
    scheduler.sigmas = noise_levels(times)
    x, draws, trajectory = start(), generators(), []
    for k, t in enumerate(times[:-1].tolist()):
        # It draws in the last step too, where the noise counts for nothing.
        z = torch.stack([torch.randn(2, 16, generator=one, dtype=torch.float64) for one in draws])
        x = scheduler.step(net_at(x, t), scheduler.timesteps[k], x, variance_noise=z).prev_sample
        trajectory.append(x)
    # It rounds x to float32 in every step.
    assert_trajectories_agree(ours(DPMSolverPP(eta=eta), times), trajectory, atol=5e-6)


def test_heun(scheduler_of: Any, times: Tensor) -> None:
    scheduler = scheduler_of("HeunDiscreteScheduler", len(times) - 1, prediction_type="v_prediction")
    levels = noise_levels(times)
    scheduler.sigmas = torch.cat([levels[:1], levels[1:-1].repeat_interleave(2), levels[-1:]])
    x, trajectory = start() * (1 + levels[0] ** 2).sqrt(), []  # it works with x / alpha
    seen = [times[0], *times[1:-1].repeat_interleave(2)]
    for k, t in enumerate(float(t) for t in seen):
        scaled = scheduler.scale_model_input(x, scheduler.timesteps[k])
        x = scheduler.step(net_at(scaled, t), scheduler.timesteps[k], x).prev_sample
        if k % 2 or k == len(seen) - 1:  # two calls are one step, but in the last
            trajectory.append(x / (1 + levels[len(trajectory) + 1] ** 2).sqrt())
    assert_trajectories_agree(ours(Heun(), times), trajectory, atol=1e-10)


def test_euler_ancestral(scheduler_of: Any, times: Tensor) -> None:
    scheduler = scheduler_of("EulerAncestralDiscreteScheduler", len(times) - 1, prediction_type="v_prediction")
    levels = noise_levels(times)
    scheduler.sigmas = levels
    x, draws, trajectory = start() * (1 + levels[0] ** 2).sqrt(), generators(), []
    for k, t in enumerate(times[:-1].tolist()):
        scaled = scheduler.scale_model_input(x, scheduler.timesteps[k])
        x = scheduler.step(net_at(scaled, t), scheduler.timesteps[k], x, generator=draws).prev_sample
        trajectory.append(x / (1 + levels[k + 1] ** 2).sqrt())
    # It rounds x / alpha to float32 in every step.
    assert_trajectories_agree(ours(EulerAncestral(), times), trajectory, atol=5e-6)


@pytest.mark.parametrize("steps", [5, 18])
def test_the_karras_grid(scheduler_of: Any, steps: int) -> None:
    scheduler = scheduler_of("EDMEulerScheduler", steps, sigma_min=0.002, sigma_max=80.0, rho=7.0)
    found = noise_levels(time_grid(steps, kind="karras"))
    torch.testing.assert_close(found[1:].float(), scheduler.sigmas[1:], rtol=1e-5, atol=0)


def test_the_net_would_tell_samplers_apart() -> None:
    # What agrees above does not do so because this net makes everything alike.
    ends = [ours(sampler, time_grid(10, start=0.97))[-1] for sampler in (DDIM(), DPMSolverPP(), Heun(), DDIM(eta=1.0))]
    for one, other in itertools.combinations(ends, 2):
        assert float((one - other).abs().max()) > 1e-3
