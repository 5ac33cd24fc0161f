"""Stage 1 of a model by itself: waveform <-> latent."""

import os
import shutil
from collections.abc import Mapping
from os import PathLike
from typing import Any, Self

import torch
from torch import Tensor, nn

from dmae import DMAE, DecodingConfig
from mousai.arguments import all_finite, as_waveform, check_griffin_lim, check_seed
from mousai.audio.limiter import BLOCK, REACH, limit
from mousai.device import plain_defaults, resolve_device
from mousai.dtype import DTYPES, resolve_dtype
from mousai.errors import UserError, tells_memory
from mousai.exact.threads import check_exact
from mousai.progress import ProgressBars
from mousai.sampling_config import SamplingConfig
from mousai.settings import settings_of, takes_settings
from mousai.storage.folders import describe, load_part, model_folder
from vdiffusion import NoiseSource

CEILING = 0.99
"""Highest sample of decoded sound."""
LIMITED = 4.0
"""Highest sample before the limiter, over `CEILING`: 12 dB are as much as a limiter takes without being audible."""

LIMITER_REACH = 4 * REACH * BLOCK
"""Samples on which the limiter's gain depends, to either side, and some more."""


def has_compiler() -> bool:
    """Whether there is a C++ compiler, without which a compiled net fails when it is first used."""
    return any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "clang++", "cl"))


def compile_net(net: nn.Module) -> None:
    """Compile a net in place by torch.compile; its state dict stays as it is.

    Raises:
        UserError: there is no C++ compiler.
    """
    if not has_compiler():
        raise UserError("compile", True, "needs a C++ compiler, such as g++, on the PATH; install one or leave it out")
    # Static shapes: stage 2 has one per duration, a decoder one in all where pieces are longer than its window.
    net.compile(dynamic=False, options={"freezing": True})


def require_finite(made: Tensor) -> Tensor:
    """Return what a model made; `UserError` where it holds NaN or infinity, which no player and no file could hold."""
    if not all_finite(made):
        raise UserError(
            "the model gave numbers that are not finite, so that nothing was made: its weights or an adapter are "
            "damaged, or a guidance scale is too high"
        )
    return made


def limited(audios: Tensor) -> Tensor:
    """Waveforms [B, C, T], each limited to `CEILING`, in place where that is possible; on the device they were on.

    Raises:
        UserError: a sample is not finite.
    """
    require_finite(audios)
    on_cpu = audios.cpu()
    for sound in on_cpu.numpy():
        loudest = max(float(sound.max()), -float(sound.min()))
        if loudest > LIMITED * CEILING:
            sound *= LIMITED * CEILING / loudest
        limit(sound, ceiling=CEILING)
    return on_cpu.to(audios.device)


