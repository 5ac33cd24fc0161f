"""Tempo, key and lead of a piece: read from a prompt, and taken out of one."""

import numbers
import re
from dataclasses import dataclass, replace
from typing import Any

from mousai.conditioning.leads import INSTRUMENTS, LEADS, lead_in, mark_lead
from mousai.errors import UserError, is_finite

SLOWEST, FASTEST = 30.0, 300.0
"""Beats per minute that count as a tempo."""

_GAP = r"(?:\s+|-)"
_NUMBER = r"(?<![\d.,])\d[\d.,]{0,15}(?<![.,])"
_TO = r"\s*(?:-|–|—|\bto\b|\band\b)\s*"
_BPM = re.compile(
    rf"(?P<low>{_NUMBER})(?:{_TO}(?P<high>{_NUMBER}))?[\s-]*(?:bpm\b|beats\s+(?:per|a)\s+minute\b)"
    rf"|(?<!\d)(?<!\d[\s-])\b(?:bpm|tempo(?:\s+(?:of|is))?)\s*[:=]?\s*"
    rf"(?P<behind>{_NUMBER})(?:{_TO}(?P<end>{_NUMBER}))?(?!\s*/|\w)",
    re.IGNORECASE,
)
_KEY = re.compile(
    r"(?<![\w#♯♭&])([A-Ga-g])(?:\s*(#|♯|b|♭)|"
    + _GAP
    + r"(sharp|flat))?"
    + _GAP
    + r"(major|minor|maj|min)\b(\s+key\b)?",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"(?:\b(?:not|no|never|without|avoid|avoids|avoiding|except|instead\s+of|rather\s+than|anything\s+but)\b|n['’]t\b)"
    r"(?:\s+(?:at|in|on|with|any|an?|the|keys?(?:\s+of)?|tempo(?:\s+of)?))*\s*$",
    re.IGNORECASE,
)
"""Words before a key or a tempo that say it is not wanted."""
_AFTER_A_KEY = re.compile(
    r"\s*(?:$|[^\w\s]|\d|(?:with|without|at|and|or|but|by|on|over|under|for|from|to|of|in|as|no|then|featuring|led|lead"
    rf"|played|melody|solo|drums?|bass|guitars?|(?:{INSTRUMENTS})s?)\b)",
    re.IGNORECASE,
)
"""What may follow a key: an end, a number, a word that begins something else, an instrument. Another word is what "a
minor" or "a major" tells of: "a minor feel", "a major hit"."""
_GONE = "\0"
_WITH_GONE = re.compile(
    r"(?:\b(?:in|with|on|by|of|over|and|(?:it\s+)?features|featuring|an?|the|key(?=\s+of\b|:)"
    r"|led|lead|solo|main|instrument|melody|is)\b:?\s+)*\0"
    r"(?:\s+(?:(?:on|plays|takes|sings|carries|has)\s+(?:the\s+)?)?(?:lead|solo|melody|tune|theme|top)\b)*",
    re.IGNORECASE,
)
"""A gap in a prompt with the words that led to it and hung on it: "led by a …", "in the key of …", "… on top"."""
_PITCH = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
NOTES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
MODES = ("major", "minor")
_SHIFT = {"": 0, "#": 1, "♯": 1, "sharp": 1, "b": -1, "♭": -1, "flat": -1}


@dataclass(frozen=True)
class MusicAttributes:
    """Tempo, key and lead of a piece.

    Args:
        tempo: beats per minute; `None` where it is unknown.
        key: pitch class of the tonic (0 = C, 11 = B) and whether the mode is minor; `None` where it is unknown.
        lead: family of the instrument that has the melody, one of `leads.LEADS`; `None` where it is unknown.
        first_downbeat: second at which the first bar begins.
    """

    tempo: float | None = None
    key: tuple[int, bool] | None = None
    lead: str | None = None
    first_downbeat: float = 0.0

    def updated(self, known: "MusicAttributes | None") -> "MusicAttributes":
        """Return a copy in which the attributes that `known` has take the place of these."""
        if known is None:
            return self
        given = {"tempo": known.tempo, "key": known.key, "lead": known.lead}
        changes = {name: value for name, value in given.items() if value is not None}
        return replace(self, first_downbeat=known.first_downbeat, **changes)  # type: ignore[arg-type]


