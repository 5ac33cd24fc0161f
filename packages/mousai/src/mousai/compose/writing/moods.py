"""Mood and title of a song."""

from random import Random

from ..theory import Key

MOODS: dict[tuple[str, int], tuple[str, ...]] = {
    ("major", 0): ("calm", "peaceful", "tender"),
    ("minor", 0): ("melancholic", "dreamy", "sad"),
    ("major", 1): ("warm", "relaxed", "cheerful"),
    ("minor", 1): ("moody", "reflective", "mysterious"),
    ("major", 2): ("uplifting", "energetic", "joyful"),
    ("minor", 2): ("passionate", "intense", "driving"),
}
"""Moods by quality of the key and by how lively the song is: 0 quiet, 1 in between, 2 lively."""
DARK_MOODS = ("dark", "intense", "driving")
"""Moods of a lively song in a minor key in the genres of `DARK_GENRES`."""
DARK_GENRES = ("electronic", "hip hop", "metal")


def draw_mood(rng: Random, genre: str, energy: float, key: Key, tempo: int) -> str:
    """A mood for a song of an energy from 0 to 1 and a tempo in beats per minute."""
    lively = 0.75 * energy + 0.25 * min(max((tempo - 60) / 100, 0.0), 1.0)
    level = 0 if lively < 0.32 else 1 if lively < 0.6 else 2
    if level == 2 and key.quality == "minor" and genre in DARK_GENRES:
        return rng.choice(DARK_MOODS)
    return rng.choice(MOODS[key.quality, level])


_NOUNS = (
    *("River", "Lantern", "Window", "Harbour", "Winter", "Garden", "Orbit", "Signal", "Bridge", "Feather", "Mirror"),
    *("Copper", "Harvest", "Island", "Thunder", "Velvet", "Morning", "Station", "Ember", "Meadow", "Canyon", "Paper"),
    *("Comet", "Tide", "Cedar", "Marble", "Violet", "Engine", "Horizon", "Shadow"),
)
_WORDS = ("Over", "Under", "After", "Before", "Beyond", "Without", "Through", "Against")


def draw_title(rng: Random, mood: str) -> str:
    """A title that says the mood, or nothing at all."""
    first, second = rng.sample(_NOUNS, 2)
    titles = (
        f"{mood.title()} {first}",
        f"{first} {rng.choice(_WORDS)} {second}",
        f"{first} and {second}",
        f"The {first} {rng.randint(2, 99)}",
    )
    return rng.choice(titles)
