"""What is known of a file in numbers, for the generator to be told beside its caption."""

import math
from collections.abc import Mapping
from typing import Any

from mousai.conditions import FASTEST, SLOWEST, Stated, stated_in
from mousai.leads import lead_in


def stated_of(fields: Mapping[str, Any]) -> Stated:
    """Tempo, key and lead of a file, each where it is known; a tempo counts only with `first_downbeat`, a bar's second.

    A number that is none, and a tempo that no prompt could name, are as if they were not there.
    """
    tempo, first_beat = _number(fields.get("bpm")), _number(fields.get("first_downbeat"))
    if tempo is None or first_beat is None or not SLOWEST <= tempo <= FASTEST:
        tempo = None
    key = stated_in(str(fields.get("key") or "")).key
    lead = lead_in(str(fields.get("lead") or ""))
    return Stated(tempo=tempo, key=key, lead=lead, first_beat=first_beat or 0.0)


def _number(value: Any) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None
