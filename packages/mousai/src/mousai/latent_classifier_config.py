"""Settings of the classifier of latents: frozen, self-checking, JSON-able."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from unet1d.config import from_mapping


@dataclass(frozen=True, kw_only=True)
class LatentClassifierConfig:
    """Sizes of the classifier of latents.

    Args:
        latent_channels: channels of the latents.
        latent_std: standard deviation of the latents in the training data; it reads latent / latent_std, noised.
        vocabulary: tokens that the model's tokenizer knows.
        width: channels within, a multiple of 8.
        dilations: distance of the taps of each block, 1 or more.
        text_features: width in which a caption and a latent are compared.
        queries: places in the music that each answer looks at.
        time_features: width of what it is told of the diffusion time.
    """

    latent_channels: int
    vocabulary: int
    latent_std: float = 1.0
    width: int = 88
    dilations: tuple[int, ...] = (1, 1, 2, 4)
    text_features: int = 48
    queries: int = 4
    time_features: int = 64

    def __post_init__(self) -> None:
        """Check every value."""
        for name in ("latent_channels", "vocabulary", "width", "text_features", "queries", "time_features"):
            self._check_count(name, getattr(self, name))
        if self.width % 8:
            raise ValueError(f"LatentClassifierConfig: width must be a multiple of 8, not {self.width}")
        object.__setattr__(self, "dilations", tuple(self.dilations))
        if not self.dilations:
            raise ValueError("LatentClassifierConfig: dilations must be one or more numbers")
        for dilation in self.dilations:
            self._check_count("dilations", dilation)
        std = self.latent_std
        if isinstance(std, bool) or not isinstance(std, int | float) or not 0 < std < math.inf:
            raise ValueError(f"LatentClassifierConfig: latent_std must be a number above 0, not {std!r}")

    @staticmethod
    def _check_count(name: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"LatentClassifierConfig: {name} must be 1 or more, not {value!r}")

    def to_dict(self) -> dict[str, Any]:
        """All fields as a JSON-able dictionary."""
        return {**asdict(self), "dilations": list(self.dilations)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "LatentClassifierConfig":
        """The inverse of `to_dict`; an unknown or missing key is a `ValueError` that names it."""
        if not isinstance(values.get("dilations", []), list | tuple):
            raise ValueError(f"LatentClassifierConfig: dilations must be a list, not {values['dilations']!r}")
        return from_mapping(cls, values)
