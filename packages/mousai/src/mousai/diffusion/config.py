"""Sizes of stage 2: frozen, self-checking, JSON-able."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mousai.conditioning.attribute_signal import ATTRIBUTE_CHANNELS, GLOBAL_CHANNELS
from mousai.conditioning.control_signal import CONTROLS, control_channels
from mousai.conditioning.text import MAX_TOKENS
from unet1d import Level, UNet1dConfig, from_mapping


@dataclass(frozen=True, kw_only=True)
class LatentDiffusionConfig:
    """Sizes of the latent diffusion.

    Args:
        net: the U-Net on the latent; `context_features` is the width of the text embedding. With `global_features`,
            which must then be `global_width`, the mean of the text embedding and the attributes that are the same at
            every frame also reach every block of it beside the diffusion time.
        latent_std: standard deviation of the latents in the training data; the diffusion works on latent / latent_std.
        max_tokens: tokens of the learned embedding that stands for "no prompt"; 0 for a model that was trained
            without one, which knows no guidance.
        frame_rate: latent frames per second of a model that also gets tempo, key and lead (`mousai.conditioning`),
            by injection at depth 0; 0 for one that reads text alone, as the paper's.
        controls: what the model reads beside tempo, key and lead, out of "chords", "melody", "section" and "known" (a
            part of the latent that stays as it is); kept in this order, that of their channels. They need a frame_rate.
        attend_to_padding: let the model read the padding after a prompt as if it were text. It is no good, but the
            authors' models were trained so: their attention takes no mask.
    """

    net: UNet1dConfig
    latent_std: float = 1.0
    max_tokens: int = MAX_TOKENS
    frame_rate: float = 0.0
    controls: tuple[str, ...] = ()
    attend_to_padding: bool = False

    def __post_init__(self) -> None:
        """Check every value."""
        std = self.latent_std
        if isinstance(std, bool) or not isinstance(std, int | float) or not 0 < std < math.inf:
            raise ValueError(f"LatentDiffusionConfig: latent_std must be a number above 0, not {std!r}")
        if isinstance(self.max_tokens, bool) or not isinstance(self.max_tokens, int) or self.max_tokens < 0:
            raise ValueError(f"LatentDiffusionConfig: max_tokens must be 0 or more, not {self.max_tokens!r}")
        if self.max_tokens and not self.net.context_features:
            raise ValueError(
                f"LatentDiffusionConfig: max_tokens={self.max_tokens} but net.context_features is 0; a model of "
                "text needs cross-attention, one without text max_tokens=0"
            )
        if not isinstance(self.attend_to_padding, bool):
            raise ValueError(
                f"LatentDiffusionConfig: attend_to_padding must be True or False, not {self.attend_to_padding!r}"
            )
        rate = self.frame_rate
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate < math.inf:
            raise ValueError(f"LatentDiffusionConfig: frame_rate must be a number, 0 or more, not {rate!r}")
        self._set_controls()
        wanted = {0: self.inject_width} if rate else {}
        if dict(self.net.inject_channels) != wanted:
            told = f" and controls {', '.join(self.controls)}" if self.controls else ""
            raise ValueError(
                f"LatentDiffusionConfig: with frame_rate {rate:g}{told} the net's inject_channels by depth must be "
                f"{wanted}, not {dict(self.net.inject_channels)}"
            )
        if self.net.global_features not in (0, self.global_width):
            raise ValueError(
                f"LatentDiffusionConfig: net.global_features must be 0 or {self.global_width} (features of the text, "
                f"and the steady attributes), not {self.net.global_features}"
            )

    def _set_controls(self) -> None:
        given = self.controls
        one_each = isinstance(given, tuple | list) and all(one in CONTROLS and given.count(one) == 1 for one in given)
        if not one_each:
            raise ValueError(
                f"LatentDiffusionConfig: controls must be some of {', '.join(CONTROLS)}, each once, not {given!r}"
            )
        if given and not self.frame_rate:
            raise ValueError(f"LatentDiffusionConfig: controls {', '.join(given)} need a frame_rate above 0")
        object.__setattr__(self, "controls", tuple(name for name in CONTROLS if name in given))

    @property
    def inject_width(self) -> int:
        """Channels of the signal at depth 0, in a model with a frame rate: attributes, then controls."""
        return ATTRIBUTE_CHANNELS + control_channels(self.controls, latent_channels=self.net.in_channels)

    @property
    def global_width(self) -> int:
        """Width of the global condition: the mean of the text embedding, and the steady attribute channels."""
        return self.net.context_features + (GLOBAL_CHANNELS if self.frame_rate else 0)

    def to_dict(self) -> dict[str, Any]:
        """All fields as a JSON-able dictionary."""
        return {
            "net": self.net.to_dict(),
            "latent_std": self.latent_std,
            "max_tokens": self.max_tokens,
            "frame_rate": self.frame_rate,
            "controls": list(self.controls),
            "attend_to_padding": self.attend_to_padding,
        }

    def with_controls(self, names: Sequence[str]) -> "LatentDiffusionConfig":
        """Return the same with these controls too.

        Raises:
            ValueError: one is unknown, or the model has no frame rate.
        """
        controls = (*self.controls, *(name for name in names if name not in self.controls))
        if not controls:
            return self
        width = ATTRIBUTE_CHANNELS + control_channels(controls, latent_channels=self.net.in_channels)
        first, *deeper = self.net.levels
        levels = (replace(first, inject_channels=width), *deeper)
        return replace(self, net=replace(self.net, levels=levels), controls=controls)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "LatentDiffusionConfig":
        """The inverse of `to_dict`; an unknown or missing key is a `ValueError` that names it."""
        if "net" not in values:
            raise ValueError("LatentDiffusionConfig: key 'net' is missing")
        return from_mapping(cls, {**values, "net": UNet1dConfig.from_dict(values["net"])})

    @classmethod
    def paper(cls) -> "LatentDiffusionConfig":
        """The paper's stage 2 (arXiv 2301.11757, section 4): 857.7 million parameters with the null embedding."""
        channels, items = (128, 256, 512, 512, 1024, 1024), (2, 2, 2, 4, 8, 8)
        return cls(
            net=UNet1dConfig(
                in_channels=32,
                levels=tuple(
                    Level(channels=c, factor=2 if depth else 1, num_blocks=n, attention=depth > 1, cross_attention=True)
                    for depth, (c, n) in enumerate(zip(channels, items, strict=True))
                ),
                context_features=768,
                attention_heads=12,
                feed_forward_factor=2.0,
            )
        )

    @classmethod
    def tiny(cls, *, latent_std: float = 1.0, frame_rate: float = 48000 / 4096) -> "LatentDiffusionConfig":
        """The bundled model's stage 2, for the latent of `DMAEConfig.tiny()`: 128 channels at 11.7 frames a second."""
        channels = (256, 256, 256, 256)
        return cls(
            net=UNet1dConfig(
                in_channels=128,
                levels=tuple(
                    Level(
                        channels=c,
                        factor=2 if depth else 1,
                        attention=depth > 0,
                        cross_attention=True,
                        inject_channels=0 if depth or not frame_rate else ATTRIBUTE_CHANNELS,
                    )
                    for depth, c in enumerate(channels)
                ),
                context_features=128,
                global_features=128 + (GLOBAL_CHANNELS if frame_rate else 0),
                global_hidden=48,
                attention_heads=4,
                modulation_features=256,
                zero_init_residual=True,
                outer_skip=False,
            ),
            latent_std=latent_std,
            frame_rate=frame_rate,
        )