class Codec:
    """The autoencoder of a model with the settings that it is best run with.

    Args:
        autoencoder: waveform <-> latent.
        defaults: settings that the model is best run with.
        about: what `mousai info` prints of it.
    """

    def __init__(self, autoencoder: DMAE, *, defaults: SamplingConfig | None = None, about: str = "") -> None:
        self.autoencoder = autoencoder
        self.defaults = SamplingConfig() if defaults is None else defaults
        self.about = about
        self._progress_bar_config: dict[str, Any] = {}

    @property
    def sample_rate(self) -> int:
        """Hz."""
        return self.autoencoder.config.sample_rate

    @property
    def components(self) -> dict[str, Any]:
        """Parts of the model by name, as its constructor takes them."""
        return {"autoencoder": self.autoencoder}

    @property
    def device(self) -> torch.device:
        """Device of the model."""
        return next(self.autoencoder.decoder.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of the U-Nets; everything else computes in float32."""
        return next(self.autoencoder.decoder.parameters()).dtype

    def __repr__(self) -> str:
        counts = {
            name: sum(weight.numel() for weight in part.parameters())
            for name, part in self.components.items()
            if isinstance(part, nn.Module)
        }
        parts = ", ".join(f"{name} {count / 1e6:.1f} M" for name, count in counts.items())
        dtype = str(self.dtype).removeprefix("torch.")
        return f"{type(self).__name__}({parts}; {self.sample_rate} Hz, {self.device}, {dtype})"

    @classmethod
    @plain_defaults()
    def from_pretrained(
        cls,
        model: str | PathLike[str] | None = None,
        *,
        revision: str | None = None,
        dtype: str | torch.dtype = "auto",
        device: str | torch.device = "auto",
        compile: bool = False,
        autoencoder: Any = None,
    ) -> "Codec":
        """Load the autoencoder of a model folder; the arguments are those of `Mousai.from_pretrained`."""
        found = resolve_device(device)
        folder = model_folder(model, revision=revision)
        computed = resolve_dtype(dtype, found)
        described = describe(folder, need=["autoencoder"] if autoencoder is None else [])
        codec = Codec(load_part(folder, "autoencoder", autoencoder), defaults=described.defaults, about=described.about)
        codec.to(found, computed)
        return codec.compile() if compile else codec

    def compile(self) -> Self:
        """Compile the U-Nets for this machine when they are first used, with their weights frozen; returns itself.

        For each new shape of the input this takes minutes at the paper's size, and it does not make every machine
        faster (benchmarks/README.md). It needs a C++ compiler. Weights that
        are changed later are not seen, and no gradients come through.
        """
        for net in self._nets():
            compile_net(net)
        return self

    def to(self, *args: Any, device: Any = None, dtype: Any = None) -> Self:
        """Move the model to a device, its U-Nets to a dtype, or both; what is not named stays. Returns itself.

        Args:
            args: a device, a dtype, or both in this order, as `torch.nn.Module.to` takes them.
            device: "auto", "cpu", "cuda", "cuda:1", "mps" or a `torch.device`.
            dtype: "auto", "float32", "bfloat16" or a `torch.dtype` of the two, of the U-Nets; everything else computes
                in float32.

        Raises:
            UserError: there is no such device or dtype.
        """
        if len(args) == 2:
            device, dtype = args
        elif args:
            is_dtype = isinstance(args[0], torch.dtype) or args[0] in DTYPES
            device, dtype = (device, args[0]) if is_dtype else (args[0], dtype)
        found = self.device if device is None else resolve_device(device)
        computed = self.dtype if dtype is None else resolve_dtype(dtype, found)
        for part in self.components.values():
            part.to(found)
        for net in self._nets():
            net.to(computed)
        return self

    def set_progress_bar_config(self, **config: Any) -> None:
        """Set arguments of the progress bars, which are tqdm's; `disable=True` shows none.

        `listener=` is called as `listener(stage, step, total)` after every step of "latent_diffusion" and "decoder";
        what it raises ends the call, and nothing is decoded.
        """
        from tqdm import tqdm

        bars = {name: value for name, value in config.items() if name != "listener"}
        tqdm(**{"total": 0, **bars, "disable": True})  # so that a wrong name is an error here and not in a later call
        self._progress_bar_config = config

    @plain_defaults()
    @tells_memory("give a shorter recording")
    def encode(self, audio: Any) -> Tensor:
        """Encode a recording.

        Args:
            audio: waveform [B, C, T] at the model's rate; or one recording as `as_waveform` takes it: a path, an array,
                mono or stereo.

        Returns:
            latent [B, latent_channels, frames].
        """
        if not (isinstance(audio, Tensor) and audio.ndim == 3):
            channels = self.autoencoder.config.audio_channels
            audio = as_waveform(audio, sample_rate=self.sample_rate, channels=channels, field="audio")[None]
        with torch.no_grad():
            # Contiguous, so that its decoding does not depend on strides.
            return self.autoencoder.encode(audio.to(self.device)).contiguous()

    @takes_settings(SamplingConfig, stage="decoder")
    @plain_defaults()
    @tells_memory("give a shorter latent")
    def decode(self, latent: Tensor, *, length: int | None = None, seed: int = 0, **settings: Any) -> Tensor:
        """Decode a latent.

        Moments that would clip are turned down by a limiter (`mousai.audio.limiter`), up to 12 dB; a piece that would
        pass more than that is made quieter first.

        Args:
            latent: [B, latent_channels, frames].
            length: samples of the result; by default as many as the frames stand for.
            seed: seed of the decoder's noise.
            **settings: see below.

        Returns:
            waveform [B, C, length] in [-1, 1].
        """
        check_seed(seed)
        config = self._with_settings(settings)
        with ProgressBars({"decoder": config.rendering_steps}, self._progress_bar_config) as progress:
            return self._decode(latent, config, NoiseSource(seed, range(len(latent))), length, progress)

    def _with_settings(self, settings: Mapping[str, Any]) -> SamplingConfig:
        """The model's settings with others in their place, which go with its parts."""
        config = self.defaults.updated(settings)
        check_griffin_lim(config.griffin_lim, self.autoencoder.config)
        self.check_exact(config)
        return config

    def check_exact(self, config: SamplingConfig) -> None:
        """Raise `UserError` where a call is to be exact and this model, as it was loaded, is not promised to be."""
        if config.exact:
            compiled = any(getattr(net, "_compiled_call_impl", None) is not None for net in self._nets())
            check_exact(device=self.device, dtype=self.dtype, compiled=compiled)

    def _decode(
        self,
        latent: Tensor,
        config: SamplingConfig,
        noise: NoiseSource,
        length: int | None,
        progress: ProgressBars,
        *,
        circular: bool = False,
    ) -> Tensor:
        decoding = DecodingConfig(
            num_steps=config.decoder_steps, griffin_lim=config.griffin_lim, start=config.decoder_start
        )
        audios = self.autoencoder.decode(
            latent,
            decoding,
            length=length,
            noise=noise,
            callback=lambda step, total, _: progress("decoder", step + 1, total),
            circular=circular,
        )
        if not circular:
            return limited(audios)
        # The limiter turns down what comes before and after a peak: also across the border.
        hop = self.autoencoder.config.hop_length
        reach = -(-LIMITER_REACH // hop) * hop
        line = torch.arange(-reach, audios.shape[-1] + reach, device=audios.device) % audios.shape[-1]
        return limited(audios[..., line])[..., reach : reach + audios.shape[-1]]

    def _nets(self) -> list[nn.Module]:
        return [self.autoencoder.decoder]

    def recorded(self, config: SamplingConfig, *, stage: str | None = None) -> dict[str, Any]:
        """Return the dtype and the settings of a call, by the names of the command line's options, as files store them.

        Args:
            config: all settings.
            stage: only those of this stage.
        """
        values, known = config.to_dict(), settings_of(type(config))
        chosen = [name for name, setting in known.items() if stage in (None, setting.stage)]
        # A flag is stored where it is set, or where the model's own is.
        chosen = [
            name for name in chosen if known[name].kind is not bool or values[name] or getattr(self.defaults, name)
        ]
        named = {known[name].stored_as(name): values[name] for name in chosen}
        return {**named, "dtype": str(self.dtype).removeprefix("torch.")}
