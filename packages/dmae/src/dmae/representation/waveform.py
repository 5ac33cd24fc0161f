"""The waveform itself as what is diffused."""

from torch import Tensor, nn


class Waveform(nn.Module):
    """Representation that changes nothing: the net reads and writes the waveform."""

    def analyse(self, wave: Tensor) -> Tensor:
        """Waveform [B, C, T] -> itself."""
        return wave

    def synthesise(self, x: Tensor, length: int) -> Tensor:
        """[B, C, T] -> waveform [B, C, length]."""
        return x[..., :length]

    def to_net(self, x_t: Tensor) -> Tensor:
        """Noisy waveform [B, C, T] -> input of the net, itself."""
        return x_t

    def from_net(self, v: Tensor, length: int) -> Tensor:
        """Output of the net [B, C, T] -> v [B, C, length]."""
        return v[..., :length]
