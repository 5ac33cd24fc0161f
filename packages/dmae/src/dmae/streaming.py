"""Latent that is not all known yet -> waveform, stretch by stretch, at constant memory."""

import math

import torch
from torch import Tensor

from dmae.decode import NOISE_FRAMES, Decoder, Window
from vdiffusion import LongNoise

MARGIN = 0.35
"""Seconds of latent to either side of a stretch that are decoded with it and not used, since they miss neighbours."""
FADE = 4096
"""Samples after a stretch that are decoded twice, with it and with the next one, and cross-faded."""
_ENDLESS = 2**48  # positions of noise, more than any stream reaches


class StreamingDecoder:
    """Decoder of a stream; `DMAE.streaming_decoder` makes one.

        latent      ... |-- margin --|---- stretch ----|-- margin --|
                                     |-- margin --|---- next stretch ----|-- margin --| ...
        waveform                     |~~~~~~~~~~~~~~~~~|><~~~~~~~~~~~~~~~|><
                                                       FADE

    Each stretch goes on from the phases of the one before, as the windows of a long piece do. What was returned is
    final. The latent from the end of a stretch on may still change: of its old sound, `FADE` samples fade out.

    Args:
        decoder: parts and settings.

    Attributes:
        position: samples that were returned.
        tail: what comes next as it is known so far [B, C, FADE]; empty before the first call.
    """

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._margin = math.ceil(MARGIN * decoder.sizes.sample_rate / decoder.sizes.hop_length)
        self._noise: LongNoise | None = None
        self._phases: Tensor | None = None
        self.position = 0
        self.tail = torch.zeros(len(decoder.noise), decoder.sizes.audio_channels, 0)

    def frames_for(self, end: int) -> tuple[int, int]:
        """Return the first latent frame and the one after the last that a stretch from `position` to `end` needs."""
        first, last = self._window(end)
        field = self._decoder.prior.receptive_field
        return max(first - field, 0), last + field

    @torch.no_grad()
    def __call__(self, latent: Tensor, *, first: int, end: int) -> Tensor:
        """Decode the stretch from `position` to `end`.

        Args:
            latent: frames [B, latent_channels, n], at least those of `frames_for(end)`.
            first: number of the first of them in the stream.
            end: sample at which the stretch ends, at least `FADE` after `position`.

        Returns:
            waveform [B, C, end - position].

        Raises:
            ValueError: frames are missing, or the stretch is too short.
        """
        if end < self.position + FADE:
            raise ValueError(f"end={end}: must be at least {FADE} samples after the position, {self.position}")
        needed = self.frames_for(end)
        if not first <= needed[0] < needed[1] <= first + latent.shape[-1]:
            raise ValueError(
                f"latent: frames {first} to {first + latent.shape[-1]}; samples {self.position} to {end} need frames "
                f"{needed[0]} to {needed[1]}"
            )
        hop, (begin, last) = self._decoder.sizes.hop_length, self._window(end)
        following = max(end // hop - self._margin, 0)
        window = Window(
            first=begin - first,
            last=last - first,
            following=following - first,
            position=begin,
            number=0,
            count=1,
            phases=self._phases,
        )
        noise, ratio = self._endless_noise(latent.device), hop // self._decoder.sizes.diffused_size
        wave, self._phases = self._decoder.decode_window(
            latent, window, lambda start, stop: noise.between((start + first) * ratio, (stop + first) * ratio)
        )
        made = wave[..., self.position - begin * hop : end - begin * hop].clone()
        if self.tail.shape[-1]:
            rise = torch.sin((torch.arange(FADE, device=made.device) + 0.5) * (math.pi / 2 / FADE)).square()
            made[..., :FADE] = torch.lerp(self.tail.to(made), made[..., :FADE], rise)
        self.tail = wave[..., end - begin * hop :][..., :FADE].clone()
        self.position = end
        return made

    def _window(self, end: int) -> tuple[int, int]:
        """Frames that are decoded for a stretch that ends at sample `end`."""
        hop = self._decoder.sizes.hop_length
        return max(self.position // hop - self._margin, 0), -(-(end + FADE) // hop) + self._margin

    def _endless_noise(self, device: torch.device) -> LongNoise:
        if self._noise is None:
            sizes = self._decoder.sizes
            block = NOISE_FRAMES * (sizes.hop_length // sizes.diffused_size)
            shape = (sizes.diffused_channels, _ENDLESS)
            self._noise = LongNoise(self._decoder.noise, shape, stage="decoder", block=block, device=device)
        return self._noise
