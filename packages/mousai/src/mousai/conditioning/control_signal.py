"""Controls as a signal along time, which stage 2 reads beside the attributes.

    Controls(chords, melody, sections) ──> channels at every frame ──┐
    known latent, known mask ─────────────────────────────────────── ┴──> beside the attribute signal

    chords    root, notes and bass of the chord (12 pitch classes each); told
    melody    pitch classes of the tune; onset; told
    section   one of `SECTIONS`; told
    known     the known latent, zero where it is unknown; the mask

"Told" is 1 at every frame of a piece whose control is given: to be told that there is no chord (`N`) is another thing
than to be told nothing. A control that is not given is zero in all of its channels.
"""

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from mousai.conditioning.controls import SECTIONS, Controls
from mousai.conditioning.tables import CHORD_CHANNELS, ONSET, chord_table, melody_table

T = TypeVar("T")

CONTROLS = ("chords", "melody", "section", "known")
"""Controls that a latent diffusion can have, in the order of their channels."""
FIELDS = {"chords": "chords", "melody": "melody", "section": "sections"}
"""Field of `Controls` that tells of a control; what is known of a latent stands in `Conditioning`."""
TOLD_CHANNELS = {"chords": CHORD_CHANNELS + 1, "melody": ONSET + 2, "section": len(SECTIONS) + 1}
"""Channels of each control that `Controls` tells."""


def control_channels(names: Sequence[str], *, latent_channels: int) -> int:
    """Number of channels of some controls together."""
    return sum(TOLD_CHANNELS.get(name, latent_channels + 1) for name in names)


def control_signal(
    controls: Sequence[Controls],
    *,
    names: Sequence[str],
    frames: int,
    frame_rate: float,
    starts: Sequence[float] | None = None,
) -> Tensor:
    """Return the controls of each piece as a signal along time.

    Args:
        controls: one for each batch member.
        names: those that are wanted, out of "chords", "melody" and "section"; their channels come in this order.
        frames: latent frames.
        frame_rate: latent frames per second.
        starts: second of each piece at which its first frame begins; by default 0.

    Returns:
        float32 [batch, channels, frames].
    """
    parts = [
        torch.cat([_told(one, name, frames, frame_rate, start) for name in names])
        for one, start in zip(controls, starts if starts is not None else [0.0] * len(controls), strict=True)
    ]
    return torch.stack(parts)


def known_signal(latent: Tensor, mask: Tensor, *, latent_std: float) -> Tensor:
    """Return a known part of a latent as a signal along time.

    Args:
        latent: latent [B, C, frames]; what it holds where nothing is known is not used.
        mask: bool [B, 1, frames], True where it is known.
        latent_std: what latents are divided by.

    Returns:
        float32 [B, C + 1, frames]: the latent over `latent_std`, zero where it is unknown, and the mask.
    """
    return torch.cat([torch.where(mask, latent.float() / latent_std, 0.0), mask.float()], dim=1)


def _chords(one: Controls, frames: int, frame_rate: float, start: float) -> Tensor:
    events = _within(one.chords, start, start + frames / frame_rate)
    return torch.from_numpy(chord_table(events, frames, frame_rate)).float()


def _melody(one: Controls, frames: int, frame_rate: float, start: float) -> Tensor:
    events = _within(one.melody, start, start + frames / frame_rate)
    return torch.from_numpy(melody_table(events, frames, frame_rate)[: ONSET + 1]).float()


def _section(one: Controls, frames: int, frame_rate: float, start: float) -> Tensor:
    """The section at the middle of each frame."""
    table = torch.zeros(len(SECTIONS), frames)
    for begin, end, name in _within(one.sections, start, start + frames / frame_rate):
        first, last = (max(math.ceil(second * frame_rate - 0.5), 0) for second in (begin, end))
        table[SECTIONS.index(name), first:last] = 1.0
    return table


def _within(events: Sequence[tuple[float, float, T]] | None, start: float, end: float) -> list[tuple[float, float, T]]:
    """Events that reach into a window of the piece, in seconds of the window.

    To a microsecond, so that an event on a frame's border stays there.
    """
    inside = [event for event in events or () if event[0] < end and event[1] > start]
    return [(round(begin - start, 6), round(over - start, 6), what) for begin, over, what in inside]


_TABLES: dict[str, Callable[[Controls, int, float, float], Tensor]] = {
    "chords": _chords,
    "melody": _melody,
    "section": _section,
}


def _told(one: Controls, name: str, frames: int, frame_rate: float, start: float) -> Tensor:
    """Channels of a control, and whether it is told."""
    told = torch.full((1, frames), float(getattr(one, FIELDS[name]) is not None))
    return torch.cat([_TABLES[name](one, frames, frame_rate, start), told])
