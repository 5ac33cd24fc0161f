"""Stage 2: text -> latent, a text-conditioned diffusion on the autoencoder's latents."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from mousai.conditioning.attributes import GLOBAL_CHANNELS, MusicAttributes, attribute_signal
from mousai.conditioning.text import TextEmbedding
from mousai.diffusion.config import LatentDiffusionConfig
from unet1d import UNet1d
from vdiffusion import DDIM, Guidance, Net, NoiseSource, Sampler, VObjective, require_steps, time_grid, to_noisy

ATTRIBUTE_GUIDANCE_T_MIN = 0.4
"""Diffusion time below which key and lead of a piece are decided."""


class LatentDiffusion(nn.Module):
    """Moûsai's stage 2: `loss` learns latents under their texts, `sample` draws new ones.

        text embedding ─────────────────────────────┬─ mean ─┐
        tempo, key, lead ── attribute_signal ─┬─ the steady ─┤
                                              │     │        │
        noise ──────────────── U-Net (injection, cross-attention, modulation) ── DDIM ──> latent / latent_std

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
        context: Tensor | Mapping[str, Tensor] | None = None,
        context_mask: Tensor | None = None,
        inject: Mapping[int, Tensor] | None = None,
        global_condition: Tensor | None = None,
    ) -> Tensor:
        """The generator as a net.

        Args:
            x_t: noisy latent [B, C, L].
            t: diffusion time [B].
            context: text embedding [B, N, F], where the generator reads text, or what the U-Net's `encode_context` made
                of it.
            context_mask: bool [B, N], beside an embedding.
            inject: `conditions()` of the items.
            global_condition: [B, global_features], what `told_globally()` of the items gives, where the generator is.

        Returns:
            v [B, C, L].
        """
        v: Tensor = self.net(
            x_t,
            t,
            context=context,
            context_mask=context_mask,
            inject=inject,
            global_condition=global_condition,
        )
        return v

    def conditions(
        self,
        stated: Sequence[MusicAttributes] | None,
        *,
        batch: int,
        frames: int,
        starts: Sequence[float] | None = None,
    ) -> dict[int, Tensor]:
        """What `denoise` is to be given as `inject`; empty for a generator that reads text alone."""
        if not self.config.frame_rate:
            return {}
        known = [MusicAttributes()] * batch if stated is None else list(stated)
        if len(known) != batch:
            raise ValueError(f"stated: {len(known)} for {batch} items")
        signal = attribute_signal(known, frames=frames, frame_rate=self.config.frame_rate, starts=starts)
        return {0: signal.to(self.null_embedding.device)}

    def told_globally(self, text: TextEmbedding | None, inject: Mapping[int, Tensor]) -> dict[str, Tensor]:
        """What `denoise` is to be given as `global_condition`, under that name; empty for a generator without.

        Args:
            text: the items' texts, hidden [B, N, F] (or of one item for all).
            inject: `conditions()` of the items.

        Returns:
            float32 [B, global_features]: the mean over the tokens of the text, then what is stated that is the same at
            every frame.
        """
        if not self.config.net.global_features:
            return {}
        told = []
        if text is not None:
            usable = text.mask[..., None].to(text.hidden)
            told.append((text.hidden * usable).sum(1) / usable.sum(1).clamp(min=1))
        if inject:
            steady = inject[0][:, -GLOBAL_CHANNELS:, 0]
            told = [*(mean.expand(len(steady), -1) for mean in told), steady]
        # In one type whatever the text encoder's is, so that what is told and what is not stand in one batch.
        return {"global_condition": torch.cat([part.float() for part in told], dim=1)}

    def null(self, batch: int, tokens: int | None = None) -> TextEmbedding:
        """The learned embedding that stands for "no prompt".

        Args:
            batch: items.
            tokens: how many of its tokens, from the first, as many as a prompt beside it has; by default all.

        Raises:
            ValueError: this generator was trained without one, or it has fewer tokens.
        """
        if not self.config.max_tokens:
            raise ValueError(
                "this generator has no learned embedding for no prompt (max_tokens is 0): guidance_scale must be 1 and "
                "drop 0, or give a negative prompt"
            )
        tokens = self.config.max_tokens if tokens is None else tokens
        if not 1 <= tokens <= self.config.max_tokens:
            raise ValueError(f"text: has {tokens} tokens; the embedding for no prompt has {self.config.max_tokens}")
        hidden = self.null_embedding[:tokens].expand(batch, -1, -1)
        return TextEmbedding(hidden, torch.ones(hidden.shape[:2], dtype=torch.bool, device=hidden.device))

    def loss(
        self,
        latent: Tensor,
        text: TextEmbedding | None,
        *,
        stated: Sequence[MusicAttributes] | None = None,
        starts: Sequence[float] | None = None,
        drop: float = 0.1,
        t: Tensor | None = None,
        noise: Tensor | None = None,
        dropped: Tensor | None = None,
        mask: Tensor | None = None,
        generator: torch.Generator | None = None,
        objective: VObjective | None = None,
    ) -> Tensor:
        """V-objective of latents [B, C, L] under their texts, a scalar.

        Args:
            latent: what the autoencoder's `encode` gives.
            text: as many prompts; with a learned embedding for no prompt, of no more tokens than it has. `None` for a
                generator without text.
            stated: tempo and key of each item, where the generator is told them.
            starts: second of its piece at which each item's first frame begins; by default 0.
            drop: chance that an item is trained with the null embedding and nothing stated, for guidance (Ho &
                Salimans, 2207.12598). 0 where there is no such embedding.
            t: diffusion times [B] instead of drawn ones.
            noise: instead of drawn noise.
            dropped: bool [B], which items are trained so, instead of a draw with the chance `drop`.
            mask: bool [B, 1, L], where a latent is music and counts, and not padding; by default everywhere.
            generator: for what is drawn.
            objective: by default `VObjective()`.
        """
        batch = latent.shape[0]
        self._check_text(text)
        device = generator.device if generator else latent.device
        # Where the items are named, the embedding takes part even if none of them is: under DDP every weight must.
        can_drop = drop > 0 if dropped is None else self.config.max_tokens > 0 or bool(dropped.any())
        if dropped is None:
            dropped = torch.rand(batch, generator=generator, device=device) < drop
        dropped = dropped.to(latent.device)
        if text is not None and can_drop:
            null = self.null(batch, text.mask.shape[1])
            if text.hidden.shape != null.hidden.shape:
                raise ValueError(f"text.hidden: expected {list(null.hidden.shape)}, got {list(text.hidden.shape)}")
            hidden = torch.where(dropped[:, None, None], null.hidden.to(text.hidden), text.hidden)
            text = TextEmbedding(hidden, torch.where(dropped[:, None], null.mask, text.mask))
        inject = self.conditions(stated, batch=batch, frames=latent.shape[-1], starts=starts)
        inject = {depth: signal.masked_fill(dropped[:, None, None], 0) for depth, signal in inject.items()}
        objective = VObjective() if objective is None else objective
        return objective.loss(
            self.denoise,
            latent / self.config.latent_std,
            t=t,
            noise=noise,
            mask=mask,
            generator=generator,
            inject=inject,
            **self.told_globally(text, inject),
            **_as_context(text),
        )

    @torch.no_grad()
    def sample(
        self,
        text: TextEmbedding | None,
        *,
        frames: int,
        num_steps: int = 50,
        guidance_scale: float = 3.0,
        attribute_guidance_scale: float = 0.0,
        negative: TextEmbedding | None = None,
        stated: Sequence[MusicAttributes] | None = None,
        unstated: TextEmbedding | None = None,
        negative_stated: Sequence[MusicAttributes] | None = None,
        seed: int = 0,
        items: Sequence[int] | None = None,
        start_latent: Tensor | None = None,
        strength: float = 1.0,
        sampler: Sampler | None = None,
        grid: str = "uniform",
        callback: Callable[[int, int, Tensor], None] | None = None,
    ) -> Tensor:
        """Draw one latent [B, C, frames] for every prompt.

        Args:
            text: the prompts; `None` for a generator without text.
            frames: length, in latent frames.
            num_steps: denoising steps.
            guidance_scale: 1 follows the model as it is (all that one without text can do); above, the prompt counts
                for more.
            attribute_guidance_scale: how much more the key and the lead in `stated` count, above times
                of `ATTRIBUTE_GUIDANCE_T_MIN`;
                0 for no
                more than the rest. A generator that reads text alone hears it through `unstated`.
            negative: what to stay away from; by default the null embedding.
            stated: tempo, key and lead of each piece, where the generator is told them; by default nothing is stated.
            unstated: the prompts less what they say of key and lead (`strip_attributes`), which is what
                `attribute_guidance_scale` leads away from; by default the prompts as they are.
            negative_stated: what is stated of what to stay away from.
            seed: of all noise; item i has its own, from (seed, items[i]).
            items: numbers of the items, by default 0, 1, ...; without text they say how many there are, by default one.
            start_latent: latent [B, C, frames] to start from instead of pure noise.
            strength: how much of `start_latent` is replaced: the diffusion time in (0, 1] that it is noised to.
            sampler: by default deterministic `DDIM`; one with fresh noise draws it from (seed, items[i]) too.
            grid: where the steps lie, a `kind` of `vdiffusion.time_grid`.
            callback: called as `callback(step, total, estimate)`.

        Raises:
            ValueError: an argument is impossible; the message names it and its value.
        """
        if frames < 1:
            raise ValueError(f"frames={frames}: must be 1 or more")
        self._check_text(text)
        batch = text.hidden.shape[0] if text is not None else 1 if items is None else len(items)
        items = range(batch) if items is None else items
        if len(items) != batch:
            raise ValueError(f"items: {len(items)} numbers for {batch} prompts")
        shape = (self.config.net.in_channels, frames)
        noise = NoiseSource(seed, items).draw(shape, stage="generator", device=self.null_embedding.device)
        require_steps(num_steps, "num_steps")
        times = time_grid(num_steps, start=1.0 if start_latent is None else strength, kind=grid)
        if start_latent is not None:
            if start_latent.shape != noise.shape:
                raise ValueError(f"start_latent: expected {list(noise.shape)}, got {list(start_latent.shape)}")
            noise = to_noisy(start_latent / self.config.latent_std, noise, times[0].float().to(noise.device))
        if guidance_scale != 1 and text is None:
            raise ValueError(f"guidance_scale={guidance_scale:g}: this generator reads no text; only 1 would do")
        net, conditions = self.guided(
            text,
            guidance_scale,
            attribute_guidance_scale=attribute_guidance_scale,
            frames=frames,
            negative=negative,
            batch=batch,
            stated=stated,
            unstated=unstated,
            negative_stated=negative_stated,
        )
        x = (DDIM() if sampler is None else sampler).sample(
            net,
            noise,
            times=times,
            generators=NoiseSource(seed, items).generators("generator steps"),
            callback=callback,
            **conditions,
        )
        return x * self.config.latent_std

    def guided(
        self,
        text: TextEmbedding | None,
        guidance_scale: float,
        *,
        attribute_guidance_scale: float = 0.0,
        frames: int,
        batch: int,
        negative: TextEmbedding | None = None,
        stated: Sequence[MusicAttributes] | None = None,
        unstated: TextEmbedding | None = None,
        negative_stated: Sequence[MusicAttributes] | None = None,
    ) -> tuple[Net, dict[str, Any]]:
        """What a sampler evaluates in each step: a net, and the conditions to call it with.

        What does not depend on the step is done here, once: the prompts are read by all cross-attentions.
        The arguments are those of `sample`; `batch` says how many items there are.
        """
        conditions = self._told(text, stated, batch=batch, frames=frames)
        without = None
        if attribute_guidance_scale and stated and any(one.key or one.lead for one in stated):
            less = [replace(one, key=None, lead=None) for one in stated]
            without = self._told(text if unstated is None else unstated, less, batch=batch, frames=frames)
        more: dict[str, Any] = {
            "partial_negative": without,
            "partial_scale": attribute_guidance_scale,
            "t_min": ATTRIBUTE_GUIDANCE_T_MIN,
        }
        if guidance_scale == 1:
            return (self.denoise if without is None else Guidance(self.denoise, 1, {}, **more)), conditions
        tokens = None if text is None else text.hidden.shape[1]
        away = self._told(negative or self.null(batch, tokens), negative_stated, batch=batch, frames=frames)
        return Guidance(self.denoise, guidance_scale, away, **more), conditions

    def _told(
        self, text: TextEmbedding | None, stated: Sequence[MusicAttributes] | None, *, batch: int, frames: int
    ) -> dict[str, Any]:
        context = None if text is None else self.net.encode_context(text.hidden, text.mask)
        inject = self.conditions(stated, batch=batch, frames=frames)
        return {"context": context, "inject": inject, **self.told_globally(text, inject)}

    def _check_text(self, text: TextEmbedding | None) -> None:
        if (text is None) == bool(self.config.net.context_features):
            raise ValueError("text: must be given" if text is None else "text: this generator reads none; give None")


def _as_context(text: TextEmbedding | None) -> dict[str, Any]:
    return {} if text is None else {"context": text.hidden, "context_mask": text.mask}
