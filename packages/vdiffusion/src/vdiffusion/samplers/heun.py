"""Heun's method: second order, from two evaluations in every step."""

from dataclasses import dataclass

from torch import Tensor

from vdiffusion.samplers.base import Step, SteppingSampler


@dataclass(frozen=True, kw_only=True)
class Heun(SteppingSampler):
    """Heun's second-order method (Karras et al., 2206.00364, algorithm 1), deterministic, two evaluations per step.

    The paper's variables are y = x_t / alpha_t and the noise level r = sigma_t / alpha_t, in which the probability flow
    is dy/dr = eps'. Back on the circle, a step from time t to time s < t is

        x*  = alpha_s x' + sigma_s eps'                                       Euler's step, which is DDIM's
        x_s = x* + (alpha_s / 2) (r_s - r_t) (eps'(x*, s) - eps')             the trapezoid's correction

    Two steps are Euler's alone, with one evaluation: that to s = 0, as in the paper, and that from t = 1, where r_t is
    infinite and the correction has no limit. So n steps from 1 to 0 are 2 n - 2 evaluations (n = 1: one), and 2 n
    between inner times. The order of the whole is as in `DPMSolverPP`: 2, on a uniform grid from 1 to 0 up to log(n).
    """

    def step(self, at: Step) -> Tensor:
        """Return x at the time `at.there`."""
        here, there = at.here, at.there
        euler = there.alpha * at.x0 + there.sigma * at.eps
        if at.ratio == 0:
            return euler
        _, eps = at.estimate(euler, there)
        # alpha_s (r_s - r_t), as one fraction
        distance = there.sigma - there.alpha * here.sigma / here.alpha
        return euler + distance / 2 * (eps - at.eps)
