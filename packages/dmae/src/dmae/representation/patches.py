"""The paper's representation: the waveform is diffused, and the net sees it as learned patches."""

from torch import Tensor

from dmae.precision import Float32, without_autocast
from unet1d import Patching


class Patches(Float32, Patching):
    """Learned patches before and behind the net, as in Moûsai (arXiv 2301.11757, section 3).

        noisy waveform ── to_net ──> patches ── U-Net ──> patches ── from_net ──> v

    The transform is trained with the net, so the diffusion itself runs on the waveform: `analyse` and `synthesise`
    change nothing. Computed in float32, also under autocast and beside nets of half precision.

    Args:
        channels: channels of the waveform.
        filters: channels of the patches.
        size: samples per patch.
        window: samples that a patch is read from and written to; `None` = `size`.
    """

    def analyse(self, wave: Tensor) -> Tensor:
        """Waveform [B, C, T] -> itself, which is diffused."""
        return wave

    def synthesise(self, x: Tensor, length: int) -> Tensor:
        """Diffused waveform [B, C, T] -> waveform [B, C, length]."""
        return x[..., :length]

    def to_net(self, x_t: Tensor) -> Tensor:
        """Noisy waveform [B, C, T] -> patches [B, filters, ceil(T / size)]."""
        patches: Tensor = self(x_t)
        return patches

    def from_net(self, v: Tensor, length: int) -> Tensor:
        """Patches [B, filters, L] -> v [B, C, length]."""
        return self.inverse(v, length)

    def forward(self, wave: Tensor) -> Tensor:
        """[B, C, T] -> [B, filters, ceil(T / size)]."""
        with without_autocast(wave):
            return super().forward(wave.float())

    def inverse(self, patches: Tensor, length: int) -> Tensor:
        """[B, filters, L] -> [B, C, length]."""
        with without_autocast(patches):
            return super().inverse(patches.float(), length)
