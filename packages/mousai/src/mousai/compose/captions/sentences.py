"""Captions: what a person might write about a song, different with every draw, true every time.

A caption is made from the facts of a row of `metadata.jsonl` alone, so that training can write a fresh one for every
epoch. Facts may be left out; none is invented. One in five says beside them for what or where the music is to be, which
is drawn for any song alike: so that a place or a day in a prompt does not speak for a style.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from ..annotations.facts import song_facts
from ..instruments import KITS
from ..song import Song
from ..styles import STYLES
from .words import (
    CONTEXTS,
    GENRE_NOUNS,
    GENRE_WORDS,
    INSTRUMENT_WORDS,
    LOOSE_WORDS,
    MOOD_WORDS,
    NOUNS,
    speed_words,
)

STYLE_WORDS: dict[str, tuple[str, ...]] = {style.name: style.words for style in STYLES if style.words}
"""Everyday names of styles; one that is not here goes by its name."""


@dataclass(frozen=True, kw_only=True)
class _Facts:
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


def caption(song: Song, rng: Random | None = None) -> str:
    """A caption of a song; every `rng` gives another one, none at all the song's own."""
    own = Random(f"mousai.compose/caption/{song.seed}") if rng is None else rng
    return caption_from_metadata(song_facts(song), own)


def caption_from_metadata(row: Mapping[str, Any], rng: Random) -> str:
    """A caption from a row of `metadata.jsonl`, of its `genre`, `style`, `bpm`, `key`, `mood`, `lead`, `instruments`.

    What the row lacks is not mentioned. Every call draws form, order, words and omissions from `rng`, and from nothing
    else. With the row's `palette` "all" the instruments are always named, and with "leads" the lead, because the genre
    then says little of them.
    """
    form = rng.choice(_FORMS)
    facts = _draw(row, rng)
    text = " ".join(form(facts, rng).split()).replace(" ,", ",")
    if not text:
        text = "music"
    if rng.random() < 0.5:
        text = text[0].upper() + text[1:]
    elif rng.random() < 0.3:
        text = text.lower()
    if form is not _tags and not text.endswith(".") and rng.random() < 0.4:
        text += "."
    return text


