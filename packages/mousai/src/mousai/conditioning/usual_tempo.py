"""A tempo that is usual for what a prompt asks for, where the prompt states none.

    prompt ── text encoder ──> embedding ── mean ── linear ──> octaves ──> beats per minute

A generator that is told no tempo draws one, and may then play house at the speed of hip hop: what it reads of the text
says less of the tempo than `attribute_signal` does. So the text encoder may have learned which tempo is usual
(`mousai train text-encoder`), and the model is told that one as if the prompt had stated it.
"""

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mousai.conditioning.attributes import FASTEST, SLOWEST
from mousai.errors import UserError
from mousai.storage.json_files import read_json

USUAL_TEMPO = "usual_tempo.json"
MIDDLE = 110.0
"""Beats per minute that nothing learned stands for."""


class UsualTempo(nn.Module):
    """Linear reading of a mean embedding [batch, features] as octaves above 1 bpm [batch], the log2 of a tempo."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, 1)
        nn.init.zeros_(self.linear.weight)
        nn.init.constant_(self.linear.bias, math.log2(MIDDLE))

    def forward(self, mean: Tensor) -> Tensor:
        """Return the octaves; in float32, whatever the encoder computes in."""
        weight, bias = self.linear.weight.float(), self.linear.bias.float()
        return (mean.float() @ weight.T + bias)[:, 0]

    @torch.no_grad()
    def tempos(self, mean: Tensor) -> list[float]:
        """Return whole beats per minute, `SLOWEST` to `FASTEST`.

        Raises:
            UserError: an embedding holds NaN or infinity.
        """
        octaves = self(mean)
        if not bool(octaves.isfinite().all()):
            raise UserError("text_encoder", hint="gives numbers that are not finite: its weights are damaged")
        # Bounded before it is a power, which a file with large numbers would lead beyond all floats.
        bounded = octaves.double().clamp(math.log2(SLOWEST), math.log2(FASTEST))
        return [float(round(2**one)) for one in bounded.tolist()]

    def to_json(self) -> dict[str, Any]:
        """The content of the file."""
        return {"weight": self.linear.weight[0].tolist(), "bias": self.linear.bias.item()}


def load_usual_tempo(path: Path, features: int) -> UsualTempo | None:
    """Read a file of `UsualTempo.to_json`; None where it is missing, as in most models.

    Raises:
        UserError: it does not hold so many numbers; one line that names it.
    """
    if not path.exists():
        return None
    found = read_json(path)
    weight, bias = found.get("weight"), found.get("bias")
    if not isinstance(weight, list) or len(weight) != features or not all(map(_is_number, [*weight, bias])):
        raise UserError(path, hint=f"must hold 'weight', a list of {features} finite numbers, and 'bias', another one")
    made = UsualTempo(features)
    with torch.no_grad():
        made.linear.weight.copy_(torch.tensor([weight], dtype=torch.float64))
        made.linear.bias.copy_(torch.tensor([bias], dtype=torch.float64))
    return made


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e6
