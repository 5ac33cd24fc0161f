import math
from typing import Any

import pytest
import torch
from torch import Tensor

from vdiffusion import (
    DDIM,
    SAMPLER_NAMES,
    TIME_GRID_NAMES,
    DPMSolverPP,
    EulerAncestral,
    Heun,
    NoiseSource,
    Sampler,
    Step,
    SteppingSampler,
    alpha_sigma,
    get_sampler,
    time_grid,
)

DETERMINISTIC = ("ddim", "dpmpp_2m", "heun")


@pytest.fixture(params=SAMPLER_NAMES)
def sampler(request: pytest.FixtureRequest) -> Sampler:
    """Every sampler: what is tested with it is the contract that all share."""
    return get_sampler(request.param)


def start(batch: int = 4, length: int = 16, dtype: torch.dtype = torch.float64) -> Tensor:
    return NoiseSource(0, range(batch)).draw([2, length], stage="test", dtype=dtype)


def generators(batch: int) -> list[torch.Generator]:
    return NoiseSource(1, range(batch)).generators("steps")


# ---- names


def test_samplers_by_name() -> None:
    assert SAMPLER_NAMES == ("ddim", "dpmpp_2m", "dpmpp_2m_sde", "heun", "euler_ancestral")
    made = [get_sampler(name) for name in SAMPLER_NAMES]
    assert made == [DDIM(), DPMSolverPP(), DPMSolverPP(eta=1.0), Heun(), EulerAncestral()]
    assert get_sampler("ddim", eta=0.5) == DDIM(eta=0.5)
    assert get_sampler("dpmpp_2m_sde", eta=0.5) == DPMSolverPP(eta=0.5)


def test_impossible_names_and_settings_are_named() -> None:
    with pytest.raises(ValueError, match=f"^sampler='plms': no such sampler; use one of {', '.join(SAMPLER_NAMES)}$"):
        get_sampler("plms")
    with pytest.raises(ValueError, match=r"^sampler='dpmpp-2m': no such sampler; did you mean 'dpmpp_2m'\? use one of"):
        get_sampler("dpmpp-2m")
    with pytest.raises(ValueError, match=r"^sampler 'ddim' has no setting 'order'; it has eta$"):
        get_sampler("ddim", order=2)
    with pytest.raises(ValueError, match=r"^sampler 'heun' has no setting 'eta'; it has none$"):
        get_sampler("heun", eta=1.0)
    with pytest.raises(ValueError, match=r"eta=2: must lie in \[0, 1\]"):
        get_sampler("euler_ancestral", eta=2)


class Euler(SteppingSampler):
    """A sampler of one's own, as the docstring of `SteppingSampler` and the README write it."""

    def step(self, at: Step) -> Tensor:
        return at.there.alpha * at.x0 + at.there.sigma * at.eps


class FromScratch:
    """A sampler without the base class: the two members of the protocol."""

    draws_noise = False

    def sample(self, net: Any, noise: Tensor, **settings: Any) -> Tensor:
        return noise


