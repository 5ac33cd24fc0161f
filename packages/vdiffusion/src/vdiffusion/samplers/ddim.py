"""First-order samplers: DDIM, and Euler's ancestral sampler, which on this circle is DDIM with all fresh noise."""

import math
from dataclasses import dataclass

from torch import Tensor

from vdiffusion.samplers.base import Step, SteppingSampler
from vdiffusion.samplers.protocol import check_eta


@dataclass(frozen=True, kw_only=True)
class DDIM(SteppingSampler):
    """Denoising diffusion implicit model (Song et al., 2010.02502), first order, one evaluation per step.

    One step from time t to time s < t, with x' = alpha_t x_t - sigma_t v and eps' = sigma_t x_t + alpha_t v:

        x_s = alpha_s x' + sqrt(sigma_s^2 - g^2) eps' + g z                        z ~ N(0, 1)         (eq. 12)
        g   = eta (sigma_s / sigma_t) sqrt(1 - alpha_t^2 / alpha_s^2)                                  (eq. 16)

    eta = 0 is deterministic, eta = 1 draws like the ancestral sampler of DDPM. (The paper's alpha is our alpha^2.)
    Nothing is divided by alpha_t: at t = 1 x' is -v and eps' is the start itself (eta = 1 replaces it by fresh noise).
    At s = 0, where sigma_s = g = 0, the step lands on x' exactly.
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
        here, there = at.here, at.there
        fresh = self.eta * there.sigma / here.sigma * math.sqrt(1 - (here.alpha / there.alpha) ** 2)  # eq. 16
        x = there.alpha * at.x0 + math.sqrt(max(there.sigma**2 - fresh**2, 0.0)) * at.eps  # eq. 12
        return x + fresh * at.draw() if fresh > 0 else x


@dataclass(frozen=True, kw_only=True)
class EulerAncestral(DDIM):
    """Euler's method to a lower noise level than wanted, and fresh noise up to the wanted one; first order.

    The sampler of that name in other programs works with y = x_t / alpha_t and the noise level r = sigma_t / alpha_t:

        u   = eta r_s sqrt(1 - r_s^2 / r_t^2)        d = sqrt(r_s^2 - u^2)        eps' = (y - x') / r_t
        y_s = y + (d - r_t) eps' + u z

    Put in, y + (d - r_t) eps' is x' + d eps', and alpha_s^2 u^2 is eta^2 (sigma_s^2 / sigma_t^2) (1 - alpha_t^2 /
    alpha_s^2) because alpha^2 + sigma^2 = 1: the g^2 of DDIM's eq. 16. So it is `DDIM(eta=1)`, under the name by which
    people look for it, and like it free of any division by alpha_t.
    """

    eta: float = 1.0
