"""Learned transform between a waveform and its patches: a reshape and a Linear, both ways."""

from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F


class Patching(nn.Module):
    """Waveform [B, C, T] <-> patches [B, filters, ceil(T / size)], one Linear each way, without biases.

    A convolution whose window equals its stride is a reshape and a matrix product. The product is the faster of the
    two, and its gradient is right in bfloat16 on CPUs, where that of `conv_transpose1d` with stride 64 is not.
    The paper's stage 1 is `Patching(channels=2, filters=256, size=64)` (arXiv 2301.11757, section 3).

    With a longer window the patches overlap: each is read from `window` samples with its own `size` in their middle
    (the ends of the waveform mirrored), and on the way back the overlaps are added, as in the authors' `LTPlugin`.

    Args:
        channels: channels of the waveform.
        filters: channels of the patches, all waveform channels together.
        size: samples per patch.
        window: samples that a patch is read from and written to, `size` and an even number more; `None` = size.
    """

    def __init__(self, channels: int, filters: int, size: int, window: int | None = None) -> None:
        super().__init__()
        window = size if window is None else window
        for key, value in (("channels", channels), ("filters", filters), ("size", size)):
            if value < 1:
                raise ValueError(f"Patching: {key} must be 1 or more, not {value}")
        if window < size or (window - size) % 2:
            raise ValueError(
                f"Patching: window={window} must be size={size} or an even number more, so that it reaches as far to "
                "both sides"
            )
        self.channels = channels
        self.filters = filters
        self.size = size
        self.window = window
        self.encode = nn.Linear(channels * window, filters, bias=False)
        self.decode = nn.Linear(filters, channels * window, bias=False)

    def forward(self, wave: Tensor) -> Tensor:
        """[B, C, T] -> [B, filters, ceil(T / size)]; zeros fill the last patch.

        The result is a view of time-major memory, which is how `UNet1d` works inside.

        Raises:
            ValueError: `wave` is not [batch, channels, samples].
        """
        if wave.ndim != 3 or wave.shape[1] != self.channels:
            raise ValueError(f"wave: expected [batch, channels={self.channels}, samples], got {list(wave.shape)}")
        wave = F.pad(wave, (0, -wave.shape[-1] % self.size))
        if self._overhang:
            windows = self._mirrored(wave).unfold(-1, self.window, self.size)
        else:
            windows = rearrange(wave, "b c (l s) -> b c l s", s=self.size)
        patches: Tensor = self.encode(rearrange(windows, "b c l s -> b l (c s)"))
        return patches.transpose(1, 2)

    def inverse(self, patches: Tensor, length: int) -> Tensor:
        """[B, filters, L] -> [B, C, length], where L = ceil(length / size).

        The inverse in shape only: training decides how close it comes to the waveform.

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
        if self._overhang:
            wave = F.fold(  # overlap-add, of images of height 1
                samples.transpose(1, 2),
                output_size=(1, count * self.size),
                kernel_size=(1, self.window),
                stride=(1, self.size),
                padding=(0, self._overhang),
            ).squeeze(2)
        else:
            wave = rearrange(samples, "b l (c s) -> b c (l s)", c=self.channels)
        return wave[..., :length]

    @property
    def _overhang(self) -> int:
        """Samples by which a window reaches beyond its patch, on each side."""
        return (self.window - self.size) // 2

    def _mirrored(self, wave: Tensor) -> Tensor:
        """[B, C, T] -> the same with `_overhang` samples of its mirror image at both ends."""
        length, overhang = wave.shape[-1], self._overhang
        if length <= overhang:  # too short to mirror
            wave = F.pad(wave, (0, overhang + 1 - length))
        return F.pad(wave, (overhang, overhang), mode="reflect")[..., : length + 2 * overhang]
