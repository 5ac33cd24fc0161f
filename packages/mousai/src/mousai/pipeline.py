"""The whole of Moûsai: a sentence in, music out."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from dmae import DMAE
from mousai.arguments import (
    PromptCutWarning,
    as_waveform,
    check_count,
    check_duration,
    check_together,
    negatives_of,
    prompts_of,
    seeds_of,
)
from mousai.callbacks import StepEnd
from mousai.codec import Codec
from mousai.composing import ask, compose
from mousai.conditioning.attributes import MusicAttributes
from mousai.conditioning.text import TextEmbedding, TextEncoder
from mousai.device import resolve_device
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.diffusion.lora import add_lora
from mousai.dtype import resolve_dtype
from mousai.editing import as_recording, edit, wanted_regions
from mousai.errors import UserError
from mousai.output import MousaiOutput
from mousai.progress import ProgressBars
from mousai.request import Request
from mousai.sampling_config import SamplingConfig
from mousai.settings import takes_settings
from mousai.storage.folders import (
    describe,
    load_part,
    model_folder,
    save_parts,
)
from mousai.storage.parts import PARTS, check_fit
from vdiffusion import NoiseSource

DURATION = 20.0
"""Seconds of a piece where nothing else is said."""


class Mousai(Codec):
    """Text -> music (arXiv 2301.11757):  text ── T5 ──> embedding ── LatentDiffusion ──> latent ── DMAE ──> waveform.

    A tempo ("128 bpm"), a key ("E minor") and a lead ("flute lead") in a prompt also reach a latent diffusion that was
    trained with them as signals (`mousai.conditioning`).

    Args:
        text_encoder: prompts -> embedding, any `TextEncoder`.
        latent_diffusion: embedding -> latent.
        autoencoder: latent <-> waveform.
        defaults: settings that the model is best run with.
        about: what `mousai info` prints of it.

    Raises:
        UserError: two parts do not fit.
    """

    def __init__(
        self,
        text_encoder: TextEncoder,
        latent_diffusion: LatentDiffusion,
        autoencoder: DMAE,
        *,
        defaults: SamplingConfig | None = None,
        about: str = "",
    ) -> None:
        check_fit({"text_encoder": text_encoder, "latent_diffusion": latent_diffusion, "autoencoder": autoencoder})
        super().__init__(autoencoder, defaults=defaults, about=about)
        self.text_encoder, self.latent_diffusion = text_encoder, latent_diffusion
        self._interrupt = False

    @property
    def components(self) -> dict[str, Any]:
        """Parts of the model by name, as the constructor takes them."""
        return {
            "text_encoder": self.text_encoder,
            "latent_diffusion": self.latent_diffusion,
            "autoencoder": self.autoencoder,
        }

    # ---- model folders

    @classmethod
    def from_pretrained(
        cls,
        model: str | PathLike[str] | None = None,
        *,
        revision: str | None = None,
        dtype: str | torch.dtype = "auto",
        device: str | torch.device = "auto",
        compile: bool = False,
        text_encoder: Any = None,
        latent_diffusion: Any = None,
        autoencoder: Any = None,
    ) -> "Mousai":
        """Load a model folder, a model of the Hugging Face hub, or the bundled model (the default).

        Args:
            model: a folder, a hub id "owner/name" (needs `revision`), or "bundled".
            revision: commit of a hub model, pinned, since what a name points to can change.
            dtype: of the two U-Nets: "float32", "bfloat16", or "auto", the faster of the two as measured here.
                Everything else is float32.
            device: "auto", "cpu", "cuda", "cuda:1", "mps".
            compile: compile the two U-Nets for this machine when they are first used (`compile`).
            text_encoder: one of your own instead of the folder's: an object, or a class whose
                `from_pretrained(folder of the part)` reads what its `save_pretrained` wrote.
            latent_diffusion: likewise.
            autoencoder: likewise.

        Raises:
            UserError: the folder is incomplete or does not fit together; one line that names the file.
        """
        found = resolve_device(device)
        folder = model_folder(model, revision=revision)
        computed = resolve_dtype(dtype, found)
        given = {"text_encoder": text_encoder, "latent_diffusion": latent_diffusion, "autoencoder": autoencoder}
        described = describe(folder, need=[name for name in PARTS if given[name] is None])
        pipeline = cls(
            *(load_part(folder, name, given[name]) for name in PARTS),
            defaults=described.defaults,
            about=described.about,
        )
        pipeline.to(found, computed)
        return pipeline.compile() if compile else pipeline

    def load_lora_weights(self, path: str | PathLike[str], *, scale: float = 1.0) -> Self:
        """Add an adapter that `mousai train latent-diffusion --lora.rank` made; returns the pipeline.

        Several may be added. Before compiling, or not at all.

        Args:
            path: a file of `mousai export`.
            scale: how much of it; 0 is none, 1 as it was trained.

        Raises:
            UserError: the file is no adapter, or one of another model.
        """
        add_lora(self.latent_diffusion, path, scale=scale)
        return self

    def save_pretrained(self, folder: str | PathLike[str], *, dtype: torch.dtype | None = None) -> None:
        """Write a model folder that `from_pretrained` takes; `dtype` is that of the stored weights."""
        save_parts(Path(folder), self.components, defaults=self.defaults, about=self.about, dtype=dtype)

    # ---- text -> waveform

    @takes_settings(SamplingConfig)
    @torch.no_grad()
    def __call__(
        self,
        prompt: str | Sequence[str],
        *,
        negative_prompt: str | Sequence[str] | None = None,
        duration: float | None = None,
        num_waveforms_per_prompt: int = 1,
        seed: int | None = None,
        generator: torch.Generator | Sequence[torch.Generator] | None = None,
        init_audio: Any = None,
        inpaint_audio: Any = None,
        inpaint_mask_start_seconds: float | Sequence[float] | None = None,
        inpaint_mask_end_seconds: float | Sequence[float] | None = None,
        inpaint_before_seconds: float = 0.0,
        attributes: MusicAttributes | None = None,
        latents: Tensor | None = None,
        output_type: str = "pt",
        callback_on_step_end: StepEnd | None = None,
        **settings: Any,
    ) -> MousaiOutput:
        """Make music.

        Args:
            prompt: a sentence, or several: one piece for each.
            negative_prompt: what to stay away from; one for all or one for each.
            duration: seconds; by default 20.
            num_waveforms_per_prompt: pieces for each prompt, each with noise of its own.
            seed: same seed, prompt and settings: same music. The second piece has the seed after it, and so on, so that
                each can be made again alone. Drawn at random if neither it nor `generator` is given.
            generator: draws the seed; a list has one for each piece.
            init_audio: recording to start from instead of noise: a path, or samples at the model's rate as tensor or
                array. The piece is as long as it, and `strength` says how much of it is replaced.
            inpaint_audio: recording to edit or to go on from: a path of any rate, or samples as for `init_audio`. The
                result has its rate and channels, and its very samples where nothing is made anew. With a `duration`
                beyond it there is new music after it. The prompt's tempo is left out; give `attributes`.
            inpaint_mask_start_seconds: second of it at which new music begins; a list for several regions.
            inpaint_mask_end_seconds: second of it, or a list of them, at which that ends.
            inpaint_before_seconds: seconds of new music before it; they are part of `duration`.
            attributes: tempo, key, lead and first downbeat where they are known beside the prompt, and count for more.
            latents: starting noise [pieces, latent_channels, frames] instead of that of `seed`.
            output_type: "pt" gives a tensor, "np" a NumPy array, "latent" the latents, not decoded.
            callback_on_step_end: called after each step of stage 2, see `StepEnd`. It may set `pipe._interrupt = True`:
                the estimate of that step is then decoded.
            **settings: see below.

        Returns:
            the audios with their seeds and all settings.

        Raises:
            UserError: an argument is impossible; one line that names it, its value and what would do.
        """
        prompts = prompts_of(prompt)
        check_count(num_waveforms_per_prompt)
        given = {
            **{"seed": seed, "generator": generator, "init_audio": init_audio, "duration": duration},
            **{"inpaint_audio": inpaint_audio, "inpaint_before_seconds": inpaint_before_seconds, "latents": latents},
            "inpaint_mask_start_seconds": inpaint_mask_start_seconds,
            "inpaint_mask_end_seconds": inpaint_mask_end_seconds,
            "output_type": output_type,
        }
        check_together(given, settings)
        config, recording, start = self.defaults.updated(settings), None, None
        negatives = negatives_of(negative_prompt, len(prompts))
        if duration is not None:
            check_duration(duration)
        samples = round((DURATION if duration is None else duration) * self.sample_rate)
        if samples < 1:
            raise UserError("duration", duration, f"is less than one sample of {self.sample_rate} Hz")
        request = Request(
            prompts=prompts,
            negatives=negatives,
            times=num_waveforms_per_prompt,
            seeds=seeds_of(seed, generator, len(prompts) * num_waveforms_per_prompt),
            config=config,
            attributes=attributes,
            negative_prompt=negative_prompt,
            output_type=output_type,
            callback=callback_on_step_end,
        )
        self._interrupt = False
        if inpaint_audio is not None:
            recording = as_recording(inpaint_audio, sample_rate=self.sample_rate)
            regions = wanted_regions(
                inpaint_mask_start_seconds,
                inpaint_mask_end_seconds,
                recording=recording,
                before=inpaint_before_seconds,
                duration=duration,
            )
            return edit(self, request, recording, regions, before=inpaint_before_seconds)
        if init_audio is not None:
            channels = self.autoencoder.config.audio_channels
            start = as_waveform(init_audio, sample_rate=self.sample_rate, channels=channels)
            samples = start.shape[-1]
        noise = NoiseSource(request.seeds, [0] * len(request.seeds))
        with ProgressBars(request.stages(known=False), self._progress_bar_config) as progress:
            # A recording has beats of its own: the prompt's tempo would lay others over them.
            asked = ask(self, request, -(-samples // self.autoencoder.config.hop_length), in_time=start is None)
            init_latent = None if start is None else self.encode(start[None])
            asked = replace(asked, init_latent=init_latent, latents=latents)
            latent = compose(self, request, asked, noise=noise, progress=progress)
            audios = latent if output_type == "latent" else self._decode(latent, config, noise, samples, progress)
        seconds = (DURATION if duration is None else duration) if start is None else None
        needed = "" if start is None else "init_audio"
        return request.output(self, audios, sample_rate=self.sample_rate, settings={"duration": seconds}, needed=needed)

    def unseen(self, prompt: str) -> str | None:
        """Return the end of a prompt that the text encoder does not read; None where it reads all of it."""
        cut = getattr(self.text_encoder, "cut", None)
        unseen: str | None = None if cut is None else cut(prompt)
        return unseen

    def _embed(self, prompts: Sequence[str], *, warn: bool = True) -> TextEmbedding:
        for prompt in prompts if warn else ():
            if unseen := self.unseen(prompt):
                shown = unseen if len(unseen) <= 80 else f"{unseen[:77]}..."
                warnings.warn(f"a prompt is too long, not seen of it: {shown!r}", PromptCutWarning, stacklevel=5)
        embedding: TextEmbedding = self.text_encoder(
            prompts, keep_padding=self.latent_diffusion.config.attend_to_padding
        )
        return embedding

    def _nets(self) -> list[nn.Module]:
        return [*super()._nets(), self.latent_diffusion.net]
