"""Lead instrument that a text names, as one of the families that a listener can tell apart."""

import re

LEADS: dict[str, tuple[str, ...]] = {
    "piano": ("piano", "bright piano", "grand piano", "electric grand piano", "honky-tonk piano", "steinway",
              "klavier"),
    "electric piano": ("electric piano", "fm electric piano", "rhodes", "clavinet", "clav",
                       "wurlitzer", "wurli", "dx7", "e-piano"),
    "organ": ("organ", "drawbar organ", "percussive organ", "rock organ", "church organ", "reed organ", "hammond",
              "b3", "hammond b3", "harmonium"),
    "accordion": ("accordion", "harmonica", "bandoneon", "bagpipe", "squeezebox"),
    "acoustic guitar": ("acoustic guitar", "nylon guitar", "classical guitar", "koto", "banjo", "harp", "ukulele",
                        "steel string guitar", "nylon string guitar", "spanish guitar", "guitarra acústica",
                        "guitarra acustica", "akustikgitarre"),
    "electric guitar": ("electric guitar", "clean electric guitar", "clean guitar", "jazz guitar", "muted guitar",
                        "palm muted guitar", "strat", "stratocaster", "telecaster", "archtop guitar", "hollowbody",
                        "hollow body guitar"),
    "distorted guitar": (
        *("distorted guitar", "overdriven guitar", "distortion guitar", "heavy guitar", "guitar harmonics"),
        *("distorted electric guitar", "overdriven electric guitar", "les paul", "rock guitar"),
        *("crunch guitar", "crunchy guitar", "high gain guitar", "fuzz guitar"),
    ),
    "saxophone": ("saxo", "saxofon", "saxophone", "sax",
                  *(f"{kind} {s}" for kind in ("soprano", "alto", "tenor", "baritone")
                                        for s in ("saxophone", "sax"))),
    "clarinet": ("clarinet", "oboe", "english horn", "bassoon"),
    "brass": ("brass", "brass section", "trumpet", "muted trumpet", "trombone", "french horn", "horn", "tuba"),
    "flute": ("flute", "pan flute", "whistle", "tin whistle", "recorder", "ocarina", "shakuhachi", "piccolo",
              "panpipe", "pan pipe", "penny whistle", "irish whistle"),
    "violin": ("violin", "viola", "fiddle", "cello", "strings", "string section", "slow strings",
               "string orchestra", "orchestral strings"),
    "synthesizer": (
        *("synthesizer", "synthesiser", "synth", "synth lead", "square lead", "saw lead", "chiff lead", "fifths lead"),
        *("calliope lead", "charang lead", "synth brass", "atmosphere synth", "crystal synth", "supersaw"),
        *("sawtooth lead", "square wave lead", "chip lead", "analog lead"),
    ),
    "voice": ("voice", "choir", "synth voice", "voice oohs", "oohs", "vocal oohs", "vocals", "vox"),
    "bells": ("bell", "vibraphone", "marimba", "xylophone", "celesta", "music box", "glockenspiel", "kalimba",
              "celeste", "glock", "mbira"),
}  # fmt: skip
"""Families of instruments that carry a melody and can be told apart by ear, each with the names that it goes by."""

_NEVER = (
    *("synth bass", "synth pad", "synth strings", "synth drum", "synth pop", "choir pad", "organ pedal"),
    *("tubular bell", "voice lead", "bass clarinet", "bass flute"),
)
"""Names that hold another name, and carry no melody."""
_OPEN = ("guitar", "keys")
"""Names that more than one family goes by."""

_FAMILY = {name: family for family, names in LEADS.items() for name in names}
INSTRUMENTS = "|".join(re.escape(name) for name in sorted(_FAMILY, key=len, reverse=True))
"""Regular expression of all names."""
_NAME = "|".join(re.escape(name) for name in sorted((*_FAMILY, *_NEVER, *_OPEN), key=len, reverse=True))
_NAMED = re.compile(rf"(?<![\w-])(?P<name>{_NAME})s?(?![\w-])", re.IGNORECASE)
_THE = r"(?:an?\s+|the\s+)?"
_MARKED = re.compile(
    rf"(?:\blead\s+|\bled\s+by\s+{_THE}|\bmelody\s+(?:is\s+)?on\s+{_THE}|\blead\s+instrument\s+is\s+{_THE}|\bsolo\s+)"
    rf"(?P<after>{_NAME})s?(?![\w-])|"
    rf"(?<![\w-])(?P<before>{_NAME})s?\s+(?:lead|solo|melody|on\s+the\s+melody|on\s+lead)\b",
    re.IGNORECASE,
)

_REACH = 40
_REFUSED = re.compile(r"\b(?:no|without)\s+(?:an?\s+|any\s+|the\s+)?$", re.IGNORECASE)


def family_of(instrument: str) -> str | None:
    """The family of an instrument's name, `None` for one that carries no melody."""
    return _FAMILY.get(instrument.lower())


def lead_in(text: str) -> str | None:
    """The family of the lead that a text names.

    An instrument that is called the lead counts ("flute lead", "melody on a flute", "sax solo"), the first of several;
    otherwise the only one of `LEADS` that is named at all. `None` where none is, or where several are and no one leads,
    and where the lead is one that several families go by ("guitar solo") or that carries no melody.
    """
    marked = sorted(_MARKED.finditer(text), key=lambda found: found[0].lower() in _FAMILY)  # "synth lead" may be a name
    leading = [(found["after"] or found["before"]).lower() for found in marked]
    if leading:
        return next((family for name in leading if (family := _FAMILY.get(name))), None)
    # Only the words right before a name refuse it; looking through all of a long text for each name would take minutes.
    wanted = [
        found
        for found in _NAMED.finditer(text)
        if not _REFUSED.search(text[max(0, found.start() - _REACH) : found.start()])
    ]
    if any(found["name"].lower() in _OPEN for found in wanted):
        return None
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
