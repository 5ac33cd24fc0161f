"""Captions: what a person might write about a song, different with every draw, true every time.

A caption is made from the facts of a row of `metadata.jsonl` alone, so that training can write a fresh one for every
epoch. Facts may be left out; none is invented. One in five says beside them for what or where the music is to be, which
is drawn for any song alike: so that a place or a day in a prompt does not speak for a style. Two in five are in rarer
words and as people ask (`WIDE`): nicknames, abbreviations, other languages, keywords in a row, requests, and what the
facts tell of density, energy, drums and use.
"""

from collections.abc import Mapping
from random import Random
from typing import Any

from ..annotations.facts import song_facts
from ..song import Song
from . import requests, sentences
from .facts import draw_facts, widen_facts
from .phrases import tidy

WIDE = 0.4
"""Share of captions in rarer words."""


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
    wide = rng.random() < WIDE
    facts = draw_facts(row, rng)
    if wide:
        facts = widen_facts(facts, row, rng)
    asked = wide and rng.random() < 0.65
    form = rng.choice(requests.FORMS if asked else sentences.FORMS)
    text = tidy(form(facts, rng))
    if wide and not asked:
        text = requests.more(text, facts)
    if not text:
        text = "music"
    if asked and rng.random() < 0.6:
        return text.lower()
    if rng.random() < 0.5:
        text = text[0].upper() + text[1:]
    elif rng.random() < 0.3:
        text = text.lower()
    if form not in (sentences.tags, requests.soup) and not text.endswith(".") and rng.random() < 0.4:
        text += "."
    return text
