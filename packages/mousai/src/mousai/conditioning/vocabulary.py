"""Words that a model's captions used, so that a prompt of which it knows none can be told from one that it knows."""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from mousai.errors import UserError
from mousai.storage.json_files import read_json

VOCABULARY = "vocabulary.json"
MOST_WORDS = 20_000
"""Words of captions, the most frequent ones; more say little, and the file stays below a few hundred kilobytes."""
LARGEST = 2 * MOST_WORDS
"""Words of a vocabulary that is stored: those of new captions, and as many that were known before."""
STEM = 4
"""Letters that two forms of a word share at the start, at least: "pianos" is known where "piano" is."""
# fmt: off
_EMPTY = frozenset((
    "the", "and", "for", "with", "without", "some", "that", "this", "from", "into", "over", "under", "like", "make",
    "give", "need", "want", "can", "you", "please", "not", "but", "are", "was", "its", "very", "more", "less", "bit",
    "something", "anything", "music", "song", "track", "piece", "tune", "sound", "audio", "instrumental", "und", "mit",
    "der", "die", "das", "ein", "eine", "les", "des", "une", "pour", "avec", "los", "las", "una", "con", "para", "por",
))
# fmt: on
"""Words that say nothing of how music sounds; a prompt of these alone is not asked whether it is known."""


def content_words(text: str) -> list[str]:
    """The words of a text that may say how music sounds: small letters without accents, three or more of them.

    Numbers, articles, and words as "music" and "song" are left out.
    """
    letters = without_accents(text.lower())
    return [word for word in re.findall(r"[^\W\d_]{3,}", letters) if word not in _EMPTY]


def without_accents(text: str) -> str:
    """The letters of a text without their accents."""
    return "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))


def vocabulary_of(captions: Iterable[str]) -> frozenset[str]:
    """The content words of captions, at most `MOST_WORDS`."""
    counts: dict[str, int] = {}
    for caption in captions:
        for word in content_words(caption):
            counts[word] = counts.get(word, 0) + 1
    most = sorted(counts, key=lambda word: (-counts[word], word))[:MOST_WORDS]
    return frozenset(most)


def joined(words: frozenset[str], known: frozenset[str]) -> frozenset[str]:
    """Words and those that were known before, at most `LARGEST`.

    Of too many the longest that were known before are left out: a prompt that has one of these is known by a shorter
    word more often than the other way round, see `is_strange`.

    Args:
        words: words of captions, see `vocabulary_of`; all of them are kept.
        known: words known before.
    """
    before = sorted(known - words, key=lambda word: (len(word), word))
    return words | frozenset(before[: LARGEST - len(words)])


def is_strange(prompt: str, vocabulary: frozenset[str]) -> bool:
    """Tell whether a prompt has content words, and none of them is in a vocabulary.

    A word counts as known where it begins with one of the vocabulary or the other way round, in `STEM` letters or more.
    """
    words = content_words(prompt)
    return bool(words) and not any(_known(word, vocabulary) for word in words)


def vocabulary_json(vocabulary: Iterable[str]) -> dict[str, list[str]]:
    """What the file of a vocabulary holds."""
    return {"words": sorted(vocabulary)}


def load_vocabulary(path: Path) -> frozenset[str] | None:
    """Read a vocabulary; None where the file is missing, as in models of others.

    Raises:
        UserError: the file is no vocabulary; one line that names it.
    """
    if not path.exists():
        return None
    words = read_json(path).get("words")
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words) or len(words) > LARGEST:
        raise UserError(path, hint=f"must hold 'words', a list of at most {LARGEST} words")
    return frozenset(words)


def _known(word: str, vocabulary: frozenset[str]) -> bool:
    if word in vocabulary:
        return True
    if any(word[:end] in vocabulary for end in range(STEM, len(word))):
        return True
    return len(word) >= STEM and any(other.startswith(word) for other in vocabulary)
