"""Pairs that the bundled text encoder learns other wordings from: `mousai train text-encoder --data pairs.jsonl`.

    python tools/wordings/pairs.py pairs.jsonl [--songs 3000] [--seed 0]

Three kinds of pairs stand in the table. The prompts of the `.tsv` files beside this program were written by hand, each
with what its words imply; the caption is made of that. Others are made of songs that the composer would write: the
caption in rare words, as people ask, and the same facts in the words that the bundled generator learned from. Both have
captions of one form (`plain_caption`), since of several that say the same no prompt could tell which is meant. The
third kind are captions as the generator learned from, in all their forms, which mean themselves (and a tempo).

The generator knows the 21 styles of `KNOWN` (composer 2). Of a style that is newer its captions tell the genre alone.
Where a prompt states no tempo, its caption tells one that is usual: without any the generator plays house at any speed,
and is then heard as another genre.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from mousai.compose.annotations.facts import song_facts
from mousai.compose.captions import requests, sentences
from mousai.compose.captions.facts import Facts, draw_facts, widen_facts
from mousai.compose.captions.phrases import listed, tidy
from mousai.compose.composition import compose_song
from mousai.compose.styles import STYLES
from mousai.conditioning.attributes import key_name, parse_attributes
from mousai.conditioning.vocabulary import without_accents

KNOWN = {
    "electronic": ("house", "techno", "trance"),
    "hip hop": ("boom bap", "trap"),
    "metal": ("heavy metal", "thrash metal"),
    "pop": ("band pop", "piano pop", "synth pop"),
    "jazz": ("swing", "jazz ballad"),
    "classical": ("solo piano", "string ensemble", "waltz"),
    "reggae": ("roots reggae",),
    "ambient": ("ambient",),
    "latin": ("bossa nova", "salsa"),
    "folk": ("fingerpicked folk", "folk dance"),
}
"""Genres that the generator knows, and their styles."""
NOUNS = {
    "electronic": "track",
    "hip hop": "beat",
    "metal": "song",
    "pop": "song",
    "jazz": "tune",
    "classical": "piece",
    "reggae": "groove",
    "ambient": "piece",
    "latin": "song",
    "folk": "tune",
}
TEMPOS = {style.name: style.tempo for style in STYLES} | {
    "electronic": (118, 134),
    "hip hop": (76, 96),
    "metal": (116, 170),
    "pop": (88, 124),
    "jazz": (96, 160),
    "classical": (80, 124),
    "latin": (100, 150),
    "folk": (92, 130),
    "reggae": (66, 88),
}
"""Slowest and fastest tempo of each kind, in beats per minute."""
SLOW = {"calm", "peaceful", "tender", "melancholic", "dreamy", "sad", "mysterious", "reflective", "relaxed"}
FAST = {"energetic", "joyful", "intense", "passionate", "driving", "uplifting"}
"""Moods of slower and of faster music than usual."""
SLOW_WORDS = r"\b(?:very )?(slow|slowly|lento|lenta|lente|langsam\w*|downtempo|sleepy|lazy|traag|wolny|wolna)\b"
FAST_WORDS = (
    r"\b(fast|quick|rapid\w*|schnell\w*|speed|uptempo|up-tempo|racing|furious|veloce|vite|snel|szybk\w*|hizli)\b"
)
WIDE_PER_SONG = 2
PLAYERS = 4  # instruments that a caption names at most
_GENRE = {style: genre for genre, styles in KNOWN.items() for style in styles}


def hand_written(table: Path) -> Iterator[dict[str, str]]:
    """Pairs of a table of prompts: kind, mood, instruments, drums, genres, prompt; `-` where nothing is implied."""
    for number, line in enumerate(table.read_text(encoding="utf-8").splitlines(), start=1):
        columns = line.split("\t")
        if len(columns) != 6 or (columns[0] not in _GENRE and columns[0] not in KNOWN):
            sys.exit(f"{table}: line {number}: needs six columns, the first a style or a genre of KNOWN")
        kind, mood, instruments, drums, _, prompt = columns
        yield {"prompt": prompt, "caption": hand_caption(kind, mood, instruments, drums, prompt)}


def plain_caption(kind: str, mood: str, players: Sequence[str], rest: Sequence[str]) -> str:
    """What a prompt asks for, in words of the captions that the generator learned from.

    >>> plain_caption("boom bap", "relaxed", ["electric piano"], ["84 bpm"])
    'relaxed hip hop boom bap beat with electric piano, 84 bpm'
    """
    genre = _GENRE.get(kind, kind)
    named = kind if kind == genre or set(genre.split()) & set(kind.split()) else f"{genre} {kind}"
    head = " ".join(word for word in (mood, named, NOUNS.get(genre, "song")) if word)
    return ", ".join([f"{head} with {listed(players[:PLAYERS])}" if players else head, *rest])


def usual_tempo(kind: str, mood: str, prompt: str) -> str:
    """The tempo that a caption tells where its prompt states none; nothing of a kind without a usual one.

    >>> usual_tempo("house", "energetic", "rooftop party"), usual_tempo("trap", "", "slow beat")
    ('126 bpm', '68 bpm')
    """
    if kind not in TEMPOS:
        return ""
    low, high = TEMPOS[kind]
    text = without_accents(prompt.lower())
    if re.search(SLOW_WORDS, text):
        place = 0.1
    elif re.search(FAST_WORDS, text):
        place = 0.9
    else:
        place = 0.3 if mood in SLOW else 0.7 if mood in FAST else 0.5
    return f"{round(low + place * (high - low))} bpm"


def hand_caption(kind: str, mood: str, instruments: str, drums: str, prompt: str) -> str:
    """The caption of a prompt that was written by hand, with the tempo and key that it states."""
    players = [] if instruments == "-" else [name.strip() for name in instruments.split(",")]
    told = parse_attributes(prompt)
    rest = [
        *(["no drums"] if drums == "no" else []),
        f"{told.tempo:g} bpm" if told.tempo else usual_tempo(kind, mood, prompt),
        *([f"in {key_name(told.key)}"] if told.key else []),
    ]
    return plain_caption(kind, mood.strip("-"), players, [word for word in rest if word])


def of_songs(count: int, seed: int) -> Iterator[dict[str, str]]:
    """Pairs of captions of songs that are composed and not rendered."""
    rng = Random(seed)
    for number in range(count):
        palette = "leads" if number % 3 == 0 else "style"
        row = song_facts(compose_song(seed * 1_000_000 + number, duration=10.0, palette=palette))
        for _ in range(WIDE_PER_SONG):
            facts = draw_facts(row, rng)
            wide = widen_facts(facts, row, rng)
            if rng.random() < 0.65:
                prompt = tidy(rng.choice(requests.FORMS)(wide, rng))
            else:
                prompt = requests.more(tidy(rng.choice(sentences.FORMS)(wide, rng)), wide)
            yield {"prompt": prompt or "music", "caption": _of_facts(facts, wide, row, prompt)}
        if row["style"] in _GENRE:
            facts = replace(draw_facts(row, rng), context="")
            prompt = tidy(rng.choice(sentences.FORMS)(facts, rng)) or "music"
            kind = row["style"] if facts.style else row["genre"] if facts.genre else ""
            bpm = "" if facts.bpm else usual_tempo(kind, row["mood"] if facts.mood else "", prompt)
            yield {"prompt": prompt, "caption": f"{prompt.rstrip('.')}, {bpm}" if bpm else prompt}


def _of_facts(facts: Facts, wide: Facts, row: Mapping[str, Any], prompt: str) -> str:
    """The caption of what a wide caption tells, in plain words."""
    told = row["style"] if row["style"] in _GENRE and wide.style else row["genre"] if wide.genre or wide.style else ""
    players = [row["lead"]] if wide.lead else []
    players += [name for name in facts.players if wide.players]
    key = facts.key if facts.key.endswith(" key") else f"in {row['key']}" if facts.key else ""
    mood = row["mood"] if wide.mood else ""
    bpm = wide.bpm or usual_tempo(told, mood, f"{facts.speed} {prompt}")
    rest = [word for word in (facts.undrummed and "no drums", bpm, key) if word]
    return plain_caption(told, mood, players, rest)


def main() -> int:
    """Write the table."""
    parser = argparse.ArgumentParser(description="Write pairs of prompts and captions for the bundled text encoder.")
    parser.add_argument("out", type=Path, metavar="PAIRS.jsonl")
    parser.add_argument("--songs", type=int, default=3000, help="songs that captions are made of")
    parser.add_argument(
        "--hand-written", type=int, default=4, metavar="TIMES", help="times that each of these stands there"
    )
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    tables = sorted(Path(__file__).parent.glob("*.tsv"))
    hand = [pair for table in tables for pair in hand_written(table)]
    rows = [*hand * args.hand_written, *of_songs(args.songs, args.seed)]
    args.out.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    print(f"{args.out}: {len(hand)} prompts written by hand, {args.hand_written} times each, {len(rows)} pairs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
