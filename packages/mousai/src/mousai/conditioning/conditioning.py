"""The value object that stage 2 is given: what a batch of pieces is asked to be."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mousai.conditioning.attributes import MusicAttributes
from mousai.conditioning.controls import Controls
from mousai.conditioning.text import TextEmbedding


@dataclass(frozen=True, kw_only=True)
class Conditioning:
    """Conditions of each piece of a batch; made once per call and passed whole.

        prompts ── text encoder ──> text ───────────────────┐
        prompts less key and lead ──> stripped_text ────────┼──> LatentDiffusion.sample, LatentDiffusion.loss
        "128 bpm, E minor, flute lead" ──> attributes ──────┤
        chords, melody, sections ──> controls ──────────────┤
        the part of a recording that stays ──> known ───────────┘

    A new kind of condition is a new field here and a few channels of `mousai.diffusion.conditions`.

    Args:
        frames: length in latent frames, 1 or more.
        text: embeddings of the prompts, hidden [B, N, F]; `None` for a model that reads no text.
        attributes: tempo, key and lead of each batch member; empty: nothing is known of any.
        stripped_text: embeddings of the prompts less what they say of key and lead (`strip_attributes`), from which
            `attribute_guidance_scale` leads away; `None`: the prompts as they are.
        controls: chords, melody and sections of each batch member; empty: none is told of any.
        start_seconds: second of its piece at which each member's first frame begins; empty: 0.
        known_latent: latent [B, C, frames] of which the part under `known_mask` is to come out as it is, and the rest
            is to fit it. A model with the control "known" reads it, and `LatentDiffusion.sample` honours it by RePaint
            for any other. `None`: nothing is known.
        known_mask: bool [B, 1, frames], True where `known_latent` is known; what it holds elsewhere is not used.
        circle: frames after which the piece begins again, for a loop: the latent has so many, and `frames`, which is
            more, is how long the net hears it played on (`vdiffusion.Circle`). `None`: the piece does not repeat.

    Raises:
        ValueError: sizes disagree; the message names them.
    """

    frames: int
    text: TextEmbedding | None = None
    attributes: Sequence[MusicAttributes] = ()
    stripped_text: TextEmbedding | None = None
    controls: Sequence[Controls] = ()
    start_seconds: Sequence[float] = ()
    known_latent: Tensor | None = None
    known_mask: Tensor | None = None
    circle: int | None = None

    def __post_init__(self) -> None:
        """Check that all parts are of one batch."""
        if self.frames < 1:
            raise ValueError(f"frames={self.frames}: must be 1 or more")
        sizes = {
            "text": self.text and len(self.text.hidden),
            "attributes": len(self.attributes) or None,
            "stripped_text": self.stripped_text and len(self.stripped_text.hidden),
            "controls": len(self.controls) or None,
            "start_seconds": len(self.start_seconds) or None,
            "known_latent": None if self.known_latent is None else len(self.known_latent),
        }
        given = {name: size for name, size in sizes.items() if size is not None}
        if len(set(given.values())) > 1:
            raise ValueError(f"Conditioning: parts of different batches: {given}")
        self._check_known()
        if self.circle is not None and not 1 <= self.circle <= self.frames:
            raise ValueError(f"circle={self.circle}: must be 1 to the {self.frames} frames")
        if self.circle is not None and self.known_latent is not None:
            raise ValueError("known_latent: cannot be given for a circle")

    def _check_known(self) -> None:
        latent, mask = self.known_latent, self.known_mask
        if latent is None or mask is None:
            if latent is not mask:
                missing = "known_latent" if latent is None else "known_mask"
                raise ValueError(f"{missing}: must be given beside the other of known_latent and known_mask")
            return
        if latent.ndim != 3 or latent.shape[2] != self.frames:
            raise ValueError(f"known_latent: expected [batch, channels, {self.frames}], got {list(latent.shape)}")
        expected = [len(latent), 1, self.frames]
        if list(mask.shape) != expected or mask.dtype != torch.bool:
            raise ValueError(f"known_mask: expected bool {expected}, got {mask.dtype} {list(mask.shape)}")

    @property
    def latent_frames(self) -> int:
        """Frames of the latent that is sampled."""
        return self.frames if self.circle is None else self.circle

    @property
    def batch_size(self) -> int | None:
        """Number of batch members; `None` where no part tells it."""
        if self.text is not None:
            return len(self.text.hidden)
        if self.known_latent is not None:
            return len(self.known_latent)
        return len(self.attributes) or len(self.controls) or len(self.start_seconds) or None

    @property
    def names_key_or_lead(self) -> bool:
        """Tell whether a key or a lead is known of any member."""
        return any(one.key or one.lead for one in self.attributes)

    def without_key_and_lead(self) -> "Conditioning":
        """Return the same less key and lead, in the text as in the attributes; controls and what is known stay."""
        return replace(
            self,
            text=self.text if self.stripped_text is None else self.stripped_text,
            attributes=tuple(replace(one, key=None, lead=None) for one in self.attributes),
            stripped_text=None,
        )
