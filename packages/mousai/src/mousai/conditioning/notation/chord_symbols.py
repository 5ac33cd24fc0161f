"""Chord symbols of lead sheets, read as labels in Harte's syntax: `Am`, `Dm7/G`, `F#m7b5`, `N.C.`."""

import re
from difflib import get_close_matches
from functools import cache

from mousai.conditioning.chord_labels import ROOTS, notes_of, parse_label, spell_label

SUFFIXES: dict[str, tuple[str, ...]] = {
    "maj": ("", "maj", "M", "ma", "major"),
    "min": ("m", "min", "-", "mi", "minor"),
    "dim": ("dim", "°", "o", "mb5", "m(b5)"),
    "aug": ("aug", "+", "#5", "(#5)"),
    "sus2": ("sus2",),
    "sus4": ("sus4", "sus"),
    "5": ("5", "(no3)", "no3"),
    "maj6": ("6", "maj6", "M6"),
    "min6": ("m6", "min6", "-6"),
    "maj7": ("maj7", "M7", "ma7", "Δ", "Δ7", "major7"),
    "min7": ("m7", "min7", "-7", "mi7", "minor7"),
    "7": ("7", "dom7"),
    "minmaj7": ("m(maj7)", "mM7", "mmaj7", "minmaj7", "m(M7)", "-maj7", "mΔ"),
    "dim7": ("dim7", "°7", "o7"),
    "hdim7": ("m7b5", "ø", "ø7", "hdim7", "hdim", "min7b5", "-7b5", "m7(b5)", "min7(b5)"),
    "maj9": ("maj9", "M9", "ma9"),
    "min9": ("m9", "min9", "-9"),
    "9": ("9",),
    "maj(9)": ("add9", "(add9)", "add2"),
    "min(9)": ("madd9", "m(add9)", "madd2"),
    "maj6(9)": ("69", "6/9", "6(9)"),
    "min6(9)": ("m69", "m6/9"),
    "7(b9)": ("7b9", "7(b9)"),
    "7(#9)": ("7#9", "7(#9)"),
    "7(#11)": ("7#11", "7(#11)"),
    "7(b13)": ("7b13", "7(b13)"),
    "maj7(#11)": ("maj7#11", "maj7(#11)", "M7#11"),
    "9(11)": ("11",),
    "min9(11)": ("m11", "min11", "-11"),
    "maj9(11)": ("maj11", "M11"),
    "9(13)": ("13",),
    "min9(13)": ("m13", "min13"),
    "maj9(13)": ("maj13", "M13"),
    "sus4(b7)": ("7sus4", "7sus"),
    "sus4(b7,9)": ("9sus4", "9sus"),
    "aug(b7)": ("7#5", "aug7", "+7", "7(#5)", "7+"),
    "(1,3,b5,b7)": ("7b5", "7(b5)"),
}
"""Suffixes of a root by the quality in Harte's syntax that they mean; the first is the one that is written."""
NO_CHORD = ("n", "nc", "n.c.", "n.c")

_QUALITY = {suffix: quality for quality, suffixes in SUFFIXES.items() for suffix in suffixes}
_SIGNS = str.maketrans({"♯": "#", "♭": "b", "−": "-", "–": "-", "△": "Δ", "∆": "Δ", "Ø": "ø", "º": "°"})
_SYMBOL = re.compile(r"([A-G])(#{1,2}|b{0,2})(.*)")
_NOTE = re.compile(r"([A-G])(#{1,2}|b{0,2})")
_GERMAN = {"H": "B", "Cis": "C#", "Dis": "D#", "Fis": "F#", "Gis": "G#", "Ais": "A#"} | {
    **{"Des": "Db", "Es": "Eb", "Ges": "Gb", "As": "Ab"}
}
_LIKENESS = 0.6


