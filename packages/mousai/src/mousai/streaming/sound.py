"""Sound of a stream: its latent decoded stretch by stretch, and limited as a whole piece would be."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from dmae import DecodingConfig
from mousai.audio.limiter import BLOCK, REACH, limit
from mousai.codec import CEILING
from mousai.sampling_config import SamplingConfig
from mousai.streaming.latents import LatentStream
from vdiffusion import NoiseSource

if TYPE_CHECKING:
    from mousai.pipeline import Mousai

_HEARD = (2 * REACH + 1) * BLOCK  # samples to either side on which the limiter's gain depends


class SoundStream:
    """Sound of a stream, made from its latent.

    Args:
        pipe: the model.
        config: settings, of which those of the decoder count.
        seed: seed of the decoder's noise.
    """

    def __init__(self, pipe: "Mousai", config: SamplingConfig, seed: int) -> None:
        decoding = DecodingConfig(
            num_steps=config.decoder_steps, griffin_lim=config.griffin_lim, start=config.decoder_start
        )
        self._decoder = pipe.autoencoder.streaming_decoder(decoding, noise=NoiseSource(seed, [0]))
        self._before = torch.zeros(pipe.autoencoder.config.audio_channels, 0)

    @property
    def position(self) -> int:
        """Samples that were made."""
        return self._decoder.position

    def frames_for(self, end: int) -> tuple[int, int]:
        """Return the first latent frame and the one after the last that the sound up to a sample needs."""
        return self._decoder.frames_for(end)

    def advance(self, latents: LatentStream, end: int) -> Tensor:
        """Return the sound from `position` to the sample `end`, [channels, samples] on the CPU."""
        made = self._decoder(latents.latent, first=latents.first, end=end)[0].cpu().float()
        whole = torch.cat([self._before, made, self._decoder.tail[0].cpu().float()], dim=-1)
        begin, length = self._before.shape[-1], made.shape[-1]
        # Up to a border of the limiter's blocks, whichever lie beneath the whole piece.
        keep = _HEARD + (end - _HEARD) % BLOCK
        self._before = whole[:, max(begin + length - keep, 0) : begin + length].clone()
        sound = whole.numpy()
        limit(sound, ceiling=CEILING)
        return torch.from_numpy(sound[:, begin : begin + length].copy())
