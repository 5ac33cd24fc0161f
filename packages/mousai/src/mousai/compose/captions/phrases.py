"""Small parts of sentences: articles, lists, joints."""

from collections.abc import Sequence

from .words import LOOSE_WORDS


def join(parts: Sequence[str]) -> str:
    """The parts that are not empty, with spaces between."""
    return " ".join(part for part in parts if part)


def prefixed(word: str, text: str) -> str:
    """`with piano`; nothing for nothing."""
    return f"{word} {text}" if text else ""


def listed(names: Sequence[str]) -> str:
    """`piano`, `piano and flute`, `piano, flute and drums`."""
    return "" if not names else names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def as_lead(name: str) -> str:
    """`flute lead`, and `saw lead` rather than `saw lead lead`."""
    return name if name.endswith("lead") else f"{name} lead"


def article(text: str) -> str:
    """`an upbeat song`, `a calm song`."""
    return ("an " if text[0] in "aeiou" else "a ") + text


def loose(kind: str) -> bool:
    """Tell whether a genre or style needs a noun behind it, or is not told."""
    return not kind or kind.endswith(LOOSE_WORDS)


def in_key(key: str) -> str:
    """`in A minor`, `in the key of A minor`, `in a minor key`."""
    if not key:
        return ""
    return f"in the {key}" if key.startswith("key of") else f"in a {key}" if key.endswith("key") else f"in {key}"


def tidy(text: str) -> str:
    """A caption with single spaces, none before a comma, and no lead that leads twice."""
    return " ".join(text.split()).replace(" ,", ",").replace("lead lead ", "lead, lead ")
