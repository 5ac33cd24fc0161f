"""Tempo, key and lead of a piece: read from a prompt, and taken out of one."""

import re
from dataclasses import dataclass, replace

from mousai.conditioning.leads import lead_in, mark_lead

SLOWEST, FASTEST = 30.0, 300.0
"""Beats per minute that count as a tempo."""

_BPM = re.compile(r"(?<![\d.])(\d{2,3}(?:\.\d+)?)[\s-]*(?:bpm\b|beats (?:per|a) minute\b)", re.IGNORECASE)
_KEY = re.compile(
    r"(?<![\w#♯♭])([A-Ga-g])(?:\s?(#|♯|b|♭)|[\s-](sharp|flat))?[\s-](major|minor|maj|min)\b(\s+key\b)?",
    re.IGNORECASE,
)
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


def parse_attributes(text: str) -> MusicAttributes:
    """Read tempo ("128 bpm", 30 to 300), key ("E minor", "f# major", "B flat minor") and lead from a prompt.

    The first of each counts. "in a minor key" names no tonic, and so no key. For the lead see `leads.lead_in`.
    """
    tempos = [float(found[1]) for found in _BPM.finditer(text)]
    tempos = [tempo for tempo in tempos if SLOWEST <= tempo <= FASTEST]
    keys = []
    for found in _KEY.finditer(text):
        letter, sign, word, mode, _ = (part.lower() if part else "" for part in found.groups())
        if not _is_article(found):
            keys.append(((_PITCH[letter] + _SHIFT[sign or word]) % 12, mode.startswith("min")))
    return MusicAttributes(tempo=tempos[0] if tempos else None, key=keys[0] if keys else None, lead=lead_in(text))


def key_name(key: tuple[int, bool]) -> str:
    """Return a key in words, such as "A minor"."""
    return f"{NOTES[key[0]]} {MODES[key[1]]}"


def strip_attributes(text: str) -> str:
    """Return the prompt without its words for key and lead, still a sentence.

    `attribute_guidance_scale` leads away from this text. A prompt that names neither is returned as it is.
    """
    named = parse_attributes(text)
    if named.key is None and named.lead is None:
        return text
    text = _KEY.sub(lambda found: found[0] if _is_article(found) else _GONE, mark_lead(text, _GONE))
    text = re.sub(r"\(\s*\)", "", _WITH_GONE.sub("", text))
    text = re.sub(r"\s*([,;.])(?:\s*[,;.])+", r"\1", re.sub(r"\s+(?=[,;.]|$)", "", text))
    return re.sub(r"\s+", " ", text).rstrip(" ,;").lstrip(" ,;.")


def _is_article(found: re.Match[str]) -> bool:
    """Tell whether the A is an article and not a key, as in "in a minor key"."""
    return found[0].lower().startswith("a ") and found[5] is not None
