"""DPM-Solver++ 2M: second order from the estimates of two steps, one evaluation each."""

import math
from dataclasses import dataclass

from torch import Tensor

from vdiffusion.samplers.base import Step, SteppingSampler
from vdiffusion.samplers.protocol import check_eta


@dataclass(frozen=True, kw_only=True)
class DPMSolverPP(SteppingSampler):
    """DPM-Solver++(2M) (Lu et al., 2211.01095, algorithm 2) and its SDE form; second order, one evaluation per step.

    One step from time t to time s < t, with lambda = log(alpha / sigma), h = lambda_s - lambda_t, the clean estimate x'
    at t, and x'_before and h_before of the step before:

        D   = x' + (h / (2 h_before)) (x' - x'_before)
        x_s = (sigma_s / sigma_t) e^(-eta h) x_t + alpha_s (1 - e^(-(1 + eta) h)) D + sigma_s sqrt(1 - e^(-2 eta h)) z

    eta = 0 is algorithm 2 and deterministic; eta = 1 is SDE-DPM-Solver++(2M) of the paper's appendix, which solves the
    reverse SDE with fresh noise z; between them lies the SDE with its noise scaled by sqrt(eta), of the same marginals.

    h is infinite where the step begins at t = 1 or ends at t = 0. Both limits exist in x_s, and there is no division by
    alpha_t. The slope between two estimates has none, so where h or h_before is infinite D is x': the first step, the
    one after a start at t = 1, and the one to t = 0, which lands on x' exactly, are of first order. On a grid whose
    steps shrink towards its ends ("cosine") the whole is of second order all the same; on a uniform one from 1 to 0,
    where the outermost steps in lambda never become small, its error falls as log(n) / n^2.
    """

    eta: float = 0.0

    def __post_init__(self) -> None:
        """Check the settings."""
        check_eta(self.eta)

    @property
    def draws_noise(self) -> bool:
        """Tell whether `sample` needs generators."""
        return self.eta > 0

    def step(self, at: Step) -> Tensor:
        """Return x at the time `at.there`."""
        estimate = at.x0
        if at.x0_before is not None and at.ratio > 0 and at.ratio_before > 0:
            share = math.log(at.ratio) / (2 * math.log(at.ratio_before))  # h / (2 h_before)
            estimate = at.x0 + share * (at.x0 - at.x0_before)
        kept: float = at.ratio**self.eta  # e^(-eta h); 0 ** 0 is 1, as it must be where h is infinite and eta 0
        x = at.there.sigma / at.here.sigma * kept * at.x + at.there.alpha * (1 - at.ratio * kept) * estimate
        fresh = at.there.sigma * math.sqrt(1 - kept**2)
        return x + fresh * at.draw() if fresh > 0 else x
