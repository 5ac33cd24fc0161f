"""Settings of the weights: the optimiser, the average of the weights, and which weights are trained."""

from dataclasses import dataclass
from typing import Literal

from mousai.errors import UserError
from mousai.training.config.checks import check_above, check_least


@dataclass(frozen=True, kw_only=True)
class OptimizerConfig:
    """AdamW and its learning rate.

    Args:
        learning_rate: highest learning rate.
        betas: decay of the gradient's mean and of the mean of its square.
        eps: number added to the root of the mean square.
        weight_decay: pull of the weights towards zero.
        schedule: "constant", or "cosine" down to a fiftieth over max_steps, or over max_time where no steps are given.
        warmup: steps over which the rate rises at first.
        clip: largest norm of the gradient; longer ones are shortened.
    """

    learning_rate: float = 1e-4
    betas: tuple[float, float] = (0.95, 0.999)
    eps: float = 1e-6
    weight_decay: float = 1e-3
    schedule: Literal["constant", "cosine"] = "constant"
    warmup: int = 0
    clip: float = 1.0

    def __post_init__(self) -> None:
        """Check every value."""
        for name in ("learning_rate", "eps", "clip"):
            check_above(f"optimizer.{name}", getattr(self, name), 0)
        check_least("optimizer.warmup", self.warmup, 0)
        check_least("optimizer.weight_decay", self.weight_decay, 0)
        if not all(0 <= beta < 1 for beta in self.betas):
            raise UserError("optimizer.betas", list(self.betas), "both must lie in [0, 1)")


@dataclass(frozen=True, kw_only=True)
class EMAConfig:
    """Exponential moving average of the trained weights, which validation, samples and the exported model use.

    Args:
        beta: largest decay per step.
        power: how fast the decay rises to it: 1 - (1 + step) ** -power.
    """

    beta: float = 0.995
    power: float = 0.7

    def __post_init__(self) -> None:
        """Check every value."""
        if not 0 <= self.beta < 1:
            raise UserError("ema.beta", self.beta, "must lie in [0, 1); 0 takes the last weights")
        check_above("ema.power", self.power, 0)


@dataclass(frozen=True, kw_only=True)
class AdapterConfig:
    """LoRA (arXiv 2106.09685): small additions to a frozen model, trained in its place.

    Args:
        rank: rank of each addition, 4 to 32; 0 trains all weights instead.
        scale: alpha of the paper: the additions count scale / rank.
    """

    rank: int = 0
    scale: int = 16

    def __post_init__(self) -> None:
        """Check every value."""
        check_least("lora.rank", self.rank, 0)
        check_least("lora.scale", self.scale, 1)
