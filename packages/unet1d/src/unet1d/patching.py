"""The learned transform between a waveform and its patches: a reshape and a Linear, both ways."""

from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F


class Patching(nn.Module):
    """Waveform [B, C, T] <-> patches [B, filters, ceil(T / size)], one Linear each way, without biases.

    A convolution whose window equals its stride is a reshape and a matrix product. The product is the faster of the
    two, and its gradient is right in bfloat16 on CPUs, where that of `conv_transpose1d` with stride 64 is not.
    The paper's stage 1 is `Patching(channels=2, filters=256, size=64)` (arXiv 2301.11757, section 3).

    Args:
        channels: channels of the waveform.
        filters: channels of the patches, all waveform channels together.
        size: samples per patch.
    """

    def __init__(self, channels: int, filters: int, size: int) -> None:
        super().__init__()
        for key, value in (("channels", channels), ("filters", filters), ("size", size)):
            if value < 1:
                raise ValueError(f"Patching: {key} must be 1 or more, not {value}")
        self.channels = channels
        self.filters = filters
        self.size = size
        self.encode = nn.Linear(channels * size, filters, bias=False)
        self.decode = nn.Linear(filters, channels * size, bias=False)

    def forward(self, wave: Tensor) -> Tensor:
        """[B, C, T] -> [B, filters, ceil(T / size)]; zeros fill the last patch.

        The result is a view of time-major memory, which is how `UNet1d` works inside.

        Raises:
            ValueError: `wave` is not [batch, channels, samples].
        """
        if wave.ndim != 3 or wave.shape[1] != self.channels:
            raise ValueError(f"wave: expected [batch, channels={self.channels}, samples], got {list(wave.shape)}")
        wave = F.pad(wave, (0, -wave.shape[-1] % self.size))
        patches: Tensor = self.encode(rearrange(wave, "b c (l s) -> b l (c s)", s=self.size))
        return patches.transpose(1, 2)

    def inverse(self, patches: Tensor, length: int) -> Tensor:
        """[B, filters, L] -> [B, C, length], where L = ceil(length / size).

        The inverse in shape only: whether it gives back the waveform is for training to decide.

        Raises:
            ValueError: `patches` does not fit `filters` or `length`.
        """
        count = -(-length // self.size)
        if patches.ndim != 3 or patches.shape[1:] != (self.filters, count):
            raise ValueError(
                f"patches: expected [batch, filters={self.filters}, patches={count}] "
                f"(= ceil({length} / {self.size})), got {list(patches.shape)}"
            )
        samples: Tensor = self.decode(patches.transpose(1, 2))
        wave = rearrange(samples, "b l (c s) -> b c (l s)", c=self.channels)
        return wave[..., :length]
