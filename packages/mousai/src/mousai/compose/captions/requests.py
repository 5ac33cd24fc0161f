"""Forms of captions as people ask: keywords in a row, requests, what it is for first."""

from collections.abc import Callable
from random import Random

from .facts import Facts
from .phrases import article, in_key, join, listed, prefixed

ASKS = (
    "give me", "i need", "i want", "make", "make me", "create", "generate", "compose", "write me", "can i get",
    "looking for", "something like", "please make", "i am looking for", "can you make", "produce", "play me", "play",
)  # fmt: skip
"""Beginnings of requests."""
BACKGROUND = ("background music", "background", "backing track", "theme", "instrumental", "bgm")
_WHOLE = frozenset(
    ("music", "musik", "musique", "música", "musica", "beat", "beats", "song", "track", "piece", "score", "ballad",
     "soundtrack", "groove", "jam", "solo", "orchestra", "combo", "band", "soundscape", "instrumental", "filmmusik",
     "klaviermusik", "kammermusik", "popmusik", "jazzmusik", "volksmusik")
)  # fmt: skip
"""Nouns: a name of a style that has one needs none behind it."""


def soup(facts: Facts, rng: Random) -> str:
    """`synthwave retro night drive 110 bpm moog bass`: keywords without punctuation, in any order."""
    always = [facts.style or facts.genre, facts.lead, facts.context]
    words = [facts.genre, facts.mood, facts.speed, facts.bpm, facts.key, *facts.players, *facts.observed]
    words += [facts.undrummed, facts.use]
    words = [word for word in words if word]
    kept = [*always, *rng.sample(words, min(len(words), rng.choice((2, 3, 4, 6))))]
    kept = list(dict.fromkeys(word for word in kept if word))
    rng.shuffle(kept)
    return rng.choice((" ", " ", ", ")).join(kept).lower()


def request(facts: Facts, rng: Random) -> str:
    """`i need a dark techno track for a boss fight`, `give me some jazz, no drums`."""
    noun = _noun(facts)
    thing = join([*rng.sample([facts.mood, facts.speed], 2), facts.kind, noun])
    if noun not in ("", "music") or not thing:
        thing = article(thing or "track")
    elif rng.random() < 0.4:
        thing = f"some {thing}"
    ask = rng.choice(ASKS)
    parts = [join([ask, thing, _for(facts, rng)])]
    players = [word for word in (facts.lead, *facts.players) if word]
    rng.shuffle(players)
    rest = [prefixed("with", listed(players)), in_key(facts.key), *facts.observed, facts.undrummed]
    rest += [rng.choice((facts.bpm, f"at {facts.bpm}", f"around {facts.bpm}"))] if facts.bpm else []
    rest = [part for part in rest if part]
    rng.shuffle(rest)
    return rng.choice((", ", ", ", " ")).join([*parts, *rest])


def use_first(facts: Facts, rng: Random) -> str:
    """`boss fight, dark techno, 140 bpm`, `background music: calm piano pop`."""
    use = facts.use or facts.context or rng.choice(BACKGROUND)
    thing = join([facts.mood, facts.kind, _noun(facts)])
    rest = [facts.speed, facts.bpm, facts.key, facts.lead, *facts.players, *facts.observed, facts.undrummed]
    rest = [part for part in rest if part]
    rng.shuffle(rest)
    if not thing:
        return ", ".join([use, *rest])
    return ", ".join([rng.choice((", ", ": ", " - ")).join((use, thing)), *rest])


def more(text: str, facts: Facts) -> str:
    """A caption of another form, and behind it what is observed of the song, and its use."""
    return ", ".join([text.rstrip("."), *facts.observed, *([facts.use] if facts.use else [])])


FORMS: tuple[Callable[[Facts, Random], str], ...] = (soup, soup, request, request, use_first)


def _noun(facts: Facts) -> str:
    """A noun behind the kind, where it has none of its own."""
    return "" if _WHOLE.intersection(facts.kind.split()) else facts.noun


def _for(facts: Facts, rng: Random) -> str:
    """`for a boss fight`, `at a party`."""
    if not facts.use:
        return facts.context
    told = facts.use if facts.use.startswith(("for ", "to ")) else f"for {facts.use}"
    return (
        told if told.endswith("s") or rng.random() < 0.4 or told != f"for {facts.use}" else f"for {article(facts.use)}"
    )
