"""Lead instrument that a text names, as one of the families that a listener can tell apart."""

import re

LEADS: dict[str, tuple[str, ...]] = {
    "piano": ("piano", "bright piano", "grand piano", "electric grand piano", "honky-tonk piano"),
    "electric piano": ("electric piano", "fm electric piano", "rhodes", "clavinet"),
    "organ": ("organ", "drawbar organ", "percussive organ", "rock organ", "church organ", "reed organ"),
    "accordion": ("accordion", "harmonica", "bandoneon", "bagpipe"),
    "acoustic guitar": ("acoustic guitar", "nylon guitar", "classical guitar", "koto", "banjo", "harp", "ukulele"),
    "electric guitar": ("electric guitar", "clean electric guitar", "clean guitar", "jazz guitar", "muted guitar"),
    "distorted guitar": (
        *("distorted guitar", "overdriven guitar", "distortion guitar", "heavy guitar", "guitar harmonics"),
        *("distorted electric guitar", "overdriven electric guitar"),
    ),
    "saxophone": ("saxophone", "sax", *(f"{kind} {s}" for kind in ("soprano", "alto", "tenor", "baritone")
                                        for s in ("saxophone", "sax"))),
    "clarinet": ("clarinet", "oboe", "english horn", "bassoon"),
    "brass": ("brass", "brass section", "trumpet", "muted trumpet", "trombone", "french horn", "horn", "tuba"),
    "flute": ("flute", "pan flute", "whistle", "tin whistle", "recorder", "ocarina", "shakuhachi", "piccolo"),
    "violin": ("violin", "viola", "fiddle", "cello", "strings", "string section", "slow strings"),
    "synthesizer": (
        *("synthesizer", "synthesiser", "synth", "synth lead", "square lead", "saw lead", "chiff lead", "fifths lead"),
        *("calliope lead", "charang lead", "synth brass", "atmosphere synth", "crystal synth"),
    ),
    "voice": ("voice", "choir", "synth voice", "voice oohs"),
    "bells": ("bell", "vibraphone", "marimba", "xylophone", "celesta", "music box", "glockenspiel", "kalimba"),
}  # fmt: skip
"""Families of instruments that carry a melody and can be told apart by ear, each with the names that it goes by."""

_NEVER = (
    *("synth bass", "synth pad", "synth strings", "synth drum", "synth pop", "choir pad", "organ pedal"),
    *("tubular bell", "voice lead", "bass clarinet", "bass flute"),
)
"""Names that hold another name, and carry no melody."""

_FAMILY = {name: family for family, names in LEADS.items() for name in names}
INSTRUMENTS = "|".join(re.escape(name) for name in sorted(_FAMILY, key=len, reverse=True))
"""Regular expression of all names."""
_NAME = "|".join(re.escape(name) for name in sorted((*_FAMILY, *_NEVER), key=len, reverse=True))
_NAMED = re.compile(rf"(?<![\w-])(?P<name>{_NAME})s?(?![\w-])", re.IGNORECASE)
_THE = r"(?:an?\s+|the\s+)?"
_MARKED = re.compile(
    rf"(?:\blead\s+|\bled\s+by\s+{_THE}|\bmelody\s+(?:is\s+)?on\s+{_THE}|\blead\s+instrument\s+is\s+{_THE}|\bsolo\s+)"
    rf"(?P<after>{_NAME})s?(?![\w-])|"
    rf"(?<![\w-])(?P<before>{_NAME})s?\s+(?:lead|solo|melody|on\s+the\s+melody|on\s+lead)\b",
    re.IGNORECASE,
)

_REFUSED = re.compile(r"\b(?:no|without)\s+(?:an?\s+|any\s+|the\s+)?$", re.IGNORECASE)


def family_of(instrument: str) -> str | None:
    """The family of an instrument's name, `None` for one that carries no melody."""
    return _FAMILY.get(instrument.lower())


def lead_in(text: str) -> str | None:
    """The family of the lead that a text names.

    An instrument that is called the lead counts ("flute lead", "melody on a flute", "sax solo"), the first of several;
    otherwise the only one of `LEADS` that is named at all. `None` where none is, or where several are and no one leads.
    """
    for found in _MARKED.finditer(text):
        if family := _FAMILY.get((found["after"] or found["before"]).lower()):
            return family
    wanted = [found for found in _NAMED.finditer(text) if not _REFUSED.search(text[: found.start()])]
    families = {_FAMILY.get(found["name"].lower()) for found in wanted} - {None}
    return families.pop() if len(families) == 1 else None


def mark_lead(text: str, mark: str) -> str:
    """The text with `mark` for every name of the family that leads it; what leads nothing stays."""
    family = lead_in(text)
    if family is None:
        return text

    def marked(found: re.Match[str]) -> str:
        name = next(filter(None, found.groups()))
        return mark if _FAMILY.get(name.lower()) == family else found[0]

    return _NAMED.sub(marked, _MARKED.sub(marked, text))
