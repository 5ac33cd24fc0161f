"""What the facts of a song tell beside its fields: how many play, how lively it is, how the drums go, what it suits."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from ..instruments import KITS

GROOVES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("house", "deep house", "techno", "trance", "disco"),
        ("four on the floor", "four-on-the-floor", "4 on the floor", "four to the floor", "4/4 kick"),
    ),
    "drum and bass": ("breakbeat", "breakbeats", "fast breaks"),
    "dubstep": ("half-time", "half time drums", "heavy bass"),
    "boom bap": ("head nodding groove", "dusty drums"),
    "trap": ("hi-hat rolls", "rolling hats", "half-time"),
    "lo-fi": ("swung drums", "dusty drums", "lazy groove"),
    "thrash metal": ("fast riffs", "riffs"),
    "heavy metal": ("riffs", "power chords"),
    "hard rock": ("riffs", "power chords", "backbeat"),
    "band pop": ("backbeat",),
    "funk": ("syncopated", "in the pocket", "groovy"),
    "soul": ("backbeat", "groovy"),
    "blues": ("shuffle", "shuffle groove", "12 bar"),
    "swing": ("walking bassline", "swing feel", "swung"),
    "roots reggae": ("one drop", "offbeat", "skank"),
    "salsa": ("clave", "montuno"),
    "reggaeton": ("dembow rhythm", "dembow beat"),
    "fingerpicked folk": ("fingerpicked", "finger picking"),
    "country": ("train beat", "twangy"),
}
"""How the rhythm of a style goes, where there are drums."""

DRUMLESS = ("no drums", "without drums", "drumless", "no percussion", "beatless", "without percussion", "no beat")
DRUMMED = ("with drums", "drums", "with a beat", "percussive")
QUIET = ("calm", "peaceful", "tender", "melancholic", "dreamy", "sad")
LIVELY = ("uplifting", "energetic", "joyful", "passionate", "intense", "driving", "dark")
HARD = ("metal", "electronic")
DANCE = ("house", "deep house", "techno", "trance", "disco", "drum and bass", "salsa", "reggaeton", "funk")

USES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("boss", ("boss fight", "boss battle", "battle music", "for a fight", "chase scene", "action scene", "combat")),
    ("workout", ("workout", "for the gym", "gym music", "running playlist", "for a workout", "fitness video")),
    ("dance", ("dance floor", "dancefloor", "party music", "dj set", "for dancing")),
    ("rest", ("meditation", "yoga", "for sleep", "sleep music", "spa", "relaxation", "to relax", "bedtime")),
    ("dread", ("horror game", "thriller", "tension scene", "dungeon", "stealth", "cave level", "haunted house")),
    ("grief", ("sad scene", "funeral scene", "break up scene", "emotional scene")),
    ("joy", ("happy scene", "commercial", "advert", "kids show", "birthday", "vacation video")),
    ("study", ("study beats", "beats to study to", "study session", "chill beats to relax to")),
    ("rap", ("beat to rap over", "freestyle beat", "for a rapper", "cypher", "type beat")),
    ("lounge", ("coffee shop", "hotel lobby", "lounge", "restaurant", "elevator music", "cocktail hour")),
    ("tavern", ("tavern scene", "rpg town", "medieval fair", "fantasy game")),
    ("western", ("western scene", "saloon", "cowboy movie", "road movie")),
    ("epic", ("movie trailer", "opening titles", "cutscene", "epic scene", "main theme", "fantasy film")),
    ("race", ("racing game", "car chase", "cyberpunk game", "speed level")),
    ("space", ("space game", "underwater level", "nature documentary", "exploration", "planetarium")),
    ("romance", ("love scene", "romantic dinner", "first dance")),
)
"""What a song suits, by what `suits` finds in its facts."""


def suits(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of `USES` that the facts of a row speak for."""
    genre, style, mood = (str(row.get(name) or "") for name in ("genre", "style", "mood"))
    bpm = float(row.get("bpm") or 0)
    drummed = is_drummed(row)
    fitting = {
        "boss": mood in ("intense", "driving", "dark", "passionate") and bpm >= 116,
        "workout": mood in LIVELY and bpm >= 116 and drummed,
        "dance": style in DANCE and mood not in QUIET,
        "rest": mood in QUIET and 0 < bpm < 96 and (genre == "ambient" or is_drumless(row)),
        "dread": mood in ("mysterious", "dark") and str(row.get("key") or "").endswith("minor"),
        "grief": mood in ("sad", "melancholic"),
        "joy": mood in ("cheerful", "joyful", "uplifting"),
        "study": style == "lo-fi",
        "rap": style in ("boom bap", "trap"),
        "lounge": style in ("bossa nova", "jazz ballad") or (style == "swing" and mood not in LIVELY),
        "tavern": style in ("folk dance", "fingerpicked folk"),
        "western": style == "country",
        "epic": style == "film score",
        "race": style in ("synthwave", "drum and bass", "techno"),
        "space": style == "ambient",
        "romance": mood in ("tender", "warm") or style == "jazz ballad",
    }
    return tuple(name for name, true in fitting.items() if true)


