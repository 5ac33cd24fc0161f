"""Attributes of a file from its metadata, a condition of latent diffusion beside the caption."""

import math
from collections.abc import Mapping
from typing import Any

from mousai.conditioning.attributes import FASTEST, SLOWEST, MusicAttributes, parse_attributes
from mousai.conditioning.leads import lead_in


def attributes_of(fields: Mapping[str, Any]) -> MusicAttributes:
    """Tempo, key and lead of a file, each where it is known; a tempo counts only with `first_downbeat`, a bar's second.

    A value that is no number, and a tempo that no prompt could name, count as missing.
    """
    tempo, first_downbeat = _number(fields.get("bpm")), _number(fields.get("first_downbeat"))
    if tempo is None or first_downbeat is None or not SLOWEST <= tempo <= FASTEST:
        tempo = None
    key = parse_attributes(str(fields.get("key") or "")).key
    lead = lead_in(str(fields.get("lead") or ""))
    return MusicAttributes(tempo=tempo, key=key, lead=lead, first_downbeat=first_downbeat or 0.0)


def _number(value: Any) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None
