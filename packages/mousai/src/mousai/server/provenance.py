"""What a recording says of its making: cleaned where a stranger wrote it, and read as tempo, key and lead."""

import json
import math
from collections.abc import Mapping

from mousai.audio.writing import METADATA_LIMIT
from mousai.conditioning.attributes import FASTEST, SLOWEST, MusicAttributes, key_name, parse_attributes
from mousai.conditioning.leads import LEADS
from mousai.settings import number_word

LONGEST_PROMPT = 4096
"""Most characters of a recording's prompt as JSON, as the command line takes them."""
_BEATS = 4
"""Beats of a bar."""
_MAIN = ("mousai", "prompt", "seed", "tempo", "first_downbeat", "key", "lead")
"""Fields that are kept where there are too many."""


def cleaned(made: Mapping[str, str]) -> dict[str, str]:
    """Return what an upload says of its making, as far as it can be believed; it may be a stranger's.

    Fields that make no sense are left out: text that cannot be shown, a tempo or a first downbeat that is no number, a
    key or a lead that there is not, a prompt that is too long. So is the command, which somebody would run.

    Args:
        made: fields of the file's comment; those of another program say nothing.
    """
    if "mousai" not in made:
        return {}
    found = {name: text for name, text in made.items() if _is_shown(name) and _is_shown(text)}
    found.pop("command", None)
    if len(json.dumps(found.get("prompt", ""))) > LONGEST_PROMPT:
        del found["prompt"]
    tempo = _number(found.pop("tempo", None))
    if tempo is not None and SLOWEST <= tempo <= FASTEST:
        found["tempo"] = number_word(tempo)
    downbeat = _number(found.pop("first_downbeat", None))
    beats = parse_attributes(found.get("prompt", "")).tempo if "tempo" not in found else tempo
    if downbeat is not None and beats is not None:
        found["first_downbeat"] = number_word(downbeat % (_BEATS * 60 / beats))
    key = parse_attributes(found.pop("key", "")[:40]).key
    if key is not None:
        found["key"] = key_name(key)
    if "lead" in found and found["lead"] not in LEADS:
        del found["lead"]
    if len(json.dumps(found)) > METADATA_LIMIT:
        found = {name: found[name] for name in _MAIN if name in found and len(found[name]) <= LONGEST_PROMPT}
    return found


def attributes_in(made: Mapping[str, str]) -> MusicAttributes:
    """Return tempo, key, lead and first downbeat of a recording: those that are stored, else those of its prompt.

    Args:
        made: what the file stores, cleaned if it is an upload.
    """
    said = parse_attributes(made.get("prompt", ""))
    tempo = float(made["tempo"]) if "tempo" in made else said.tempo
    return MusicAttributes(
        tempo=tempo,
        key=parse_attributes(made.get("key", "")).key or said.key,
        lead=made.get("lead", said.lead),
        first_downbeat=0.0 if tempo is None else float(made.get("first_downbeat", 0.0)),
    )


def _is_shown(text: str) -> bool:
    """Whether a text can be sent and shown: no half of a pair of code units, no control character."""
    return all(letter.isprintable() or letter in "\n\t" for letter in text)


def _number(text: str | None) -> float | None:
    try:
        found = math.nan if text is None else float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None