def use_of(row: Mapping[str, Any], rng: Random) -> str:
    """What a song suits, in words; empty where its facts speak for nothing."""
    found = suits(row)
    return rng.choice(dict(USES)[rng.choice(found)]) if found else ""


def is_drummed(row: Mapping[str, Any]) -> bool:
    """Tell whether a row names drums."""
    return any(name in KITS for name in row.get("instruments") or ())


def is_drumless(row: Mapping[str, Any]) -> bool:
    """Tell whether a row names instruments and none of them is drums."""
    return bool(row.get("instruments")) and not is_drummed(row)


def observed(row: Mapping[str, Any], rng: Random) -> list[str]:
    """Words for density, energy, drums, rhythm and metre of a row, one a kind, in any order."""
    kinds = (density(row), energy(row), _drums(row), _rhythm(row), _metre(row))
    words = [rng.choice(kind) for kind in kinds if kind]
    rng.shuffle(words)
    return words


def density(row: Mapping[str, Any]) -> Sequence[str]:
    """How full the music is, by the number of instruments; empty for what is neither full nor sparse."""
    players = len(row.get("instruments") or ())
    if players in (1, 2):
        return "sparse", "minimal", "stripped down", "stripped-down", "bare", "minimalist"
    if players >= 5:
        full = ("dense", "full", "layered", "busy", "rich arrangement", "full arrangement")
        return (*full, "full band", "whole band") if is_drummed(row) and row.get("genre") != "electronic" else full
    return ()


def energy(row: Mapping[str, Any]) -> Sequence[str]:
    """How lively the music is, by its mood and drums."""
    mood, genre = str(row.get("mood") or ""), str(row.get("genre") or "")
    if mood in QUIET:
        return "low energy", "low-energy", "quiet", "soft", "mellow", "laid back"
    if mood in LIVELY and is_drummed(row):
        lively = ("high energy", "high-energy", "energetic", "powerful", "full of energy")
        return (*lively, "hard", "heavy", "loud") if genre in HARD else lively
    return ("laid back", "medium energy") if mood in ("warm", "relaxed", "reflective", "moody") else ()


def alone(row: Mapping[str, Any], name: str) -> Sequence[str]:
    """Ways to say that an instrument, in the caption's word for it, plays alone; empty where another plays too."""
    if len(row.get("instruments") or ()) != 1:
        return ()
    return f"only {name}", f"{name} only", f"just {name}", f"solo {name}", f"{name} alone", f"nothing but {name}"


def _drums(row: Mapping[str, Any]) -> Sequence[str]:
    if is_drumless(row):
        return DRUMLESS
    return DRUMMED if is_drummed(row) else ()


def _rhythm(row: Mapping[str, Any]) -> Sequence[str]:
    style = str(row.get("style") or "")
    own = row.get("palette", "style") != "all"  # with any timbre, "power chords" may be played on an oboe
    return GROOVES.get(style, ()) if own and (is_drummed(row) or style == "fingerpicked folk") else ()


def _metre(row: Mapping[str, Any]) -> Sequence[str]:
    beats = row.get("beats_per_bar")
    if beats == 3:
        return "3/4", "in three", "triple meter", "three four time", "waltz time"
    return ("4/4", "4/4 time", "in four") if beats == 4 else ()
