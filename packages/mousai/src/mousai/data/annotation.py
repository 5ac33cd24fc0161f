"""Attributes and controls of a file from its metadata, conditions of latent diffusion beside the caption."""

from collections.abc import Mapping
from typing import Any

from mousai.conditioning.attributes import FASTEST, SLOWEST, MusicAttributes, parse_attributes
from mousai.conditioning.controls import SECTIONS, Controls
from mousai.conditioning.leads import lead_in
from mousai.errors import UserError, is_finite

SECTION_NAMES = {**{name: name for name in SECTIONS}, "drop": "chorus", "build": "break", "bridge": "break"}
"""Sections of a composed song as those that a model knows: what stands out is a chorus, what leads to it a break."""


def attributes_of(fields: Mapping[str, Any]) -> MusicAttributes:
    """Tempo, key and lead of a file, each where it is known; a tempo counts only with `first_downbeat`, a bar's second.

    A value that is no number, and a tempo that no prompt could name, count as missing.
    """
    tempo, first_downbeat = number_of(fields.get("bpm")), number_of(fields.get("first_downbeat"))
    if tempo is None or first_downbeat is None or not SLOWEST <= tempo <= FASTEST:
        tempo = None
    key = parse_attributes(str(fields.get("key") or "")).key
    lead = lead_in(str(fields.get("lead") or ""))
    return MusicAttributes(tempo=tempo, key=key, lead=lead, first_downbeat=first_downbeat or 0.0)


def controls_of(fields: Mapping[str, Any]) -> Controls:
    """Chords, melody and sections of a file, each where it is known.

    Read are lists of events, `{"start": 0.0, "end": 2.0, "label": "A:min"}` (sections have a `name`) or
    `[0.0, 2.0, "A:min"]`, the melody `[0.0, 0.5, 69]`. Anything else under these names, such as a text, is no
    annotation, and sections with a name of their own count as not known.

    Raises:
        UserError: an event of a list is impossible; names the field and the event.
    """
    sections = _events(fields, "sections", "name")
    if sections is not None:
        known = [(start, end, SECTION_NAMES.get(str(name))) for start, end, name in sections]
        sections = None if any(name is None for _, _, name in known) else tuple(known)
    return Controls(
        chords=_events(fields, "chords", "label"), melody=_events(fields, "melody", "pitch"), sections=sections
    )


def _events(fields: Mapping[str, Any], field: str, what: str) -> tuple[tuple[float, float, Any], ...] | None:
    events = fields.get(field)
    if not isinstance(events, list | tuple) or (events and all(isinstance(event, str) for event in events)):
        return None  # a text, or names without their times, as some collections have them
    found = []
    for event in events:
        parts = [event.get(key) for key in ("start", "end", what)] if isinstance(event, Mapping) else event
        if not isinstance(parts, list | tuple) or len(parts) != 3 or None in map(number_of, parts[:2]):
            raise UserError(field, event, f"must be a start and an end in seconds and a {what}")
        found.append((float(parts[0]), float(parts[1]), parts[2]))
    return tuple(found)


def number_of(value: Any) -> float | None:
    """A field as a number, whether a table holds it as one or as text; `None` where it is none, or not finite."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if is_finite(found) else None
