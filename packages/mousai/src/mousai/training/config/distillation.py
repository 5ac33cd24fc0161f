"""What a distilled model learns from its teacher, and for how many steps."""

from dataclasses import dataclass
from typing import Literal

from mousai.errors import UserError
from mousai.training.config.checks import check_least


@dataclass(frozen=True, kw_only=True)
class DistillationConfig:
    """Distillation of guidance (arXiv 2210.03142) and of steps (arXiv 2202.00512), for a run with `distill_from`.

    Args:
        steps: steps that the model is to sample in, where two of the teacher become one (so the teacher makes twice as
            many); 0 distils guidance alone, for any number of steps.
        time_grid: where these steps lie; the model is sampled with the same.
        guidance: lowest and highest guidance scale that is learned; each batch draws one between them.
        attribute_guidance: the same of the attribute guidance scale.
    """

    steps: int = 0
    time_grid: Literal["uniform", "cosine", "log_snr"] = "uniform"
    guidance: tuple[float, float] = (1.0, 5.0)
    attribute_guidance: tuple[float, float] = (0.0, 3.0)

    def __post_init__(self) -> None:
        """Check every value."""
        check_least("distillation.steps", self.steps, 0)
        for name in ("guidance", "attribute_guidance"):
            low, high = getattr(self, name)
            if not 0 <= low <= high <= 100:
                raise UserError(
                    f"distillation.{name}", [low, high], "must be the lowest and the highest scale, 0 to 100"
                )
