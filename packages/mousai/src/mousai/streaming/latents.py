"""Latent of a stream: it grows at its end, window by window, and is forgotten at its beginning."""

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from mousai.composing import ask
from mousai.request import Request
from vdiffusion import NoiseSource

if TYPE_CHECKING:
    from mousai.pipeline import Mousai

FIRST_WINDOW = 6.0
"""Seconds of the first window: short, so that there is soon something to hear."""
NEW = 16.0
"""Seconds that each later window adds."""
CONTEXT = 8.0
"""Seconds before them that it hears."""
CONTEXT_OF_CHANGE = 1.0
"""Seconds before a change that the window after it hears: enough to go on, too little to go on in the old style."""


class LatentStream:
    """Latent [1, latent_channels, frames] of a stream, of which the frames in use are kept.

        window 0    |======= FIRST_WINDOW =======|
        window 1              |known: CONTEXT ...|======= NEW =======|
        window 2                                   |known: CONTEXT ..|======= NEW =======| ...

    The known part comes out as it is, and the new part fits it (`Conditioning.known_latent`).

    Args:
        pipe: the model.
        seed: window k depends on it, on k and on what is known.

    Attributes:
        latent: frames that are kept.
        first: number of the first of them.
        changed: first frame since the last change; a window hears `CONTEXT_OF_CHANGE` before it.
    """

    def __init__(self, pipe: "Mousai", seed: int) -> None:
        self._pipe, self._seed = pipe, seed
        self._windows = 0
        self.first = 0
        self.changed = 0
        self.latent = torch.zeros(1, pipe.autoencoder.config.latent_channels, 0, device=pipe.device)

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self._pipe.sample_rate / self._pipe.autoencoder.config.hop_length

    @property
    def end(self) -> int:
        """Number of the frame after the last."""
        return self.first + self.latent.shape[-1]

    def change_from(self, frame: int) -> None:
        """Drop what was composed from a frame on: something else is wanted there."""
        self.latent = self.latent[..., : max(frame - self.first, 0)].clone()
        self.changed = self.end

    def forget_before(self, frame: int) -> None:
        """Drop the frames before one, but for those that the next window hears, or one after a change."""
        keep = min(frame - round(CONTEXT_OF_CHANGE * self.frame_rate), self.end - round(CONTEXT * self.frame_rate))
        if keep > self.first:
            self.latent = self.latent[..., keep - self.first :].clone()
            self.first = keep

    def grow(self, request: Request) -> None:
        """Compose the next window.

        Args:
            request: what is wanted; its attributes count in the stream's own time.
        """
        context = self._context()
        start = self.end - context
        new = round((NEW if self.end else FIRST_WINDOW) * self.frame_rate)
        span = (start / self.frame_rate, (self.end + new) / self.frame_rate)
        asked = ask(self._pipe, request, context + new, in_time=False, span=span)
        cond = replace(asked.cond, start_seconds=[start / self.frame_rate])
        if context:
            mask = torch.zeros(1, 1, context + new, dtype=torch.bool)
            mask[..., :context] = True
            known = torch.nn.functional.pad(self.latent[..., -context:], (0, new))
            cond = replace(cond, known_latent=known, known_mask=mask)
        made = self._pipe.latent_diffusion.sample(
            cond, noise=NoiseSource(self._seed, [self._windows]), config=request.config, negative=asked.negative
        )
        self._windows += 1
        self.latent = torch.cat([self.latent, made[..., context:].to(self.latent)], dim=-1)

    def _context(self) -> int:
        """Frames that the next window hears."""
        since = max(self.end - self.changed, round(CONTEXT_OF_CHANGE * self.frame_rate))
        return min(since, round(CONTEXT * self.frame_rate), self.latent.shape[-1])
