"""Stage 2: text -> latent, a text-conditioned diffusion on the autoencoder's latents."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mousai.conditions import CONDITION_CHANNELS, Stated, condition_signal
from mousai.text import MAX_TOKENS, TextEmbedding
from unet1d import Level, UNet1d, UNet1dConfig
from unet1d.config import from_mapping
from vdiffusion import DDIM, Guidance, VObjective, seeded_noise, time_grid, to_noisy


@dataclass(frozen=True, kw_only=True)
class LatentDiffusionConfig:
    """Sizes of the generator.

    Args:
        net: the U-Net on the latent; `context_features` is the width of the text embedding.
        latent_std: standard deviation of the latents in the training data; the diffusion works on latent / latent_std.
        max_tokens: tokens of the learned embedding that stands for "no prompt".
        frame_rate: latent frames per second of a generator that is also told tempo and key (`mousai.conditions`), by
            injection at depth 0; 0 for one that reads text alone, as the paper's.
    """

    net: UNet1dConfig
    latent_std: float = 1.0
    max_tokens: int = MAX_TOKENS
    frame_rate: float = 0.0

    def __post_init__(self) -> None:
        """Check every value."""
        if not self.net.context_features:
            raise ValueError("LatentDiffusionConfig: net.context_features is 0; the generator needs cross-attention")
        std = self.latent_std
        if isinstance(std, bool) or not isinstance(std, int | float) or not 0 < std < math.inf:
            raise ValueError(f"LatentDiffusionConfig: latent_std must be a number above 0, not {std!r}")
        if isinstance(self.max_tokens, bool) or not isinstance(self.max_tokens, int) or self.max_tokens < 1:
            raise ValueError(f"LatentDiffusionConfig: max_tokens must be 1 or more, not {self.max_tokens!r}")
        rate = self.frame_rate
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate < math.inf:
            raise ValueError(f"LatentDiffusionConfig: frame_rate must be a number, 0 or more, not {rate!r}")
        wanted = {0: CONDITION_CHANNELS} if rate else {}
        if dict(self.net.inject_channels) != wanted:
            raise ValueError(
                f"LatentDiffusionConfig: with frame_rate {rate:g} the net's inject_channels by depth must be {wanted}, "
                f"not {dict(self.net.inject_channels)}"
            )

    def to_dict(self) -> dict[str, Any]:
        """All fields as a JSON-able dictionary."""
        return {
            "net": self.net.to_dict(),
            "latent_std": self.latent_std,
            "max_tokens": self.max_tokens,
            "frame_rate": self.frame_rate,
        }

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
                    Level(channels=c, factor=2 if depth else 1, items=n, attention=depth > 1, cross_attention=True)
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
                        inject_channels=0 if depth or not frame_rate else CONDITION_CHANNELS,
                    )
                    for depth, c in enumerate(channels)
                ),
                context_features=128,
                attention_heads=4,
                modulation_features=256,
                zero_init_residual=True,
                outer_skip=False,
            ),
            latent_std=latent_std,
            frame_rate=frame_rate,
        )


class LatentDiffusion(nn.Module):
    """Moûsai's stage 2: `loss` learns latents under their texts, `sample` draws new ones.

        text embedding ──────────────────────┐
        tempo, key ── condition_signal ──┐   │
        noise ── U-Net (injection, cross-attention) ── DDIM, both guidance branches in one batch ──> latent / latent_std

    Args:
        config: all sizes, for example `LatentDiffusionConfig.paper()`.
    """

    def __init__(self, config: LatentDiffusionConfig) -> None:
        super().__init__()
        self.config = config
        self.net = UNet1d(config.net)
        self.null_embedding = nn.Parameter(0.02 * torch.randn(config.max_tokens, config.net.context_features))

    def denoise(
        self,
        x_t: Tensor,
        t: Tensor,
        *,
        context: Tensor,
        context_mask: Tensor,
        inject: Mapping[int, Tensor] | None = None,
    ) -> Tensor:
        """The generator as a net.

        Args:
            x_t: noisy latent [B, C, L].
            t: diffusion time [B].
            context: text embedding [B, N, F].
            context_mask: bool [B, N].
            inject: `conditions()` of the items.

        Returns:
            v [B, C, L].
        """
        v: Tensor = self.net(x_t, t, context=context, context_mask=context_mask, inject=inject)
        return v

    def conditions(
        self,
        stated: Sequence[Stated] | None,
        *,
        batch: int,
        frames: int,
        starts: Sequence[float] | None = None,
    ) -> dict[int, Tensor]:
        """What `denoise` is to be given as `inject`; empty for a generator that reads text alone."""
        if not self.config.frame_rate:
            return {}
        known = [Stated()] * batch if stated is None else list(stated)
        if len(known) != batch:
            raise ValueError(f"stated: {len(known)} for {batch} items")
        signal = condition_signal(known, frames=frames, frame_rate=self.config.frame_rate, starts=starts)
        return {0: signal.to(self.null_embedding.device)}

    def null(self, batch: int) -> TextEmbedding:
        """The learned embedding that stands for "no prompt"."""
        hidden = self.null_embedding.expand(batch, -1, -1)
        return TextEmbedding(hidden, torch.ones(hidden.shape[:2], dtype=torch.bool, device=hidden.device))

    def loss(
        self,
        latent: Tensor,
        text: TextEmbedding,
        *,
        stated: Sequence[Stated] | None = None,
        starts: Sequence[float] | None = None,
        drop: float = 0.1,
        t: Tensor | None = None,
        noise: Tensor | None = None,
        generator: torch.Generator | None = None,
        objective: VObjective | None = None,
    ) -> Tensor:
        """V-objective of latents [B, C, L] under their texts, a scalar.

        Args:
            latent: what the autoencoder's `encode` gives.
            text: as many prompts; their tokens must be `config.max_tokens`.
            stated: tempo and key of each item, where the generator is told them.
            starts: second of its piece at which each item's first frame begins; by default 0.
            drop: chance that an item is trained with the null embedding and nothing stated, for guidance (Ho &
                Salimans, 2207.12598).
            t: diffusion times [B] instead of drawn ones.
            noise: instead of drawn noise.
            generator: for what is drawn.
            objective: by default `VObjective()`.
        """
        batch = latent.shape[0]
        null = self.null(batch)
        if text.hidden.shape != null.hidden.shape:
            raise ValueError(f"text.hidden: expected {list(null.hidden.shape)}, got {list(text.hidden.shape)}")
        device = generator.device if generator else latent.device
        dropped = (torch.rand(batch, generator=generator, device=device) < drop).to(latent.device)
        context = torch.where(dropped[:, None, None], null.hidden.to(text.hidden), text.hidden)
        mask = torch.where(dropped[:, None], null.mask, text.mask)
        inject = self.conditions(stated, batch=batch, frames=latent.shape[-1], starts=starts)
        inject = {depth: signal.masked_fill(dropped[:, None, None], 0) for depth, signal in inject.items()}
        objective = VObjective() if objective is None else objective
        return objective.loss(
            self.denoise,
            latent / self.config.latent_std,
            t=t,
            noise=noise,
            generator=generator,
            context=context,
            context_mask=mask,
            inject=inject,
        )

    @torch.no_grad()
    def sample(
        self,
        text: TextEmbedding,
        *,
        frames: int,
        num_steps: int = 50,
        guidance_scale: float = 3.0,
        negative: TextEmbedding | None = None,
        stated: Sequence[Stated] | None = None,
        negative_stated: Sequence[Stated] | None = None,
        seed: int = 0,
        items: Sequence[int] | None = None,
        start_latent: Tensor | None = None,
        strength: float = 1.0,
        sampler: DDIM | None = None,
        callback: Callable[[int, int, Tensor], None] | None = None,
    ) -> Tensor:
        """Draw one latent [B, C, frames] for every prompt.

        Args:
            text: the prompts.
            frames: length, in latent frames.
            num_steps: denoising steps.
            guidance_scale: 1 follows the model as it is; above, the prompt counts for more.
            negative: what to stay away from; by default the null embedding.
            stated: tempo and key of each piece, where the generator is told them; by default nothing is stated.
            negative_stated: the same of what to stay away from.
            seed: of the starting noise; item i has its own, from (seed, items[i]).
            items: numbers of the items, by default 0, 1, ...
            start_latent: latent [B, C, frames] to start from instead of pure noise.
            strength: how much of `start_latent` is replaced: the diffusion time in (0, 1] that it is noised to.
            sampler: by default deterministic `DDIM`.
            callback: called as `callback(step, total, estimate)`.

        Raises:
            ValueError: an argument is impossible; the message names it and its value.
        """
        if frames < 1:
            raise ValueError(f"frames={frames}: must be 1 or more")
        batch = text.hidden.shape[0]
        items = range(batch) if items is None else items
        if len(items) != batch:
            raise ValueError(f"items: {len(items)} numbers for {batch} prompts")
        shape = (self.config.net.in_channels, frames)
        noise = seeded_noise(shape, seed=seed, items=items, stage="generator", device=text.hidden.device)
        times = None
        if start_latent is not None:
            if start_latent.shape != noise.shape:
                raise ValueError(f"start_latent: expected {list(noise.shape)}, got {list(start_latent.shape)}")
            times = time_grid(num_steps, start=strength)
            noise = to_noisy(start_latent / self.config.latent_std, noise, times[0].float().to(noise.device))
        negative = self.null(batch) if negative is None else negative
        net = Guidance(
            self.denoise,
            guidance_scale,
            {
                "context": negative.hidden.to(text.hidden),
                "context_mask": negative.mask,
                "inject": self.conditions(negative_stated, batch=batch, frames=frames),
            },
        )
        x = (DDIM() if sampler is None else sampler).sample(
            net,
            noise,
            num_steps=num_steps,
            times=times,
            callback=callback,
            context=text.hidden,
            context_mask=text.mask,
            inject=self.conditions(stated, batch=batch, frames=frames),
        )
        return x * self.config.latent_std
