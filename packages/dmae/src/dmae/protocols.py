"""Protocols for parts of your own: what a `DMAE` asks of an encoder and of a representation.

A class of yours needs no base class from here. Subclass `torch.nn.Module`, so that its weights are trained, moved and
saved with the model, and give it these methods.

    class MyEncoder(nn.Module):
        def forward(self, features): ...      # [B, channels, frames] -> [B, latent_channels, latent frames]

    config = DMAEConfig(spectrogram=None, encoder=None, ...)   # the encoder reads the waveform itself
    model = DMAE(config, encoder=MyEncoder())
"""

from typing import Protocol

from torch import Tensor


class Encoder(Protocol):
    """Features -> latent, before its bound.

    The features are those of `config.spectrogram`, or the padded waveform itself where that is `None`. The latent has
    `config.latent_channels` channels and one frame for every `config.hop_length` samples; `DMAE.encode` checks this.

    An encoder whose frames depend on near frames only may have an attribute `receptive_field: int`, the latent frames
    that it reads to each side. A long file is then encoded in pieces, at constant memory. Without it, or where it is
    `None`, the encoder always sees the whole file.
    """

    def __call__(self, features: Tensor, /) -> Tensor:
        """[B, channels, frames] -> [B, latent_channels, T / hop_length]."""


class Representation(Protocol):
    """Waveform -> what is diffused, and how the net sees it.

        wave ── analyse ──> x ── noise ──> x_t ── to_net ──> net ── from_net ──> v ... x ── synthesise ──> wave

    x has `config.diffused_channels` channels and one position for every `config.diffused_size` samples. The net reads
    and writes `config.net_channels` channels. Everything here is differentiable, and computed in float32.
    """

    def analyse(self, wave: Tensor) -> Tensor:
        """Waveform [B, C, T], T a multiple of `config.hop_length` -> x [B, diffused channels, T / diffused size]."""

    def synthesise(self, x: Tensor, length: int) -> Tensor:
        """x -> waveform [B, C, length]."""

    def to_net(self, x_t: Tensor) -> Tensor:
        """Noisy x -> input of the net [B, net channels, positions of the net]."""

    def from_net(self, v: Tensor, length: int) -> Tensor:
        """Output of the net -> v of the shape of x, `length` positions long."""
