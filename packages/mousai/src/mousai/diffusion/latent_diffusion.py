"""Stage 2: text -> latent, a text-conditioned diffusion on the autoencoder's latents."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mousai.conditioning.conditioning import Conditioning
from mousai.conditioning.control_signal import FIELDS
from mousai.conditioning.text import TextEmbedding
from mousai.diffusion.conditions import NO_GUIDANCE, Scales, global_condition, injected_signal, without_prompt
from mousai.diffusion.config import LatentDiffusionConfig
from mousai.diffusion.guided_net import guided_net
from mousai.sampling_config import SamplingConfig
from unet1d import UNet1d
from vdiffusion import KeepKnown, NoiseSource, RePaint, VObjective, get_sampler, time_grid, to_noisy

NOISE_STAGE = "generator"
"""Name under which the starting noise is drawn. It is part of the seed: another word would be other music."""

Callback = Callable[[int, float, Tensor], Tensor | None]
"""`callback(step, t, estimate)`: step from 0, its diffusion time, estimate of the clean latent [B, C, L]. A latent
that is returned takes the place of the estimate."""


class LatentDiffusion(nn.Module):
    """Moûsai's stage 2: `loss` learns latents under their conditioning, `sample` draws new ones.

        text embedding ─────────────────────────────┬── mean ──┐
        tempo, key, lead ── attribute_signal ─┬─ what is steady ┤
        chords, melody, section, known part ──┤     │           │
        noise ──────────────── U-Net (injection, cross-attention, modulation) ── sampler ──> latent / latent_std

    Args:
        config: all sizes, for example `LatentDiffusionConfig.paper()`.
    """

    def __init__(self, config: LatentDiffusionConfig) -> None:
        super().__init__()
        self.config = config
        self.net = UNet1d(config.net)
        self.null_embedding = nn.Parameter(0.02 * torch.randn(config.max_tokens, config.net.context_features))

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return self.null_embedding.device

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
        """The U-Net as a net of `vdiffusion`.

        Args:
            x_t: noisy latent [B, C, L].
            t: diffusion time [B].
            context: text embedding [B, N, F], where the model reads text, or what `UNet1d.encode_context` made of it.
            context_mask: bool [B, N], beside an embedding.
            inject: attribute signal by depth, see `inject`.
            global_condition: [B, global_features], see `global_condition`.

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

    def inject(self, cond: Conditioning, batch: int, *, dropped: Tensor | None = None) -> dict[int, Tensor]:
        """Signals of the batch by depth, for `denoise`; see `mousai.diffusion.conditions.injected_signal`."""
        return injected_signal(self.config, cond, batch, device=self.device, dropped=dropped)

    def global_condition(
        self,
        text: TextEmbedding | None,
        inject: Mapping[int, Tensor],
        *,
        scales: Scales = NO_GUIDANCE,
    ) -> dict[str, Tensor]:
        """Condition of the whole piece for `denoise`; see `mousai.diffusion.conditions.global_condition`."""
        return global_condition(self.config, text, inject, scales=scales)

    @property
    def reads_guidance(self) -> bool:
        """Tell whether the net reads the guidance scales, and needs one evaluation a step."""
        return self.config.guidance_inputs

    def net_conditions(self, cond: Conditioning, batch: int, *, scales: Scales = NO_GUIDANCE) -> dict[str, Any]:
        """Conditions of `denoise` for sampling: all cross-attentions' keys and values of the prompts, computed once."""
        context = None if cond.text is None else self.net.encode_context(cond.text.hidden, cond.text.mask)
        inject = self.inject(cond, batch)
        return {"context": context, "inject": inject, **self.global_condition(cond.text, inject, scales=scales)}

    def null(self, batch: int, tokens: int | None = None) -> TextEmbedding:
        """The learned embedding that stands for "no prompt".

        Args:
            batch: batch members.
            tokens: how many of its tokens, from the first, as many as a prompt beside it has; by default all.

        Raises:
            ValueError: this model was trained without one, or it has fewer tokens.
        """
        if not self.config.max_tokens:
            raise ValueError(
                "this model has no learned embedding for no prompt (max_tokens is 0): guidance_scale must be "
                "1 and cond_drop_prob 0, or give a negative prompt"
            )
        tokens = self.config.max_tokens if tokens is None else tokens
        if not 1 <= tokens <= self.config.max_tokens:
            raise ValueError(f"text: has {tokens} tokens; the embedding for no prompt has {self.config.max_tokens}")
        hidden = self.null_embedding[:tokens].expand(batch, -1, -1)
        return TextEmbedding(hidden, torch.ones(hidden.shape[:2], dtype=torch.bool, device=hidden.device))

    def loss(
        self,
        latent: Tensor,
        cond: Conditioning,
        *,
        cond_drop_prob: float = 0.1,
        t: Tensor | None = None,
        noise: Tensor | None = None,
        cond_drop_mask: Tensor | None = None,
        mask: Tensor | None = None,
        generator: torch.Generator | None = None,
        objective: VObjective | None = None,
    ) -> Tensor:
        """V-objective of latents under their conditioning, a scalar.

        Args:
            latent: [B, C, L], from the autoencoder's `encode`.
            cond: as many members; `cond.frames` is L. Its text has, beside a learned embedding for no prompt, no more
                tokens than that.
            cond_drop_prob: chance that a member is trained with the null embedding and no attributes, for guidance
                (Ho & Salimans, 2207.12598). 0 where there is no such embedding.
            t: diffusion times [B] instead of drawn ones.
            noise: noise [B, C, L] instead of drawn noise.
            cond_drop_mask: bool [B], which members are trained so, instead of a draw with `cond_drop_prob`.
            mask: bool [B, 1, L], where a latent is music and counts, and not padding; by default everywhere. What
                is known of it does not count either: `sample` never asks the net for it.
            generator: draws what is not given.
            objective: by default `VObjective()`.
        """
        batch, text = latent.shape[0], cond.text
        self._check(cond, batch)
        device = generator.device if generator else latent.device
        # Where a mask is given, the null embedding takes part even if it drops nobody: under DDP every weight must.
        can_drop = cond_drop_prob > 0
        if cond_drop_mask is None:
            cond_drop_mask = torch.rand(batch, generator=generator, device=device) < cond_drop_prob
        else:
            can_drop = self.config.max_tokens > 0 or bool(cond_drop_mask.any())
        cond_drop_mask = cond_drop_mask.to(latent.device)
        if text is not None and can_drop:
            text = without_prompt(text, self.null(batch, text.mask.shape[1]), cond_drop_mask)
        inject = self.inject(cond, batch, dropped=cond_drop_mask.to(self.device))
        if cond.known_mask is not None:
            unknown = ~cond.known_mask.to(latent.device)
            mask = unknown if mask is None else mask & unknown
        context = {} if text is None else {"context": text.hidden, "context_mask": text.mask}
        return (VObjective() if objective is None else objective).loss(
            self.denoise,
            latent / self.config.latent_std,
            t=t,
            noise=noise,
            mask=mask,
            generator=generator,
            inject=inject,
            **self.global_condition(text, inject),
            **context,
        )

    @torch.no_grad()
    def sample(
        self,
        cond: Conditioning,
        *,
        noise: NoiseSource,
        config: SamplingConfig | None = None,
        negative: Conditioning | None = None,
        init_latent: Tensor | None = None,
        latents: Tensor | None = None,
        callback: Callback | None = None,
    ) -> Tensor:
        """Draw one latent [B, C, `cond.latent_frames`] for every batch member.

        Args:
            cond: what each piece is asked to be. A known part of the latent comes out as it is. A model with the
                control "known" makes the rest fit it in one pass, any other by RePaint (2201.09865), which makes each
                step `config.inpaint_resamples` times.
            noise: seed and index of each member.
            config: settings of sampling; by default `SamplingConfig()`.
            negative: what to stay away from; by default the null embedding and no attributes.
            init_latent: latent [B or 1, C, frames] to start from; `config.strength` of it is replaced.
            latents: starting noise [B, C, frames] of unit variance instead of that of `noise`.
            callback: see `Callback`.

        Raises:
            ValueError: an argument is impossible; the message names it and its value.
        """
        config = SamplingConfig() if config is None else config
        batch = len(noise)
        self._check(cond, batch)
        shape = (self.config.net.in_channels, cond.latent_frames)
        if latents is None:
            latents = noise.draw(shape, stage=NOISE_STAGE, device=self.device)
        elif not isinstance(latents, Tensor) or not latents.is_floating_point() or latents.shape != (batch, *shape):
            what = f"{latents.dtype} {list(latents.shape)}" if isinstance(latents, Tensor) else type(latents).__name__
            raise ValueError(f"latents: expected floating-point {[batch, *shape]}, got {what}")
        latents = latents.to(self.device)  # a user's may lie elsewhere
        if init_latent is not None and not config.strength:
            return init_latent.expand(batch, -1, -1).to(self.device)
        begin = 1.0 if init_latent is None else config.strength
        times = time_grid(config.num_inference_steps, start=begin, kind=config.time_grid)
        known, mask = self._known(cond)
        if init_latent is not None:
            if init_latent.shape not in (latents.shape, (1, *shape)):
                raise ValueError(f"init_latent: expected {list(latents.shape)}, got {list(init_latent.shape)}")
            begun = init_latent.to(self.device).expand(batch, -1, -1) / self.config.latent_std
            if self.reads_known and known is not None:
                begun = torch.where(mask, known.to(begun), begun)
            latents = to_noisy(begun, latents, times[0].float().to(self.device))
        net, conditions = guided_net(self, cond, config, negative=negative, batch=batch)
        sampler = get_sampler(config.sampler) if isinstance(config.sampler, str) else config.sampler
        called, repeats = times.tolist(), config.inpaint_resamples
        chosen: Any = sampler
        more: dict[str, Any] = {}
        if known is not None and self.reads_known:
            net = KeepKnown(net, source=known, mask=mask)
        elif known is not None:
            chosen, more = RePaint(resamples=repeats, sampler=sampler), {"source": known, "mask": mask}
            called = _repeated(called, repeats)
        x: Tensor = chosen.sample(
            net,
            latents,
            times=times,
            generators=noise.generators(f"{NOISE_STAGE} steps"),
            callback=None if callback is None else self._scaled(callback, called),
            **more,
            **conditions,
        )
        if known is not None:
            x = torch.where(mask, known, x)  # a callback may have changed it
        return x * self.config.latent_std

    @property
    def reads_known(self) -> bool:
        """Tell whether the model reads a known part of the latent, and needs no RePaint to fit the rest to it."""
        return "known" in self.config.controls

    def _known(self, cond: Conditioning) -> tuple[Tensor | None, Tensor]:
        """What is known of the latent, over `latent_std`, and where; on the model's device."""
        if cond.known_latent is None or cond.known_mask is None:
            return None, torch.zeros(1, 1, cond.frames, dtype=torch.bool, device=self.device)
        return cond.known_latent.to(self.device).float() / self.config.latent_std, cond.known_mask.to(self.device)

    def _scaled(self, callback: Callback, times: Sequence[float]) -> Callable[[int, int, Tensor], Tensor | None]:
        """The callback of a sampler that calls `callback` with latents as `sample` gives them."""

        def called(step: int, total: int, estimate: Tensor) -> Tensor | None:
            changed = callback(step, times[step], estimate * self.config.latent_std)
            return None if changed is None else changed.to(estimate) / self.config.latent_std

        return called

    def _check(self, cond: Conditioning, batch: int) -> None:
        if (cond.text is None) == bool(self.config.net.context_features):
            raise ValueError("text: must be given" if cond.text is None else "text: this model reads none; give None")
        channels = self.config.net.in_channels
        if cond.known_latent is not None and cond.known_latent.shape[1] != channels:
            raise ValueError(f"known_latent: has {cond.known_latent.shape[1]} channels, must have {channels}")
        if cond.batch_size not in (None, batch):
            raise ValueError(f"cond: of {cond.batch_size} members for a batch of {batch}")
        for name, field in FIELDS.items():
            if name not in self.config.controls and any(getattr(one, field) is not None for one in cond.controls):
                has = ", ".join(self.config.controls) or "none"
                raise ValueError(f"controls: tell of {field}, which this model does not read (its controls: {has})")


def _repeated(times: Sequence[float], repeats: int) -> list[float]:
    """The time at which each step of RePaint begins: all but the last step are made `repeats` times."""
    return [time for time in times[:-2] for _ in range(repeats)] + list(times[-2:])