def test_a_sampler_goes_wherever_its_name_is_taken(oracle: Any) -> None:
    for own in (DDIM(eta=0.5), Euler(), FromScratch()):
        assert get_sampler(own) is own
    assert torch.equal(Euler().sample(oracle, start(), num_steps=5), DDIM().sample(oracle, start(), num_steps=5))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (DDIM, r"sampler=<class .*DDIM'>: must be one of ddim, .*, or an object .* such as DDIM\(\)"),
        (3, "sampler=3: must be one of ddim"),
        (object(), "must be one of ddim"),
    ],
)
def test_what_is_no_sampler_is_refused(wrong: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        get_sampler(wrong)


def test_a_setting_beside_a_sampler_is_refused() -> None:
    with pytest.raises(ValueError, match=r"is made already; eta can be set beside a name only"):
        get_sampler(DDIM(), eta=1.0)


@pytest.mark.parametrize("kind", [DDIM, DPMSolverPP, EulerAncestral])
@pytest.mark.parametrize("eta", [-0.1, 1.1, math.nan, math.inf])
def test_impossible_eta_is_refused(kind: type[DDIM], eta: float) -> None:
    with pytest.raises(ValueError, match=rf"eta={eta}: must lie in \[0, 1\]"):
        kind(eta=eta)


# ---- what comes out


def test_of_a_net_that_knows_the_answer_any_number_of_steps_is_exact(sampler: Sampler) -> None:
    target = torch.linspace(-1, 1, 2 * 16, dtype=torch.float64).reshape(2, 16)

    def net(x_t: Tensor, t: Tensor) -> Tensor:  # v = (alpha x_t - x) / sigma, from x = alpha x_t - sigma v
        alpha, sigma = (share[:, None, None] for share in alpha_sigma(t.double()))
        return (alpha * x_t - target) / sigma

    for steps in (1, 2, 7):
        for kind in TIME_GRID_NAMES:
            x = sampler.sample(net, start(), times=time_grid(steps, kind=kind), generators=generators(4))
            # So close only because net and sampler have the same, rounded times.
            torch.testing.assert_close(x, target.expand_as(x), rtol=0, atol=1e-12)


def test_one_step_from_pure_noise_is_minus_v(sampler: Sampler) -> None:
    v = torch.linspace(-1, 1, 16)
    x = sampler.sample(lambda x, t: v.expand_as(x), start(dtype=torch.float32), num_steps=1, generators=generators(4))
    assert torch.equal(x, (-v).expand(4, 2, 16))


def test_the_last_step_lands_on_the_clean_estimate(sampler: Sampler, oracle: Any) -> None:
    told: list[tuple[int, int]] = []
    estimates: list[Tensor] = []

    def callback(step: int, total: int, estimate: Tensor) -> None:
        told.append((step, total))
        estimates.append(estimate)

    x = sampler.sample(oracle, start(), num_steps=5, generators=generators(4), callback=callback)
    assert told == [(i, 5) for i in range(5)]
    assert torch.equal(x, estimates[-1])


def test_all_at_once_or_in_two_parts(oracle: Any) -> None:
    # Only one that looks back notices where a grid is cut.
    for sampler in (DDIM(), DDIM(eta=0.5), Heun(), EulerAncestral()):
        times, draws = time_grid(6), generators(4)
        whole = sampler.sample(oracle, start(), times=times, generators=generators(4))
        half = sampler.sample(oracle, start(), times=times[:4], generators=draws)
        assert torch.equal(sampler.sample(oracle, half, times=times[3:], generators=draws), whole)


def test_an_item_does_not_depend_on_its_batch_mates(sampler: Sampler, oracle: Any) -> None:
    def sample(items: list[int]) -> Tensor:
        noise = NoiseSource(3, items).draw([2, 100], stage="start")
        return sampler.sample(oracle, noise, num_steps=6, generators=NoiseSource(3, items).generators("steps"))

    together = sample([0, 1, 2])
    assert torch.equal(together[2:], sample([2]))
    assert torch.equal(together[[1, 0]], sample([1, 0]))


@pytest.mark.parametrize("returned", [torch.bfloat16, torch.float16, torch.float32])
def test_arithmetic_is_float32_whatever_the_net_returns(sampler: Sampler, returned: torch.dtype, oracle: Any) -> None:
    seen = set()

    def net(x_t: Tensor, t: Tensor) -> Tensor:
        seen.add((x_t.dtype, t.dtype, tuple(t.shape)))
        v: Tensor = oracle(x_t, t)
        return v.to(returned)

    noise = start(dtype=torch.bfloat16)
    x = sampler.sample(net, noise, num_steps=50, generators=generators(4))
    assert seen == {(torch.float32, torch.float32, (4,))}
    assert x.dtype == torch.float32
    expected = sampler.sample(oracle, noise.float(), num_steps=50, generators=generators(4))
    torch.testing.assert_close(x, expected, rtol=0.02, atol=0.02)


def test_float64_stays_float64(sampler: Sampler, oracle: Any) -> None:
    assert sampler.sample(oracle, start(), num_steps=3, generators=generators(4)).dtype == torch.float64


@pytest.mark.parametrize("name", SAMPLER_NAMES)
def test_the_net_sees_the_grid(name: str) -> None:
    seen: list[float] = []

    def net(x_t: Tensor, t: Tensor) -> Tensor:
        seen.append(float(t[0]))
        return x_t

    get_sampler(name).sample(net, start(), num_steps=4, generators=generators(4))
    get_sampler(name).sample(net, start(), times=torch.tensor([0.6, 0.5, 0.1]), generators=generators(4))
    expected = [1, 0.75, 0.5, 0.25, 0.6, 0.5]
    if name == "heun":  # once more at the end of each step, but the one from 1 and the one to 0
        expected = [1, 0.75, 0.5, 0.5, 0.25, 0.25, 0.6, 0.5, 0.5, 0.1]
    assert seen == pytest.approx(expected)


def test_conditions_are_handed_on(sampler: Sampler) -> None:
    def net(x_t: Tensor, t: Tensor, *, label: str) -> Tensor:
        assert label == "loud"
        return x_t

    sampler.sample(net, start(), num_steps=3, generators=generators(4), label="loud")


def test_sampling_records_no_gradients(sampler: Sampler, conv: torch.nn.Module) -> None:
    conv.requires_grad_(True)
    noise = start(dtype=torch.float32)
    assert not sampler.sample(lambda x, t: conv(x), noise, num_steps=3, generators=generators(4)).requires_grad


def test_the_start_is_left_alone(sampler: Sampler, oracle: Any) -> None:
    noise = start()
    sampler.sample(oracle, noise, num_steps=3, generators=generators(4))
    assert torch.equal(noise, start())


# ---- what is refused


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_steps": 0}, "num_steps=0: must be a whole number of at least 1"),
        ({"num_steps": -3}, "num_steps=-3: must be a whole number of at least 1"),
        ({"num_steps": 2.0}, r"num_steps=2\.0: must be a whole number"),
        ({}, "num_steps=None: give the number of steps, or a grid as times"),
        ({"times": torch.tensor([1.0])}, r"times has shape \[1\]; must be \[steps \+ 1\]"),
        ({"times": torch.zeros(2, 2)}, r"times has shape \[2, 2\]"),
        ({"times": torch.tensor([1, 0.5, 0.5, 0])}, r"times=\[1, 0\.5, 0\.5, 0\]: must fall strictly, within \[0, 1\]"),
        ({"times": torch.tensor([0, 0.5, 1])}, "must fall strictly"),
        ({"times": torch.tensor([1.2, 0.5])}, "must fall strictly, within"),
        ({"times": torch.tensor([math.nan, 0])}, "must fall strictly"),
        ({"times": torch.tensor([1, 0.5, 0]), "num_steps": 3}, "num_steps=3: times make 2 steps"),
        (
            {"noise": torch.zeros(5), "num_steps": 1},
            r"noise: torch\.float32 of shape \[5\]; must be floating point \[B, \.\.\.\]",
        ),
        ({"noise": torch.zeros(5, 1, 2, dtype=torch.long), "num_steps": 1}, r"noise: torch\.int64"),
    ],
)
def test_impossible_arguments_are_named(sampler: Sampler, arguments: dict[str, Any], message: str) -> None:
    noise, others = arguments.get("noise", start()), {k: v for k, v in arguments.items() if k != "noise"}
    with pytest.raises(ValueError, match=message):
        sampler.sample(lambda x, t: x, noise, generators=generators(len(noise)), **others)


