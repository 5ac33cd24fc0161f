"""Distribution of the diffusion times that a run trains on."""

from dataclasses import dataclass
from typing import Literal

from mousai.errors import UserError, is_finite
from vdiffusion import LogitNormalTime, TimeDistribution, UniformTime


@dataclass(frozen=True, kw_only=True)
class TimestepSampling:
    """Diffusion times of the items, 0 clean to 1 noise; validation spreads them evenly whatever is chosen here.

    Args:
        kind: uniform (the paper's), or logit_normal (arXiv 2403.03206, section 3.1): log(t / (1 - t)) is normal.
        mean: mean of logit_normal; above 0 trains more where the noise is, which decides what is played, below 0 more
            on its details. 1 has its middle at t = 0.73.
        std: standard deviation of logit_normal; the larger, the more both ends are trained on.
    """

    kind: Literal["uniform", "logit_normal"] = "uniform"
    mean: float = 0.0
    std: float = 1.5

    def __post_init__(self) -> None:
        """Check every value."""
        if not is_finite(self.mean):
            raise UserError(
                "crops.times.mean", self.mean, "must be finite; 0 centres the times on 1/2, above 0 is noisier"
            )
        if not (is_finite(self.std) and self.std > 0):
            raise UserError("crops.times.std", self.std, "must be finite and above 0, for example 1.0")

    def distribution(self) -> TimeDistribution:
        """Distribution to draw from."""
        return UniformTime() if self.kind == "uniform" else LogitNormalTime(mean=self.mean, std=self.std)
