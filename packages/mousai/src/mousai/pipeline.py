"""The whole of Moûsai: a sentence in, music out."""

import math
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dmae import DMAE, DMAEConfig
from mousai.checkpoint import CheckpointError, load_config, load_state, save_config, save_module
from mousai.conditions import Stated, stated_in
from mousai.errors import UserError
from mousai.latent import LatentDiffusion, LatentDiffusionConfig
from mousai.precision import resolve_dtype
from mousai.text import TextEncoder

BUNDLED = Path(__file__).parent / "models" / "tiny"
INDEX_NAME = "model_index.json"
LONGEST = 3600.0
"""Seconds of one piece at most."""


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """What a model is best run with; stored in its `model_index.json`, each one an argument of the same name.

    Args:
        num_inference_steps: denoising steps of the generator.
        guidance_scale: weight of the prompt.
        decoder_steps: denoising steps of the autoencoder's decoder.
        griffin_lim: Griffin-Lim iterations from the latent's magnitudes, 0 = none.
        decoder_start: diffusion time from which the decoder goes on after Griffin-Lim.
    """

    num_inference_steps: int = 50
    guidance_scale: float = 3.0
    decoder_steps: int = 20
    griffin_lim: int = 0
    decoder_start: float = 1.0

    def __post_init__(self) -> None:
        """Check every value."""
        check_settings(
            num_inference_steps=self.num_inference_steps,
            guidance_scale=self.guidance_scale,
            decoder_steps=self.decoder_steps,
        )
        if not 0 <= self.griffin_lim <= 1000:
            raise UserError(f"griffin_lim={self.griffin_lim}: must be 0 (none) to 1000 iterations")
        if not 0 < self.decoder_start <= 1:
            raise UserError(f"decoder_start={self.decoder_start:g}: must lie above 0, up to 1")
        if self.decoder_start < 1 and not self.griffin_lim:
            raise UserError(f"decoder_start={self.decoder_start:g}: must be 1 where griffin_lim is 0")


@dataclass(frozen=True, kw_only=True)
class ModelDescription:
    """What a model folder says of itself, all but its weights.

    Args:
        autoencoder: sizes of stage 1.
        generator: sizes of stage 2.
        defaults: settings that the model is best run with.
        about: what `mousai info` prints of it.
    """

    autoencoder: DMAEConfig
    generator: LatentDiffusionConfig
    defaults: Defaults
    about: str


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