@pytest.mark.parametrize("chosen", [DDIM(eta=0.5), DPMSolverPP(eta=0.5), EulerAncestral()], ids=str)
def test_fresh_noise_needs_a_generator_per_batch_member(chosen: Sampler) -> None:
    shown = str(chosen).replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(ValueError, match=f"generators=None: {shown} draws noise; give one per batch member"):
        chosen.sample(lambda x, t: x, start(), num_steps=2)
    with pytest.raises(ValueError, match="generators: 3 for a batch of 4; give one per batch member"):
        chosen.sample(lambda x, t: x, start(), num_steps=2, generators=generators(3))


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_without_fresh_noise_no_generator_is_needed_or_moved(name: str, oracle: Any) -> None:
    draws = generators(4)
    states = [one.get_state() for one in draws]
    x = get_sampler(name).sample(oracle, start(), num_steps=4, generators=draws)
    assert torch.equal(x, get_sampler(name).sample(oracle, start(), num_steps=4))
    assert all(torch.equal(one.get_state(), state) for one, state in zip(draws, states, strict=True))


def test_a_net_of_the_wrong_shape_is_named(sampler: Sampler) -> None:
    with pytest.raises(ValueError, match=r"net returned shape \[4, 1, 16\] for x_t of shape \[4, 2, 16\]"):
        sampler.sample(lambda x, t: x[:, :1], start(), num_steps=2, generators=generators(4))


@pytest.mark.parametrize("name", [name for name in SAMPLER_NAMES if name != "heun"])  # whose second look is its own
def test_an_estimate_that_a_callback_returns_takes_its_place(name: str):
    """Where every estimate is replaced by one signal, that signal is what comes out, whatever the net says."""
    target = torch.full((4, 2, 16), 0.3, dtype=torch.float64)
    x = get_sampler(name).sample(
        lambda x, t: torch.randn_like(x),
        start(),
        num_steps=6,
        generators=generators(4),
        callback=lambda step, total, estimate: target,
    )
    torch.testing.assert_close(x, target, atol=1e-6, rtol=0)
