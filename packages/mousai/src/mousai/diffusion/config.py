"""Sizes of stage 2: frozen, self-checking, JSON-able."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mousai.conditioning.attribute_signal import ATTRIBUTE_CHANNELS, GLOBAL_CHANNELS
from mousai.conditioning.control_signal import CONTROLS, control_channels
from mousai.conditioning.text import MAX_TOKENS
from unet1d import Level, UNet1dConfig, from_mapping

GUIDANCE_FEATURES = 2
"""Guidance scales of a distilled model in its global condition: `guidance_scale`, `attribute_guidance_scale`."""
MOST_NUMBERS = 2**24
"""Most numbers of the null embedding; the paper's has 49,152."""


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
        guidance_inputs: whether the net reads the guidance scales, as a model does that guidance was distilled into
            (Meng et al., 2210.03142, section 3.1): one evaluation then does what guidance takes two or three for. It
            needs `net.global_features`.
        attend_to_padding: let the model read the padding after a prompt as if it were text. It is no good, but the
            authors' models were trained so: their attention takes no mask.
    """

    net: UNet1dConfig
    latent_std: float = 1.0
    max_tokens: int = MAX_TOKENS
    frame_rate: float = 0.0
    controls: tuple[str, ...] = ()
    guidance_inputs: bool = False
    attend_to_padding: bool = False

    def __post_init__(self) -> None:
        """Check every value."""
        std = self.latent_std
        if isinstance(std, bool) or not isinstance(std, int | float) or not 0 < std < math.inf:
            raise ValueError(f"LatentDiffusionConfig: latent_std must be a number above 0, not {std!r}")
        if not 1e-6 <= std <= 1e6:
            raise ValueError("LatentDiffusionConfig: latent_std must be 1e-6 to 1e6")
        if isinstance(self.max_tokens, bool) or not isinstance(self.max_tokens, int) or self.max_tokens < 0:
            raise ValueError(f"LatentDiffusionConfig: max_tokens must be 0 or more, not {self.max_tokens!r}")
        if self.max_tokens * max(self.net.context_features, 1) > MOST_NUMBERS:
            raise ValueError("LatentDiffusionConfig: max_tokens times net.context_features are more than 2**24 numbers")
        if self.max_tokens and not self.net.context_features:
            raise ValueError(
                f"LatentDiffusionConfig: max_tokens={self.max_tokens} but net.context_features is 0; a model of "
                "text needs cross-attention, one without text max_tokens=0"
            )
        for name in ("attend_to_padding", "guidance_inputs"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"LatentDiffusionConfig: {name} must be True or False, not {getattr(self, name)!r}")
        rate = self.frame_rate
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate < math.inf:
            raise ValueError(f"LatentDiffusionConfig: frame_rate must be a number, 0 or more, not {rate!r}")
        if rate > 1e6:
            raise ValueError("LatentDiffusionConfig: frame_rate must be 1e6 or less")
        self._set_controls()
        wanted = {0: self.inject_width} if rate else {}
        if dict(self.net.inject_channels) != wanted:
            told = f" and controls {', '.join(self.controls)}" if self.controls else ""
            raise ValueError(
                f"LatentDiffusionConfig: with frame_rate {rate:g}{told} the net's inject_channels by depth must be "
                f"{wanted}, not {dict(self.net.inject_channels)}"
            )
        if self.net.global_features not in (0, self.global_width):
            scales = ", and the guidance scales" if self.guidance_inputs else ""
            raise ValueError(
                f"LatentDiffusionConfig: net.global_features must be 0 or {self.global_width} (features of the text, "
                f"and the steady attributes{scales}), not {self.net.global_features}"
            )
        if self.guidance_inputs and not self.net.global_features:
            raise ValueError("LatentDiffusionConfig: guidance_inputs needs net.global_features, by which they come in")

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
        """Width of the global condition: mean of the text embedding, steady attribute channels, guidance scales."""
        scales = GUIDANCE_FEATURES if self.guidance_inputs else 0
        return self.net.context_features + (GLOBAL_CHANNELS if self.frame_rate else 0) + scales

    def to_dict(self) -> dict[str, Any]:
        """All fields as a JSON-able dictionary."""
        return {
            "net": self.net.to_dict(),
            "latent_std": self.latent_std,
            "max_tokens": self.max_tokens,
            "frame_rate": self.frame_rate,
            "controls": list(self.controls),
            "guidance_inputs": self.guidance_inputs,
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

    def with_guidance_inputs(self) -> "LatentDiffusionConfig":
        """Return the same with the guidance scales among the inputs.

        Raises:
            ValueError: the net has no global condition.
        """
        if self.guidance_inputs:
            return self
        net = self.net
        if net.global_features:
            net = replace(net, global_features=net.global_features + GUIDANCE_FEATURES)
        return replace(self, net=net, guidance_inputs=True)

    def without_guidance_inputs(self) -> "LatentDiffusionConfig":
        """Return the same without the guidance scales among the inputs."""
        if not self.guidance_inputs:
            return self
        net = replace(self.net, global_features=self.net.global_features - GUIDANCE_FEATURES)
        return replace(self, net=net, guidance_inputs=False)

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
