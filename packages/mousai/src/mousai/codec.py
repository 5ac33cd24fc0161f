"""Stage 1 of a model by itself: waveform <-> latent."""

import os
import shutil
from collections.abc import Callable
from os import PathLike

import torch
from torch import Tensor, nn

from dmae import DMAE
from mousai.audio.limiter import limit
from mousai.dtype import resolve_dtype
from mousai.errors import UserError
from mousai.sampling_config import SamplingConfig
from mousai.storage.folders import describe, load_autoencoder, model_folder

CEILING = 0.99
"""Highest sample of what is decoded."""
LIMITED = 4.0
"""How many times as high a sample may have been: 12 dB are as much as a limiter takes without being heard at work."""


def compile_net(net: nn.Module) -> None:
    """Have a net translated in place by torch.compile; its state dict stays as it is.

    Raises:
        UserError: there is no C++ compiler, without which that fails when the net is first used.
    """
    if not any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "clang++", "cl")):
        raise UserError("compile: needs a C++ compiler, such as g++, on the PATH; install one or leave it out")
    # Static shapes: a generator has one per duration, a decoder one in all where pieces are longer than its window.
    net.compile(dynamic=False, options={"freezing": True})


def below_full_scale(audios: Tensor) -> Tensor:
    """Waveforms [B, C, T], each limited to `CEILING`, where that is possible in place; on the device they were on."""
    held = audios.cpu()
    for sound in held.numpy():
        loudest = max(float(sound.max()), -float(sound.min()))
        if loudest > LIMITED * CEILING:
            sound *= LIMITED * CEILING / loudest
        limit(sound, ceiling=CEILING)
    return held.to(audios.device)


class Codec:
    """The autoencoder of a model with the settings that it is best run with.

    Args:
        autoencoder: latent <-> waveform.
        defaults: settings that the model is best run with.
        about: what `mousai info` prints of it.
    """

    def __init__(self, autoencoder: DMAE, *, defaults: SamplingConfig | None = None, about: str = "") -> None:
        self.autoencoder = autoencoder
        self.defaults = SamplingConfig() if defaults is None else defaults
        self.about = about

    @property
    def sample_rate(self) -> int:
        """Hz."""
        return self.autoencoder.config.sample_rate

    @classmethod
    def from_pretrained(
        cls,
        model: str | PathLike[str] | None = None,
        *,
        revision: str | None = None,
        dtype: str = "auto",
        device: str = "cpu",
        compile: bool = False,
    ) -> "Codec":
        """Load the autoencoder of a model folder; the arguments are those of `Mousai.from_pretrained`."""
        folder = model_folder(model, revision=revision)
        number_format = resolve_dtype(dtype, torch.device(device))
        described = describe(folder, need=["autoencoder"])
        codec = Codec(load_autoencoder(folder), defaults=described.defaults, about=described.about)
        codec.to(device, number_format)
        return codec.compile() if compile else codec

    def compile(self) -> "Codec":
        """Have the U-Net translated for this machine when it is first used, with its weights frozen; returns itself.

        For each new shape of its input that takes minutes (66 s for the paper's stage 1, 148 s for stage 2, on a
        two-core AMD EPYC, where a step then ran 0.94 and 0.97 times as fast), and it needs a C++ compiler. Weights that
        are changed later are not seen, and no gradients come through.
        """
        compile_net(self.autoencoder.decoder)
        return self

    def to(self, device: str | torch.device, dtype: torch.dtype = torch.float32) -> "Codec":
        """Move it to a device, and its U-Net to a number format; returns itself."""
        self.autoencoder.to(device)
        self.autoencoder.decoder.to(dtype)
        return self

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
        """Latent [B, latent_channels, frames] -> waveform [B, C, length].

        Moments that would clip are turned down by a limiter (`mousai.audio.limiter`), up to 12 dB; a piece that would
        pass more than that is made quieter first.
        """
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
        return below_full_scale(audios)