def read_symbol(text: str) -> str:
    """Read a chord symbol (`Dm7/G`), a label in Harte's syntax (`D:min7/4`) or `N.C.` as a label, `spell_label`'s way.

    Raises:
        ValueError: it is no chord; the message goes on after the symbol ("is no chord; nearest: Bm").
    """
    symbol = text.strip().translate(_SIGNS)
    label = _label(symbol)
    if label is None:
        near = nearest(symbol)
        raise ValueError(f"is no chord; {f'nearest: {near}' if near else 'such as Am, F7, Dm7/G, A:min7 or N.C.'}")
    return label


def spell_symbol(root: int | None, quality: str, bass: int | None = None) -> str:
    """Write a chord as a symbol, `Dm7/G`; a quality that has no suffix as a label in Harte's syntax.

    Args:
        root: pitch class (0 is C); None is no chord, `N`.
        quality: as `chord_labels.quality_of` writes it.
        bass: pitch class of the lowest note; None and the root's own are not written.
    """
    if root is None or quality not in SUFFIXES:
        return spell_label(root, quality, bass)
    over = "" if bass is None or bass == root else f"/{ROOTS[bass]}"
    return f"{ROOTS[root]}{SUFFIXES[quality][0]}{over}"


def nearest(symbol: str) -> str | None:
    """Return the known chord symbol that is most like an unknown one; None where none is like it."""
    symbol = symbol[:1].upper() + symbol[1:]
    swaps = sorted(_GERMAN.items(), key=lambda pair: -len(pair[0]))
    root = next((right + symbol[len(wrong) :] for wrong, right in swaps if symbol.startswith(wrong)), symbol)
    chord, slash, bass = root.rpartition("/")
    for guess in (symbol, root, f"{chord}{slash}{_GERMAN.get(bass, bass)}"):
        if _label(guess) is not None:
            return guess
    symbol = root.replace(":", "")
    found = _NOTE.match(symbol)
    known = [one for one in _known() if found is None or _NOTE.match(one)[0] == found[0]]  # type: ignore[index]
    close = get_close_matches(symbol, known, n=1, cutoff=_LIKENESS if found is None else 0.0)
    return close[0] if close else None


@cache
def _known() -> tuple[str, ...]:
    roots = dict.fromkeys((*ROOTS, *(f"{letter}{sign}" for letter in "CDEFGAB" for sign in ("", "#", "b"))))
    return tuple(f"{root}{suffixes[0]}" for root in roots for suffixes in SUFFIXES.values())


def _label(symbol: str) -> str | None:
    """The label of a symbol; None where it is none."""
    if symbol.lower() in NO_CHORD:
        return "N"
    if ":" in symbol:
        return _harte(symbol)
    found = _SYMBOL.fullmatch(symbol)
    if found is None:
        return None
    root, suffix, over = _pitch(found[1], found[2]), found[3], ""
    if suffix not in _QUALITY:
        suffix, slash, over = suffix.rpartition("/")
        if not slash or not over or suffix not in _QUALITY:
            return None
    note = _NOTE.fullmatch(over)
    if over and note is None:
        return _canonical(f"C/{over}", root, _QUALITY[suffix])
    bass = None if note is None else _pitch(note[1], note[2])
    return spell_label(root, _QUALITY[suffix], bass)


def _harte(symbol: str) -> str | None:
    label = _canonical(symbol)
    if label is not None:
        return label
    # Shorthands that only longer tables have, such as C:13.
    root, _, rest = symbol.partition(":")
    suffix, slash, over = rest.partition("/")
    quality = _QUALITY.get(suffix) if suffix else None
    return None if quality is None else _canonical(f"{root}:{quality}{slash}{over}")


def _canonical(label: str, root: int | None = None, quality: str = "") -> str | None:
    """The label as `spell_label` writes it; with a `root`, that of this chord over the label's bass degree."""
    try:
        own, found, bass = parse_label(label)
    except ValueError:
        return None
    if root is None:
        return spell_label(own, found, bass)
    notes_of(quality)
    return spell_label(root, quality, (root + (bass or 0)) % 12)


def _pitch(letter: str, signs: str) -> int:
    return parse_label(f"{letter}{signs}")[0] or 0
