"""The whole of Moûsai: a sentence in, music out."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dmae import DMAE
from mousai.codec import Codec, compile_net
from mousai.conditioning.attributes import MusicAttributes, parse_attributes, strip_attributes
from mousai.conditioning.text import TextEmbedding, TextEncoder
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.diffusion.lora import add_lora
from mousai.dtype import resolve_dtype
from mousai.errors import UserError
from mousai.sampling_config import SamplingConfig, check_settings
from mousai.storage.folders import (
    PARTS,
    check_fit,
    describe,
    load_autoencoder,
    load_latent_diffusion,
    model_folder,
    save_parts,
)
from vdiffusion import get_sampler


@dataclass(frozen=True)
class MousaiOutput:
    """What a pipeline gives.

    Args:
        audios: [prompts * num_waveforms_per_prompt, channels, samples], in [-1, 1].
        sample_rate: Hz.
        seed: with which the same prompts and settings give the same audios again.
    """

    audios: Tensor
    sample_rate: int
    seed: int


class Mousai(Codec):
    """Text -> music (arXiv 2301.11757):  text ── T5 ──> embedding ── LatentDiffusion ──> latent ── DMAE ──> waveform.

    A tempo ("128 bpm") and a key ("E minor") in a prompt are also told to a generator that was trained with them
    (`mousai.conditioning.attributes`).

    Args:
        text_encoder: prompts -> embedding.
        generator: embedding -> latent.
        autoencoder: latent <-> waveform.
        defaults: settings that the model is best run with.
        about: what `mousai info` prints of it.

    Raises:
        UserError: two parts do not fit.
    """

    def __init__(
        self,
        text_encoder: TextEncoder,
        generator: LatentDiffusion,
        autoencoder: DMAE,
        *,
        defaults: SamplingConfig | None = None,
        about: str = "",
    ) -> None:
        check_fit({"text_encoder": text_encoder, "latent_diffusion": generator, "autoencoder": autoencoder})
        super().__init__(autoencoder, defaults=defaults, about=about)
        self.text_encoder, self.latent_diffusion = text_encoder, generator

    # ---- model folders

    @classmethod
    def from_pretrained(
        cls,
        model: str | PathLike[str] | None = None,
        *,
        revision: str | None = None,
        dtype: str = "auto",
        device: str = "cpu",
        compile: bool = False,
    ) -> "Mousai":
        """Load a model folder, a model of the Hugging Face hub, or the bundled model (the default).

        Args:
            model: a folder, a hub id "owner/name" (needs `revision`), or "bundled".
            revision: the commit of a hub model, pinned, since what a name points to can change.
            dtype: of the two U-Nets: "float32", "bfloat16", or "auto", the faster one as measured here. Everything
                else is float32.
            device: "cpu", "cuda", ...
            compile: have the two U-Nets translated for this machine when they are first used (`compile`).

        Raises:
            UserError: the folder is incomplete or does not fit together; one line that names the file.
        """
        folder = model_folder(model, revision=revision)
        number_format = resolve_dtype(dtype, torch.device(device))
        described = describe(folder, need=PARTS)
        pipeline = cls(
            TextEncoder.load(folder),
            load_latent_diffusion(folder),
            load_autoencoder(folder),
            defaults=described.defaults,
            about=described.about,
        )
        pipeline.to(device, number_format)
        return pipeline.compile() if compile else pipeline

    def compile(self) -> "Mousai":
        """Have the two U-Nets translated, as `Codec.compile` says; returns the pipeline."""
        super().compile()
        compile_net(self.latent_diffusion.net)
        return self

    def load_lora_weights(self, path: str | PathLike[str], *, scale: float = 1.0) -> "Mousai":
        """Add an adapter that `mousai train latent-diffusion --lora.rank` made to the generator; returns the pipeline.

        Several may be added. Before compiling, or not at all.

        Args:
            path: a file of `mousai export`.
            scale: how much of it; 0 is none, 1 as it was trained.

        Raises:
            UserError: the file is no adapter, or one of another model.
        """
        add_lora(self.latent_diffusion, path, scale=scale)
        return self

    def to(self, device: str | torch.device, dtype: torch.dtype = torch.float32) -> "Mousai":
        """Move everything to a device, and the two U-Nets to a number format; returns the pipeline."""
        super().to(device, dtype)
        for part in (self.text_encoder, self.latent_diffusion):
            part.to(device)
        self.latent_diffusion.net.to(dtype)
        return self

    def save_pretrained(self, folder: str | PathLike[str], *, dtype: torch.dtype | None = None) -> None:
        """Write a model folder that `from_pretrained` takes; `dtype` is that of the stored weights."""
        parts: dict[str, Any] = {
            "text_encoder": self.text_encoder,
            "latent_diffusion": self.latent_diffusion,
            "autoencoder": self.autoencoder,
        }
        save_parts(Path(folder), parts, defaults=self.defaults, about=self.about, dtype=dtype)

    # ---- text -> waveform

    @torch.no_grad()
    def __call__(
        self,
        prompt: str | Sequence[str],
        *,
        negative_prompt: str | Sequence[str] | None = None,
        duration: float = 20.0,
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        attribute_guidance_scale: float | None = None,
        decoder_steps: int | None = None,
        sampler: str | None = None,
        time_grid: str | None = None,
        num_waveforms_per_prompt: int = 1,
        seed: int | None = None,
        generator: torch.Generator | None = None,
        init_audio: Tensor | None = None,
        strength: float = 0.7,
        callback_on_step_end: Callable[[str, int, int], None] | None = None,
    ) -> MousaiOutput:
        """Make music.

        Args:
            prompt: a sentence, or several: one piece for each.
            negative_prompt: what to stay away from; one for all or one for each.
            duration: seconds.
            num_inference_steps: of the generator; by default what the model is best run with, as for the next five.
            guidance_scale: 1 follows the model freely; more follows the prompt more closely.
            attribute_guidance_scale: further weight of the key and the lead that the prompt names; 0: none.
            decoder_steps: of the autoencoder's decoder.
            sampler: of the generator, one of `vdiffusion.SAMPLER_NAMES`; "heun" evaluates it twice per step.
            time_grid: where the generator's steps lie, one of `vdiffusion.TIME_GRID_NAMES`.
            num_waveforms_per_prompt: pieces for each prompt, each with noise of its own.
            seed: same seed, prompt and settings: same music. Drawn at random if neither it nor `generator` is given.
            generator: draws the seed.
            init_audio: waveform [channels, samples] at the model's rate to start from instead of noise; `duration` is
                then its length.
            strength: how much of `init_audio` is replaced, above 0 (nearly nothing) to 1 (everything).
            callback_on_step_end: called as `callback("latent_diffusion" or "decoder", step, total)` after each
                step, from 1.

        Raises:
            UserError: an argument is impossible; one line that names it, its value and what would do.
        """
        prompts = [prompt] if isinstance(prompt, str) else list(prompt)
        if not prompts:
            raise UserError("prompt: give at least one sentence (it may be empty)")
        given: dict[str, Any] = {
            "num_inference_steps": num_inference_steps,
            "guidance_scale": guidance_scale,
            "attribute_guidance_scale": attribute_guidance_scale,
            "decoder_steps": decoder_steps,
            "sampler": sampler,
            "time_grid": time_grid,
        }
        settings = replace(self.defaults, **{key: value for key, value in given.items() if value is not None})
        check_settings(
            duration=duration,
            num_inference_steps=settings.num_inference_steps,
            guidance_scale=settings.guidance_scale,
            attribute_guidance_scale=settings.attribute_guidance_scale,
            decoder_steps=settings.decoder_steps,
            sampler=settings.sampler,
            time_grid=settings.time_grid,
            num_waveforms_per_prompt=num_waveforms_per_prompt,
            seed=seed,
            strength=strength,
        )
        if seed is None:
            seed = int(torch.randint(2**32, (), generator=generator)) if generator else secrets.randbelow(2**32)
        samples = round(duration * self.sample_rate)
        if samples < 1:
            raise UserError(f"duration={duration:g}: is less than one sample of {self.sample_rate} Hz")
        start = None
        if init_audio is not None:
            start = self._start_latent(init_audio)
            samples = init_audio.shape[-1]
        count = len(prompts) * num_waveforms_per_prompt
        text = self._embed(prompts).repeated(num_waveforms_per_prompt)
        negative = self._negative(negative_prompt, len(prompts))
        stated, negative_stated = (
            self._stated(some, num_waveforms_per_prompt, in_time=start is None)
            for some in (prompts, negative or [""] * len(prompts))
        )
        less = [strip_attributes(one) for one in prompts] if settings.attribute_guidance_scale else prompts
        told = callback_on_step_end or (lambda stage, step, total: None)
        latent = self.latent_diffusion.sample(
            text,
            frames=-(-samples // self.autoencoder.config.hop_length),
            num_steps=settings.num_inference_steps,
            guidance_scale=settings.guidance_scale,
            attribute_guidance_scale=settings.attribute_guidance_scale,
            negative=None if negative is None else self._embed(negative).repeated(num_waveforms_per_prompt),
            stated=stated,
            unstated=None if less == prompts else self._embed(less).repeated(num_waveforms_per_prompt),
            negative_stated=negative_stated,
            seed=seed,
            start_latent=None if start is None else start.expand(count, -1, -1),
            strength=strength,
            sampler=get_sampler(settings.sampler),
            grid=settings.time_grid,
            callback=lambda step, total, _: told("latent_diffusion", step + 1, total),
        )
        audios = self.decode(
            latent,
            length=samples,
            seed=seed,
            decoder_steps=settings.decoder_steps,
            callback_on_step_end=callback_on_step_end,
        )
        return MousaiOutput(audios, self.sample_rate, seed)

    def _start_latent(self, audio: Tensor) -> Tensor:
        channels = self.autoencoder.config.audio_channels
        if audio.ndim != 2 or audio.shape[0] != channels or not audio.shape[1]:
            raise UserError(f"init_audio: expected [channels={channels}, samples], got {list(audio.shape)}")
        return self.autoencoder.encode(audio[None])

    def _embed(self, prompts: Sequence[str]) -> TextEmbedding:
        embedding: TextEmbedding = self.text_encoder(
            prompts, keep_padding=self.latent_diffusion.config.attend_to_padding
        )
        return embedding

    def _negative(self, prompt: str | Sequence[str] | None, count: int) -> list[str] | None:
        if prompt is None:
            return None
        prompts = [prompt] * count if isinstance(prompt, str) else list(prompt)
        if len(prompts) != count:
            raise UserError(f"negative_prompt: {len(prompts)} for {count} prompts; give one for all or one for each")
        return prompts

    def _stated(self, prompts: Sequence[str], times: int, *, in_time: bool) -> list[MusicAttributes]:
        """What the prompts state; no tempo where the beats of a recording lie where they lie."""
        stated = [parse_attributes(prompt) for prompt in prompts for _ in range(times)]
        return stated if in_time else [replace(one, tempo=None) for one in stated]