def check_known(known: Any) -> None:
    """Raise `UserError` unless these are `MusicAttributes` that a piece can have."""
    if not isinstance(known, MusicAttributes):
        raise UserError("attributes", type(known).__name__, "must be MusicAttributes")
    if known.tempo is not None and not (_is_real(known.tempo) and known.tempo > 0):
        raise UserError("tempo", known.tempo, f"must be {SLOWEST:g} to {FASTEST:g} beats per minute")
    if known.key is not None and known.key not in [(tonic, minor) for tonic in range(12) for minor in (False, True)]:
        raise UserError(
            "key", known.key, "must be (pitch class 0 to 11, whether it is minor), as (9, True) for A minor"
        )
    if known.lead is not None and known.lead not in LEADS:
        raise UserError("lead", known.lead, f"must be one of {', '.join(LEADS)}")
    if not _is_real(known.first_downbeat):
        raise UserError("first_downbeat", known.first_downbeat, "must be a number of seconds")


def _is_real(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and is_finite(value)


def parse_attributes(text: str) -> MusicAttributes:
    """Read tempo ("128 bpm", "bpm 128", 30 to 300), key ("E minor", "f# major", "B flat minor") and lead from a prompt.

    The first of each counts. A range ("120-130 bpm") means its middle. "a minor feel" and "a major hit" name no tonic,
    and so no key, and what is refused ("not in C major") is not stated. For the lead see `leads.lead_in`.
    """
    tempos = [tempo for found in _BPM.finditer(text) if (tempo := _tempo_of(found)) and not _is_refused(found)]
    keys = []
    for found in _KEY.finditer(text):
        letter, sign, word, mode, _ = (part.lower() if part else "" for part in found.groups())
        if _is_key(found):
            keys.append(((_PITCH[letter] + _SHIFT[sign or word]) % 12, mode.startswith("min")))
    return MusicAttributes(tempo=tempos[0] if tempos else None, key=keys[0] if keys else None, lead=lead_in(text))


def key_name(key: tuple[int, bool]) -> str:
    """Return a key in words, such as "A minor"."""
    return f"{NOTES[key[0]]} {MODES[key[1]]}"


def attribute_spans(text: str) -> list[tuple[int, int]]:
    """Where the words of a prompt begin and end that may state a tempo or a key, also where they are refused."""
    return [found.span() for pattern in (_BPM, _KEY) for found in pattern.finditer(text)]


def strip_attributes(text: str) -> str:
    """Return the prompt without its words for key and lead, still a sentence.

    `attribute_guidance_scale` leads away from this text. A prompt that names neither is returned as it is.
    """
    named = parse_attributes(text)
    if named.key is None and named.lead is None:
        return text
    text = _KEY.sub(lambda found: _GONE if _is_key(found) else found[0], mark_lead(text, _GONE))
    text = re.sub(r"\(\s*\)", "", _WITH_GONE.sub("", text))
    text = re.sub(r"\s*([,;.])(?:\s*[,;.])+", r"\1", re.sub(r"\s+(?=[,;.]|$)", "", text))
    return re.sub(r"\s+", " ", text).rstrip(" ,;").lstrip(" ,;.")


def _tempo_of(found: re.Match[str]) -> float | None:
    """Beats per minute that a match states; `None` where it is no tempo."""
    low, high = _number(found["low"] or found["behind"]), _number(found["high"] or found["end"])
    if high is not None and low is not None and not ("and" in found[0] and low < SLOWEST):  # "4 and 120 bpm"
        if not SLOWEST <= low <= high <= FASTEST:
            return None
        return (low + high) / 2
    low = low if high is None else high
    return low if low is not None and SLOWEST <= low <= FASTEST else None


def _number(text: str | None) -> float | None:
    """A number as people write it: "120.5", "120,5", and "1,200", which is more than a thousand."""
    if text is None:
        return None
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", text):
        return float(text.replace(",", ""))
    return float(text.replace(",", ".")) if re.fullmatch(r"\d+(?:[.,]\d+)?", text) else None


def _is_refused(found: re.Match[str]) -> bool:
    return _REFUSED.search(found.string[max(0, found.start() - 80) : found.start()]) is not None


def _is_key(found: re.Match[str]) -> bool:
    """Tell whether a match names a key that is wanted; an A may be an article, as in "in a minor key"."""
    if _is_refused(found):
        return False
    if not re.match(r"a\s", found[0], re.IGNORECASE) or found[2] or found[3]:
        return True
    before = found.string[: found.start()].rstrip()
    begins = not before or before[-1] in ".!?:;\n"
    if found[0][0] == "A" and not begins and not found.string.isupper():
        return True
    return not found[5] and _AFTER_A_KEY.match(found.string, found.end()) is not None
