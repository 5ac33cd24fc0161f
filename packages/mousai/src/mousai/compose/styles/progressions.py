"""Chord progressions by the quality of the key: Roman numerals, one word per bar, two in a bar with a space."""

from collections.abc import Mapping

Progressions = Mapping[str, tuple[tuple[str, ...], ...]]

POP: Progressions = {
    "major": (
        ("I", "V", "vi", "IV"),
        ("I", "vi", "IV", "V"),
        ("I", "IV", "vi", "V"),
        ("I", "iii", "IV", "V"),
        ("I", "V", "ii", "IV"),
    ),
    "minor": (
        ("i", "VI", "III", "VII"),
        ("i", "iv", "VI", "VII"),
        ("i", "III", "VII", "VI"),
        ("i", "VII", "VI", "VII"),
    ),
}
DANCE: Progressions = {
    "major": (
        ("I", "vi", "IV", "V"),
        ("I", "V", "IV", "IV"),
        ("I", "I", "IV", "vi"),
    ),
    "minor": (
        ("i", "i", "VI", "VII"),
        ("i", "VI", "iv", "v"),
        ("i", "VII", "VI", "VII"),
        ("i", "iv", "i", "VII"),
    ),
}
METAL: Progressions = {
    "major": (("I", "V", "vi", "IV"),),
    "minor": (
        ("i", "i", "VI", "VII"),
        ("i", "VI", "i", "VII"),
        ("i", "i", "iv VI", "VII"),
        ("i", "VII", "VI", "v"),
        ("i", "III", "VII", "i"),
    ),
}
JAZZ: Progressions = {
    "major": (
        ("I7", "vi7", "ii7", "V7"),
        ("I7 vi7", "ii7 V7", "iii7 vi7", "ii7 V7"),
        ("I7", "IV7", "iii7 vi7", "ii7 V7"),
        ("I7", "ii7 V7", "I7 IV7", "ii7 V7"),
    ),
    "minor": (
        ("i7", "iv7", "ii7 V7", "i7"),
        ("i7", "VI7", "ii7", "V7"),
        ("i7 VI7", "ii7 V7", "i7 iv7", "ii7 V7"),
    ),
}
CLASSICAL: Progressions = {
    "major": (
        ("I", "V", "I", "V"),
        ("I", "IV", "V", "I"),
        ("I", "vi", "ii", "V"),
        ("I", "V", "vi", "iii", "IV", "I", "ii", "V"),
        ("I", "ii", "V", "I"),
    ),
    "minor": (
        ("i", "iv", "V", "i"),
        ("i", "VI", "iv", "V"),
        ("i", "V", "i", "V"),
        ("i", "VII", "III", "VI", "iv", "i", "iv", "V"),
    ),
}
REGGAE: Progressions = {
    "major": (
        ("I", "IV", "I", "V"),
        ("I", "V", "vi", "IV"),
        ("I", "ii", "I", "ii"),
        ("I", "IV", "V", "IV"),
    ),
    "minor": (
        ("i", "iv", "i", "iv"),
        ("i", "VII", "i", "VII"),
        ("i", "VI", "VII", "i"),
    ),
}
DRIFT: Progressions = {
    "major": (
        ("I7", "I7", "IV7", "IV7"),
        ("I7", "iii7", "IV7", "vi7"),
        ("I", "IV7", "I", "ii7"),
    ),
    "minor": (
        ("i7", "i7", "VI7", "VI7"),
        ("i7", "VII", "VI7", "iv7"),
        ("i", "v7", "VI7", "iv7"),
    ),
}
LATIN: Progressions = {
    "major": (
        ("I7", "I7", "ii7", "V7"),
        ("I7", "vi7", "ii7", "V7"),
        ("I", "IV", "V", "IV"),
    ),
    "minor": (
        ("i7", "i7", "iv7", "V7"),
        ("i", "VII", "VI", "V"),
        ("i7", "iv7", "ii7 V7", "i7"),
        ("i", "iv", "V", "V"),
    ),
}
FOLK: Progressions = {
    "major": (
        ("I", "V", "IV", "I"),
        ("I", "IV", "I", "V"),
        ("I", "vi", "IV", "V"),
        ("I", "IV", "V", "I"),
    ),
    "minor": (
        ("i", "VII", "i", "VII"),
        ("i", "VII", "VI", "VII"),
        ("i", "III", "VII", "i"),
        ("i", "iv", "VII", "i"),
    ),
}