class Mousai:
    """Text -> music (arXiv 2301.11757):  text ── T5 ──> embedding ── LatentDiffusion ──> latent ── DMAE ──> waveform.

    A tempo ("128 bpm") and a key ("E minor") in a prompt are also told to a generator that was trained with them
    (`mousai.conditions`).

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
        defaults: Defaults | None = None,
        about: str = "",
    ) -> None:
        if generator.config.net.in_channels != autoencoder.config.latent_channels:
            raise UserError(
                f"the generator writes {generator.config.net.in_channels} latent channels, the autoencoder reads "
                f"{autoencoder.config.latent_channels}; they are of different models"
            )
        if generator.config.net.context_features != text_encoder.features:
            raise UserError(
                f"the generator reads text of {generator.config.net.context_features} features, the text encoder gives "
                f"{text_encoder.features}; they are of different models"
            )
        told, made = generator.config.frame_rate, autoencoder.config.sample_rate / autoencoder.config.hop_length
        if told and not math.isclose(told, made, rel_tol=1e-6):
            raise UserError(
                f"the generator's frame_rate is {told:g}, the autoencoder's latent has {made:g} frames a second; they "
                "are of different models"
            )
        self.text_encoder, self.generator, self.autoencoder = text_encoder, generator, autoencoder
        self.defaults = Defaults() if defaults is None else defaults
        self.about = about

    @property
    def sample_rate(self) -> int:
        """Hz."""
        return self.autoencoder.config.sample_rate

    # ---- model folders

    @classmethod
    def from_pretrained(
        cls,
        model: str | PathLike[str] | None = None,
        *,
        revision: str | None = None,
        dtype: str = "auto",
        device: str = "cpu",
    ) -> "Mousai":
        """Load a model folder, a model of the Hugging Face hub, or the bundled model (the default).

        Args:
            model: a folder, or a hub id "owner/name" (needs `revision`).
            revision: the commit of a hub model, pinned, since what a name points to can change.
            dtype: of the two U-Nets: "float32", "bfloat16", or "auto", the faster one as measured here. Everything
                else is float32.
            device: "cpu", "cuda", ...

        Raises:
            UserError: the folder is incomplete or does not fit together; one line that names the file.
        """
        folder = model_folder(model, revision=revision)
        number_format = resolve_dtype(dtype, torch.device(device))
        described = describe(folder)
        autoencoder, generator = DMAE(described.autoencoder), LatentDiffusion(described.generator)
        load_state(folder / "autoencoder", autoencoder)
        load_state(folder / "generator", generator)
        pipeline = cls(
            TextEncoder.load(folder),
            generator.eval(),
            autoencoder.eval(),
            defaults=described.defaults,
            about=described.about,
        )
        return pipeline.to(device, number_format)

    def to(self, device: str | torch.device, dtype: torch.dtype = torch.float32) -> "Mousai":
        """Move everything to a device, and the two U-Nets to a number format; returns the pipeline."""
        for part in (self.text_encoder, self.generator, self.autoencoder):
            part.to(device)
        for net in (self.generator.net, self.autoencoder.decoder):
            net.to(dtype)
        return self

    def save_pretrained(self, folder: str | PathLike[str], *, dtype: torch.dtype | None = None) -> None:
        """Write a model folder that `from_pretrained` takes; `dtype` is that of the stored weights."""
        folder = Path(folder)
        save_module(folder / "autoencoder", self.autoencoder, self.autoencoder.config.to_dict(), dtype=dtype)
        save_module(folder / "generator", self.generator, self.generator.config.to_dict(), dtype=dtype)
        self.text_encoder.save(folder, dtype=dtype)
        index = {"format": "mousai", "version": 1, "about": self.about, "defaults": asdict(self.defaults)}
        save_config(folder / INDEX_NAME, index)

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
        decoder_steps: int | None = None,
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
            num_inference_steps: of the generator; by default what the model is best run with, as for the next two.
            guidance_scale: 1 follows the model freely; more follows the prompt more closely.
            decoder_steps: of the autoencoder's decoder.
            num_waveforms_per_prompt: pieces for each prompt, each with noise of its own.
            seed: same seed, prompt and settings: same music. Drawn at random if neither it nor `generator` is given.
            generator: draws the seed.
            init_audio: waveform [channels, samples] at the model's rate to start from instead of noise; `duration` is
                then its length.
            strength: how much of `init_audio` is replaced, above 0 (nearly nothing) to 1 (everything).
            callback_on_step_end: called as `callback("generator" or "decoder", step, total)` after each step, from 1.

        Raises:
            UserError: an argument is impossible; one line that names it, its value and what would do.
        """
        prompts = [prompt] if isinstance(prompt, str) else list(prompt)
        if not prompts:
            raise UserError("prompt: give at least one sentence (it may be empty)")
        given: dict[str, Any] = {
            "num_inference_steps": num_inference_steps,
            "guidance_scale": guidance_scale,
            "decoder_steps": decoder_steps,
        }
        settings = replace(self.defaults, **{key: value for key, value in given.items() if value is not None})
        check_settings(
            duration=duration,
            num_inference_steps=settings.num_inference_steps,
            guidance_scale=settings.guidance_scale,
            decoder_steps=settings.decoder_steps,
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
        text = self.text_encoder(prompts).repeated(num_waveforms_per_prompt)
        negative = self._negative(negative_prompt, len(prompts))
        stated, negative_stated = (
            self._stated(some, num_waveforms_per_prompt, in_time=start is None)
            for some in (prompts, negative or [""] * len(prompts))
        )
        told = callback_on_step_end or (lambda stage, step, total: None)
        latent = self.generator.sample(
            text,
            frames=-(-samples // self.autoencoder.config.hop_length),
            num_steps=settings.num_inference_steps,
            guidance_scale=settings.guidance_scale,
            negative=None if negative is None else self.text_encoder(negative).repeated(num_waveforms_per_prompt),
            stated=stated,
            negative_stated=negative_stated,
            seed=seed,
            start_latent=None if start is None else start.expand(count, -1, -1),
            strength=strength,
            callback=lambda step, total, _: told("generator", step + 1, total),
        )
        audios = self.decode(
            latent,
            length=samples,
            seed=seed,
            decoder_steps=settings.decoder_steps,
            callback_on_step_end=callback_on_step_end,
        )
        return MousaiOutput(audios, self.sample_rate, seed)

    def encode(self, audio: Tensor) -> Tensor:
        """Waveform [B, C, T] at the model's rate -> latent [B, latent_channels, frames]."""
        with torch.no_grad():
            return self.autoencoder.encode(audio).contiguous()  # so that its decoding does not depend on strides

    def decode(
        self,
        latent: Tensor,
        *,
        length: int | None = None,
        decoder_steps: int | None = None,
        seed: int = 0,
        callback_on_step_end: Callable[[str, int, int], None] | None = None,
    ) -> Tensor:
        """Latent [B, latent_channels, frames] -> waveform [B, C, length]; a piece that would clip is made quieter."""
        told = callback_on_step_end or (lambda stage, step, total: None)
        audios = self.autoencoder.decode(
            latent,
            length=length,
            num_steps=self.defaults.decoder_steps if decoder_steps is None else decoder_steps,
            seed=seed,
            griffin_lim=self.defaults.griffin_lim,
            start=self.defaults.decoder_start,
            callback=lambda step, total, _: told("decoder", step + 1, total),
        )
        peaks = audios.abs().amax(dim=(1, 2), keepdim=True)
        return audios / (peaks / 0.99).clamp_min(1.0)

    def _start_latent(self, audio: Tensor) -> Tensor:
        channels = self.autoencoder.config.audio_channels
        if audio.ndim != 2 or audio.shape[0] != channels or not audio.shape[1]:
            raise UserError(f"init_audio: expected [channels={channels}, samples], got {list(audio.shape)}")
        return self.autoencoder.encode(audio[None])

    def _negative(self, prompt: str | Sequence[str] | None, count: int) -> list[str] | None:
        if prompt is None:
            return None
        prompts = [prompt] * count if isinstance(prompt, str) else list(prompt)
        if len(prompts) != count:
            raise UserError(f"negative_prompt: {len(prompts)} for {count} prompts; give one for all or one for each")
        return prompts

    def _stated(self, prompts: Sequence[str], times: int, *, in_time: bool) -> list[Stated]:
        """What the prompts state; no tempo where the beats of a recording lie where they lie."""
        stated = [stated_in(prompt) for prompt in prompts for _ in range(times)]
        return stated if in_time else [replace(one, tempo=None) for one in stated]


def check_settings(
    *,
    duration: float = 20.0,
    num_inference_steps: int | None = None,
    guidance_scale: float | None = None,
    decoder_steps: int | None = None,
    num_waveforms_per_prompt: int = 1,
    seed: int | None = None,
    strength: float = 1.0,
) -> None:
    """Refuse impossible settings; needs no model, so that it can be asked before weights are loaded.

    Raises:
        UserError: one line that names the argument, its value and what would do.
    """
    if not (math.isfinite(duration) and 0 < duration <= LONGEST):
        raise UserError(f"duration={duration:g}: must be above 0 seconds, up to {LONGEST:g}")
    for name, steps in (("num_inference_steps", num_inference_steps), ("decoder_steps", decoder_steps)):
        if steps is not None and not 1 <= steps <= 1000:
            raise UserError(f"{name}={steps}: must be 1 to 1000")
    if guidance_scale is not None and not (math.isfinite(guidance_scale) and 0 <= guidance_scale <= 100):
        raise UserError(f"guidance_scale={guidance_scale:g}: must be 0 to 100; 1 is no guidance, 3 to 7 are usual")
    if not 1 <= num_waveforms_per_prompt <= 64:
        raise UserError(f"num_waveforms_per_prompt={num_waveforms_per_prompt}: must be 1 to 64")
    if seed is not None and not 0 <= seed < 2**63:
        raise UserError(f"seed={seed}: must be 0 or more, below 2^63")
    if not 0 < strength <= 1:
        raise UserError(f"strength={strength:g}: must lie above 0, up to 1")


def model_folder(model: str | PathLike[str] | None, *, revision: str | None = None) -> Path:
    """The folder of a model: the bundled one, one on disk, or one of the hub, downloaded at a pinned revision.

    Raises:
        UserError: there is none by that name; says what would do.
    """
    if model is None:
        return BUNDLED
    folder = Path(model)
    if folder.is_dir():
        return folder
    text = str(model)
    if folder.exists():
        raise UserError(f"model {text}: is a file; give the folder that holds {INDEX_NAME}")
    if text.count("/") != 1 or text.startswith((".", "/", "~")):
        raise UserError(f"model {text}: no such folder")
    if revision is None:
        raise UserError(f"model {text}: no such folder; for a model of the hub give its commit as revision too")
    from huggingface_hub import snapshot_download

    try:
        patterns = ["*.json", "*.safetensors", "*/*.json", "*/*.safetensors", "*/*.model"]
        return Path(snapshot_download(text, revision=revision, allow_patterns=patterns))
    except (OSError, ValueError) as error:
        raise UserError(f"model {text} at {revision}: {' '.join(str(error).split())}") from error


def describe(folder: Path) -> ModelDescription:
    """Read what a model folder says of itself; needs no weights, and so no time.

    Raises:
        CheckpointError: a config is missing or impossible; one line that names the file and the key.
    """
    path = folder / INDEX_NAME
    index = load_config(path)
    unknown = set(index) - {"format", "version", "about", "defaults"}
    if index.get("format") != "mousai" or index.get("version") != 1 or unknown:
        what = f"unknown key {sorted(unknown)[0]!r}" if unknown else "not a model of format 'mousai', version 1"
        raise CheckpointError(f"{path}: {what}")
    autoencoder = _config(DMAEConfig, folder / "autoencoder")
    defaults = _defaults(index.get("defaults", {}), path)
    if defaults.griffin_lim and autoencoder.prior is None:
        raise CheckpointError(f"{path}: default griffin_lim={defaults.griffin_lim} needs an autoencoder with a prior")
    generator = _config(LatentDiffusionConfig, folder / "generator")
    return ModelDescription(
        autoencoder=autoencoder, generator=generator, defaults=defaults, about=str(index.get("about", ""))
    )


def _config(cls: Any, folder: Path) -> Any:
    values = load_config(folder)
    try:
        return cls.from_dict(values)
    except ValueError as error:
        raise CheckpointError(f"{folder / 'config.json'}: {error}") from error


def _defaults(values: Any, path: Path) -> Defaults:
    known = {field.name: field.type for field in fields(Defaults)}
    if not isinstance(values, dict):
        raise CheckpointError(f"{path}: defaults must be an object, not {values!r}")
    for key, value in values.items():
        if key not in known:
            raise CheckpointError(f"{path}: unknown default {key!r}; known: {', '.join(known)}")
        if isinstance(value, bool) or not isinstance(value, int if known[key] is int else int | float):
            raise CheckpointError(f"{path}: default {key} must be a number, not {value!r}")
    try:
        return Defaults(**values)
    except UserError as error:
        raise CheckpointError(f"{path}: default {error}") from error
