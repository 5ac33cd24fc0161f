"""Chord labels in Harte's syntax, as mir_eval and JAMS read them: `A:min7/b3`, `C:maj`, `E:5`, `N`.

Source: Harte, Sandler, Abdallah, Gómez, "Symbolic representation of musical chords", ISMIR 2005.
"""

import re

QUALITIES: dict[str, tuple[int, ...]] = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "dim": (0, 3, 6),
    "aug": (0, 4, 8),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
    "5": (0, 7),
    "1": (0,),
    "maj6": (0, 4, 7, 9),
    "min6": (0, 3, 7, 9),
    "maj7": (0, 4, 7, 11),
    "min7": (0, 3, 7, 10),
    "7": (0, 4, 7, 10),
    "minmaj7": (0, 3, 7, 11),
    "dim7": (0, 3, 6, 9),
    "hdim7": (0, 3, 6, 10),
    "maj9": (0, 4, 7, 11, 2),
    "min9": (0, 3, 7, 10, 2),
    "9": (0, 4, 7, 10, 2),
}
"""Semitones above the root of every shorthand."""
ROOTS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
"""Spelling of a root, by its pitch class."""
DEGREES = ("1", "b2", "2", "b3", "3", "4", "b5", "5", "#5", "6", "b7", "7")
"""Spelling of an interval above the root, by its semitones."""

_STEPS = {"1": 0, "2": 2, "3": 4, "4": 5, "5": 7, "6": 9, "7": 11, "9": 2, "11": 5, "13": 9}
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_LABEL = re.compile(r"([A-G])([b#]*)(?::(?=[^/])([a-z0-9]*)(?:\(([^()]+)\))?)?(?:/([b#]*\d+))?")
_EXTENSIONS = {1: "b9", 2: "9", 3: "#9", 5: "11", 6: "#11", 8: "b13", 9: "13"}
_BY_NOTES = {frozenset(notes): name for name, notes in QUALITIES.items()}


def quality_of(intervals: frozenset[int]) -> str:
    """The quality of a chord: a shorthand, a shorthand with an added note (`min7(b9)`), or its degrees (`(1,b2,5)`).

    Args:
        intervals: semitones above the root, 0 to 11, with the root's 0.
    """
    if intervals in _BY_NOTES:
        return _BY_NOTES[intervals]
    for added, name in _EXTENSIONS.items():
        known = _BY_NOTES.get(intervals - {added})
        if known is not None and known.endswith("7"):
            return f"{known}({name})"
    return "(" + ",".join(DEGREES[interval] for interval in sorted(intervals)) + ")"


def notes_of(quality: str) -> frozenset[int]:
    """Semitones above the root of a quality as `quality_of` writes it.

    Raises ValueError for an unknown quality.
    """
    found = re.fullmatch(r"([a-z0-9]*)(?:\(([^()]+)\))?", quality)
    if found is None or not quality or (found[1] and found[1] not in QUALITIES):
        raise ValueError(f"quality is {quality!r}; one of {', '.join(QUALITIES)}, with or without (b9), would do")
    notes = set(QUALITIES[found[1]]) if found[1] else set()
    return frozenset(notes | {_semitones(degree) for degree in (found[2] or "").split(",") if degree})


def spell_label(root: int | None, quality: str, bass: int | None = None) -> str:
    """The label of a chord.

    Args:
        root: pitch class (0 is C); None is no chord, `N`.
        quality: as `quality_of` writes it.
        bass: pitch class of the lowest note; None and the root's own are not written.
    """
    if root is None:
        return "N"
    over = "" if bass is None or bass == root else f"/{DEGREES[(bass - root) % 12]}"
    return f"{ROOTS[root]}:{quality}{over}"


def parse_label(label: str) -> tuple[int | None, str, int | None]:
    """Read a label as (root, quality, bass); `N` is (None, "", None), a label without a bass has None for it.

    Raises ValueError for an unknown label.
    """
    if label == "N":
        return None, "", None
    found = _LABEL.fullmatch(label)
    if found is None:
        raise ValueError(f"chord is {label!r}; a label such as 'A:min7/b3', 'C', 'F#:7' or 'N' would do")
    letter, signs, name, added, over = found.groups()
    root = (_LETTERS[letter] + signs.count("#") - signs.count("b")) % 12
    quality = f"{name or ('' if added else 'maj')}{f'({added})' if added else ''}"
    notes_of(quality)
    return root, quality, None if over is None else (root + _semitones(over)) % 12


def _semitones(degree: str) -> int:
    number = degree.lstrip("b#")
    if number not in _STEPS:
        raise ValueError(f"degree is {degree!r}; one such as b3, 5, #5 or b9 would do")
    signs = degree[: len(degree) - len(number)]
    return (_STEPS[number] + signs.count("#") - signs.count("b")) % 12
