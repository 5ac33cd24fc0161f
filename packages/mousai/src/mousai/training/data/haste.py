"""Prompts as people type them in haste, which mean what they meant."""

import re

import numpy as np

from mousai.conditioning.attributes import attribute_spans, parse_attributes

_REFUSED = re.compile(r"\b(?:no|not|without|never)\s+\S+", re.IGNORECASE)
_NUMBER = re.compile(r"\d[\d.,]*(?<![.,])")


def in_haste(prompt: str, rng: np.random.Generator) -> str:
    """A prompt as typed in haste: small letters, no full stop, up to a third of the words left out, a wrong letter.

    Numbers, tempo, key and "no drums" stay as they are, for the caption tells the same. Where a word that is left out
    would change which tempo or key is stated, the prompt stays as it is.
    """
    typed = _typed(prompt, rng)
    return typed if typed and _facts(typed) == _facts(prompt) else prompt


def _facts(text: str) -> tuple[object, ...]:
    stated = parse_attributes(text)
    return stated.tempo, stated.key, _NUMBER.findall(text)


def _typed(prompt: str, rng: np.random.Generator) -> str:
    spans = [one.span() for pattern in (_NUMBER, _REFUSED) for one in pattern.finditer(prompt)]
    spans += attribute_spans(prompt)
    words = [
        (one[0], any(one.start() < end and begin < one.end() for begin, end in spans))
        for one in re.finditer(r"\S+", prompt)
    ]
    for _ in range(int(rng.integers(len(words) // 3 + 1))):
        if loose := [place for place, (_, kept) in enumerate(words) if not kept]:
            words.pop(loose[int(rng.integers(len(loose)))])
    if rng.random() < 0.7:
        words = [(word if kept else word.lower(), kept) for word, kept in words]
    if words and rng.random() < 0.5:
        words[-1] = (re.sub(r"[.!?]+$", "", words[-1][0]), words[-1][1])
    if rng.random() < 0.2:
        words = [(word.rstrip(",") if kept else word.replace(",", ""), kept) for word, kept in words]
    return _misspelled([(word, kept) for word, kept in words if word], rng)


def _misspelled(words: list[tuple[str, bool]], rng: np.random.Generator) -> str:
    """The words in a row, sometimes with a letter left out or swapped with the one behind it; kept words stay."""
    text = " ".join(word for word, _ in words)
    fixed: list[bool] = []  # of every letter, and of the space behind its word
    for place, (word, kept) in enumerate(words):
        if place and kept:
            fixed[-1] = True
        fixed += [kept] * (len(word) + 1)
    if len(text) <= 8 or rng.random() >= 0.3:
        return text
    free = [place for place in range(1, len(text) - 1) if not (fixed[place - 1] or fixed[place])]
    if not free:
        return text
    place = free[int(rng.integers(len(free)))]
    swapped = rng.random() < 0.5
    return text[: place - 1] + text[place] + (text[place - 1] if swapped else "") + text[place + 1 :]