DEEP: Progressions = {
    "major": (
        ("ii7", "V7", "I7", "I7"),
        ("IV7", "iii7", "ii7", "iii7"),
        ("I7", "vi7", "ii7", "iii7"),
    ),
    "minor": (
        ("i7", "iv7", "i7", "VI7"),
        ("i9", "VI7", "iv7", "v7"),
        ("i7", "i7", "III7", "iv7"),
        ("iv7", "v7", "i7", "i7"),
    ),
}
ROLLING: Progressions = {
    "major": (("I", "vi", "IV", "V"), ("I", "IV", "vi", "V/3")),
    "minor": (
        ("i", "i", "VI", "VII"),
        ("i", "VI", "III", "VII"),
        ("i7", "iv7", "VI7", "v7"),
        ("i", "v/3", "VI", "iv"),
    ),
}
NEON: Progressions = {
    "major": (("I", "V/3", "vi", "IV"), ("IV", "V", "vi", "I"), ("I", "iii", "IV", "V")),
    "minor": (
        ("i", "VI", "III", "VII"),
        ("i", "VI", "VII", "v"),
        ("VI", "VII", "i", "i"),
        ("i", "i/3", "iv", "VI VII"),
        ("i", "III/3", "VI", "VII"),
    ),
}
LOUNGE: Progressions = {
    "major": (
        ("ii7", "V7", "I7", "vi7"),
        ("IV7", "iii7", "ii7", "I7"),
        ("I7", "III7", "vi7", "IV7"),
        ("IV7", "III7", "vi7", "I7"),
    ),
    "minor": (
        ("i7", "iv7", "VII7", "III7"),
        ("iv7", "v7", "i7", "i7"),
        ("i9", "VI7", "iv7", "V7"),
        ("VI7", "v7", "i7", "iv7"),
    ),
}
FUNKY: Progressions = {
    "major": (
        ("Ib7", "Ib7", "IVb7", "Ib7"),
        ("Ib7", "bVII", "IVb7", "Ib7"),
        ("ii7", "V7", "ii7", "V7"),
        ("Ib7", "Ib7", "IVb7", "Vb7"),
    ),
    "minor": (
        ("i7", "i7", "i7", "iv7"),
        ("i7", "IVb7", "i7", "IVb7"),
        ("i7", "VII", "iv7", "i7"),
        ("i9", "i9", "IVb7", "v7"),
    ),
}
SOULFUL: Progressions = {
    "major": (
        ("I7", "vi7", "ii7", "V7"),
        ("I", "I/3", "IV", "V"),
        ("I", "III7", "vi", "IV V"),
        ("IV7", "iii7", "ii7", "V7"),
        ("I", "vi", "IV", "IV V"),
    ),
    "minor": (
        ("i7", "iv7", "VII7", "III7"),
        ("i7", "VI7", "iv7", "V7"),
        ("i7", "v7", "iv7", "v7"),
    ),
}
SCREEN: Progressions = {
    "major": (
        ("I", "V/3", "vi", "IV"),
        ("I", "IV/1", "I", "Vsus V"),
        ("IV", "V", "iii", "vi", "IV", "I/3", "ii", "Vsus V"),
        ("I", "vi", "IV", "bVII"),
        ("vi", "IV", "I", "V/3"),
    ),
    "minor": (
        ("i", "VI", "III", "VII"),
        ("i", "v/3", "VI", "iv"),
        ("i", "VI", "iv", "Vsus V"),
        ("i", "i/3", "iv", "V", "VI", "III/3", "iv", "V"),
        ("VI", "VII", "i", "v"),
    ),
}
COUNTRY: Progressions = {
    "major": (
        ("I", "I", "IV", "I", "I", "I", "V7", "V7"),
        ("I", "IV", "I", "V"),
        ("I", "I", "V", "V"),
        ("I", "II7", "V", "V7"),
        ("I", "vi", "IV", "V"),
        ("I", "I/3", "IV", "V"),
    ),
    "minor": (
        ("i", "VII", "VI", "VII"),
        ("i", "i", "iv", "V"),
    ),
}
BLUES: Progressions = {
    "major": (
        ("Ib7", "Ib7", "Ib7", "Ib7", "IVb7", "IVb7", "Ib7", "Ib7", "Vb7", "IVb7", "Ib7", "Vb7"),
        ("Ib7", "IVb7", "Ib7", "Ib7", "IVb7", "IVb7", "Ib7", "VI7", "ii7", "V7", "Ib7", "V7"),
    ),
    "minor": (
        ("i7", "i7", "i7", "i7", "iv7", "iv7", "i7", "i7", "VI7", "V7", "i7", "V7"),
        ("i7", "iv7", "i7", "i7", "iv7", "iv7", "i7", "i7", "VI7", "V7", "i7", "i7"),
    ),
}
ROCKING: Progressions = {
    "major": (
        ("I", "bVII", "IV", "I"),
        ("I", "IV", "V", "IV"),
        ("I", "V", "vi", "IV"),
        ("I", "I", "bVII", "IV"),
    ),
    "minor": (
        ("i", "VII", "VI", "VII"),
        ("i", "i", "III", "iv"),
        ("i", "VI", "III", "VII"),
        ("i", "III", "VII", "iv"),
    ),
}

LEADING: Mapping[str, str] = {"major": "V", "minor": "V"}
LEADING_SEVENTH: Mapping[str, str] = {"major": "V7", "minor": "V7"}
MODAL: Mapping[str, str] = {"major": "V", "minor": "VII"}
"""The chord before the last tonic: with the leading tone, with a seventh too, or without it in minor keys."""
