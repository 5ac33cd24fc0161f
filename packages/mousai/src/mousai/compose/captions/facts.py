"""The facts of a song that one caption names, as drawn words."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from ...conditioning.vocabulary import without_accents
from ..instruments import KITS
from ..styles import STYLES
from .nicknames import GENRE_NICKNAMES, INSTRUMENT_NICKNAMES, MOOD_NICKNAMES, STYLE_NICKNAMES
from .observations import DRUMLESS, alone, observed, use_of
from .words import CONTEXTS, GENRE_NOUNS, GENRE_WORDS, INSTRUMENT_WORDS, MOOD_WORDS, NOUNS, speed_nicknames, speed_words

STYLE_WORDS: dict[str, tuple[str, ...]] = {style.name: style.words for style in STYLES if style.words}
"""Everyday names of styles; one that is not here goes by its name."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The facts of a song as drawn words; an empty string or tuple is a fact left out."""

    kind: str  # genre, style or both: an adjective
    genre: str
    style: str
    mood: str
    speed: str
    bpm: str
    key: str
    lead: str
    players: tuple[str, ...]
    undrummed: str
    noun: str
    context: str  # says nothing of the song
    observed: tuple[str, ...] = ()  # density, energy, drums, rhythm, metre
    use: str = ""  # what the song suits


def draw_facts(row: Mapping[str, Any], rng: Random) -> Facts:
    """Facts that one caption names, and their usual words."""
    by_sound = row.get("palette") == "all"
    genre, style = str(row.get("genre") or ""), str(row.get("style") or "")
    mood, lead = str(row.get("mood") or ""), str(row.get("lead") or "")
    bpm = float(row.get("bpm") or 0)
    instruments = [str(name) for name in row.get("instruments") or ()]
    others = [name for name in instruments if name != lead]
    told = rng.sample(others, min(len(others), rng.choice((2, 3, 4) if by_sound else (0, 1, 2, 3))))
    lead_told = bool(lead) and rng.random() < (0.65 if row.get("palette", "style") == "style" else 1.0)
    lead_word = _instrument(lead, rng) if lead_told else ""
    players = tuple(dict.fromkeys(word for word in (_instrument(name, rng) for name in told) if word != lead_word))
    genre_word = rng.choice(GENRE_WORDS.get(genre, (genre,)))
    if (by_sound and rng.random() < 0.5) or (players and lead_word and rng.random() < 0.06):
        genre_word = style = ""
    style_word = rng.choice(STYLE_WORDS.get(style, (style,))) if rng.random() < 0.45 else ""
    drumless = bool(instruments) and not any(name in KITS for name in instruments)
    return Facts(
        kind=_kind(genre_word, style_word, rng),
        genre=genre_word,
        style=style_word,
        mood=rng.choice(MOOD_WORDS.get(mood, (mood,))) if rng.random() < 0.6 else "",
        speed=rng.choice(speed_words(bpm)) if bpm and rng.random() < 0.4 else "",
        bpm=_tempo(bpm, rng) if bpm and rng.random() < 0.75 else "",
        key=_key(str(row.get("key") or ""), rng) if rng.random() < 0.45 else "",
        lead=lead_word,
        players=players,
        undrummed=rng.choice(("no drums", "without drums")) if drumless and rng.random() < 0.15 else "",
        noun=rng.choice(GENRE_NOUNS.get(genre, NOUNS) if rng.random() < 0.5 else NOUNS),
        context=rng.choice(CONTEXTS) if rng.random() < 0.2 else "",
    )


def widen_facts(facts: Facts, row: Mapping[str, Any], rng: Random) -> Facts:
    """The same facts in rarer words, with what else the row tells.

    Genre, style, mood, speed and instruments go by their nicknames in half of the cases, and by their usual words in
    the others."""
    genre, style, lead = (str(row.get(name) or "") for name in ("genre", "style", "lead"))
    named = bool(facts.genre or facts.style)
    if named and style in STYLE_NICKNAMES and rng.random() < 0.5:
        word = _folded(rng.choice(STYLE_NICKNAMES[style]), rng)
        facts = replace(facts, kind=word, style=word, genre="" if rng.random() < 0.7 else facts.genre)
    elif named and genre in GENRE_NICKNAMES and rng.random() < 0.6:
        word = _folded(rng.choice(GENRE_NICKNAMES[genre]), rng)
        facts = replace(facts, kind=word, genre=word, style="" if rng.random() < 0.5 else facts.style)
    mood = str(row.get("mood") or "")
    if facts.mood and mood in MOOD_NICKNAMES and rng.random() < 0.5:
        facts = replace(facts, mood=_folded(rng.choice(MOOD_NICKNAMES[mood]), rng))
    if facts.speed and rng.random() < 0.6:
        facts = replace(facts, speed=rng.choice(speed_nicknames(float(row["bpm"]))))
    instruments = [str(name) for name in row.get("instruments") or ()]
    lead_word = _nickname(lead, rng) if facts.lead else ""
    others = [name for name in instruments if name != lead]
    told = rng.sample(others, min(len(others), len(facts.players)))
    players = tuple(dict.fromkeys(word for word in (_nickname(name, rng) for name in told) if word != lead_word))
    extra = observed(row, rng)
    extra = extra[: rng.choice((0, 1, 1, 2, 3))]
    if lead and (by_itself := alone(row, _nickname(lead, rng))) and rng.random() < 0.5:
        lead_word, players, extra = "", (), [rng.choice(by_itself), *extra]
    undrummed = "" if any(word in DRUMLESS for word in extra) else facts.undrummed
    use = use_of(row, rng) if not facts.context and rng.random() < 0.4 else ""
    return replace(facts, lead=lead_word, players=players, observed=tuple(extra), undrummed=undrummed, use=use)


def _kind(genre: str, style: str, rng: Random) -> str:
    """Genre, or style, or both where neither says the other: `pop`, `boom bap`, `hip hop boom bap`."""
    if not style:
        return genre
    if any(word in style.split() for word in genre.split()):
        return style
    return rng.choice((style, f"{genre} {style}"))


def _tempo(bpm: float, rng: Random) -> str:
    number = f"{bpm:g}"
    return rng.choice((f"{number} bpm", f"{number} bpm", f"{number} bpm", f"{number} BPM", f"{number}bpm"))


def _key(key: str, rng: Random) -> str:
    """`A minor`, `key of A minor` or, now and then, only `minor key`."""
    if not key:
        return ""
    return rng.choice((key, key, key, f"key of {key}", f"{key.split()[-1]} key"))


def _instrument(name: str, rng: Random) -> str:
    return rng.choice(INSTRUMENT_WORDS.get(name, (name,)))


def _nickname(name: str, rng: Random) -> str:
    if name in INSTRUMENT_NICKNAMES and rng.random() < 0.5:
        return _folded(rng.choice(INSTRUMENT_NICKNAMES[name]), rng)
    return _instrument(name, rng)


def _folded(text: str, rng: Random) -> str:
    """The text, in half of the cases without its accents."""
    if text.isascii() or rng.random() < 0.5:
        return text
    return without_accents(text)