def _draw(row: Mapping[str, Any], rng: Random) -> _Facts:
    """Facts that one caption names, and their words."""
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
    return _Facts(
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


def _kind(genre: str, style: str, rng: Random) -> str:
    """Genre, or style, or both where neither says the other: `pop`, `boom bap`, `hip hop boom bap`."""
    if not style:
        return genre
    if any(word in style.split() for word in genre.split()):
        return style
    return rng.choice((style, f"{genre} {style}"))


def _loose(kind: str) -> bool:
    """Tell whether a genre or style needs a noun behind it, or is not told."""
    return not kind or kind.endswith(LOOSE_WORDS)


def _tempo(bpm: float, rng: Random) -> str:
    number = f"{bpm:g}"
    return rng.choice((f"{number} bpm", f"{number} bpm", f"{number} bpm", f"{number} BPM", f"{number}bpm"))


def _key(key: str, rng: Random) -> str:
    """`A minor`, `key of A minor` or, now and then, only `minor key`."""
    if not key:
        return ""
    return rng.choice((key, key, key, f"key of {key}", f"{key.split()[-1]} key"))


def _in_key(key: str) -> str:
    """`in A minor`, `in the key of A minor`, `in a minor key`."""
    if not key:
        return ""
    return f"in the {key}" if key.startswith("key of") else f"in a {key}" if key.endswith("key") else f"in {key}"


def _instrument(name: str, rng: Random) -> str:
    return rng.choice(INSTRUMENT_WORDS.get(name, (name,)))


def _tags(facts: _Facts, rng: Random) -> str:
    """`pop, calm, piano, 100 bpm, C major`, mostly in any order."""
    lead = ""
    if facts.lead:
        lead = rng.choice((facts.lead, _as_lead(facts.lead), f"lead {facts.lead}", f"{facts.lead} solo"))
    tags = [facts.genre, facts.style, facts.mood, facts.speed, facts.bpm, facts.key, lead, *facts.players]
    tags = list(dict.fromkeys(tag for tag in (*tags, facts.undrummed, facts.context) if tag))
    if rng.random() < 0.7:
        rng.shuffle(tags)
    return rng.choice((", ", ", ", " ", "; ")).join(tags)


def _short(facts: _Facts, rng: Random) -> str:
    """`calm piano pop, 100 bpm`, `hip hop beat 90 bpm`."""
    lead = facts.lead if rng.random() < 0.7 else ""
    noun = facts.noun if rng.random() < 0.5 or _loose(facts.kind) else ""
    head = _join([*rng.sample([facts.mood, facts.speed], 2), lead, facts.kind, noun, facts.context])
    tail = [rng.choice((facts.key, _in_key(facts.key))), facts.bpm]
    if rng.random() < 0.4:
        tail.append(rng.choice((_listed(facts.players), _prefixed("with", _listed(facts.players)))))
    rng.shuffle(tail)
    return rng.choice((", ", ", ", " ")).join(part for part in (head, *tail, facts.undrummed) if part)


def _sentence(facts: _Facts, rng: Random) -> str:
    """`fast metal in E minor with distorted guitar, 160 bpm`, `a slow, calm pop song with piano at 72 bpm`."""
    adjectives = rng.choice((", ", " ")).join(part for part in rng.sample([facts.mood, facts.speed], 2) if part)
    noun = "" if not _loose(facts.kind) and rng.random() < 0.35 else facts.noun
    text = _join([adjectives, facts.kind, noun, facts.context])
    if noun not in ("", "music") and rng.random() < 0.75:
        text = _article(text)
    clauses = [_in_key(facts.key), facts.undrummed.replace("no drums", "with no drums")]
    if facts.lead and rng.random() < 0.5:
        led = (
            f"led by {facts.lead}",
            f"with {_article(_as_lead(facts.lead))}",
            f"with {facts.lead} on the melody",
            f"with {_article(facts.lead)} solo",
        )
        clauses.append(_join([rng.choice(led), _prefixed("over", _listed(facts.players))]))
    else:
        everyone = [*([facts.lead] if facts.lead else []), *facts.players]
        rng.shuffle(everyone)
        clauses.append(_prefixed(rng.choice(("with", "with", "featuring")), _listed(everyone)))
    rng.shuffle(clauses)
    if facts.bpm and rng.random() < 0.6:
        clauses.insert(rng.randint(0, len(clauses)), rng.choice((f"at {facts.bpm}", f"at a tempo of {facts.bpm}")))
        return _join([text, *clauses])
    return _join([text, *clauses]) + (f", {facts.bpm}" if facts.bpm else "")


def _sentences(facts: _Facts, rng: Random) -> str:
    """`A calm pop song. The lead instrument is piano. The tempo is 72 bpm.`"""
    noun = facts.noun if facts.noun != "music" else "piece"
    said = [_article(_join([facts.mood, facts.kind, noun, facts.context]))]
    rest: list[str] = []
    if facts.lead:
        led = (
            f"the melody is on {facts.lead}",
            f"the lead instrument is {facts.lead}",
            f"melody on {facts.lead}",
            f"{_article(facts.lead)} solo",
        )
        rest.append(rng.choice(led))
    if facts.players:
        rest.append(f"{rng.choice(('it features', 'with', 'instruments:'))} {_listed(facts.players)}")
    if facts.bpm:
        told = f"the tempo is {facts.bpm}", f"tempo: {facts.bpm}", f"played at {facts.bpm}"
        rest.append(rng.choice(told) + (f", {facts.speed}" if facts.speed else ""))
    elif facts.speed:
        rest.append(f"the tempo is {facts.speed}")
    rest += [part for part in (_in_key(facts.key), facts.undrummed) if part]
    if rng.random() < 0.5:
        rng.shuffle(rest)
    return ". ".join(part[0].upper() + part[1:] for part in said + rest) + "."


_FORMS: tuple[Callable[[_Facts, Random], str], ...] = (_tags, _tags, _short, _short, _sentence, _sentence, _sentences)


def _join(parts: Sequence[str]) -> str:
    return " ".join(part for part in parts if part)


def _prefixed(word: str, text: str) -> str:
    return f"{word} {text}" if text else ""


def _listed(names: Sequence[str]) -> str:
    """`piano`, `piano and flute`, `piano, flute and drums`."""
    return "" if not names else names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _as_lead(name: str) -> str:
    """`flute lead`, and `saw lead` rather than `saw lead lead`."""
    return name if name.endswith("lead") else f"{name} lead"


def _article(text: str) -> str:
    return ("an " if text[0] in "aeiou" else "a ") + text
