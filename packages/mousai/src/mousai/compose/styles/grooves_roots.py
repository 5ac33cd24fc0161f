"""Drum grooves of country, blues, rock and film music (`mousai.compose.styles.grooves`)."""

from .grooves import Groove

COUNTRY: tuple[Groove, ...] = (
    {
        "kick": "X.......X.......",
        "snare": "x.xxX.xxx.xxX.xx",
        "pedal": "....x.......x...",
    },
    {
        "kick": "X.......X.......",
        "rim": "....X.......X...",
        "hat": "x.x.x.x.x.x.x.x.",
    },
    {
        "kick": "X.......X.x.....",
        "snare": "....X.......X...",
        "tambourine": "x.o.x.o.x.o.x.o.",
    },
)
SHUFFLE: tuple[Groove, ...] = (
    {
        "ride": "X.x.X.x.X.x.X.x.",
        "snare": "....X.......X...",
        "kick": "X.......x.x.....",
    },
    {
        "hat": "X.x.X.x.X.x.X.x.",
        "snare": "....X.......X..o",
        "kick": "X.......X.......",
    },
    {
        "ride": "X...x.x.X...x.x.",
        "pedal": "....x.......x...",
        "snare": "....x.......x.o.",
        "kick": "x...x...x...x...",
    },
)
ROCK: tuple[Groove, ...] = (
    {
        "kick": "X.......X.x.....",
        "snare": "....X.......X...",
        "hat": "X.x.X.x.X.x.X.x.",
    },
    {
        "kick": "X.x.....X.x...x.",
        "snare": "....X.......X...",
        "open": "x...x...x...x...",
    },
    {
        "kick": "X.....x.X.x.....",
        "snare": "....X.......X...",
        "ride": "X.x.X.x.X.x.X.x.",
    },
)
CINEMATIC: tuple[Groove, ...] = (
    {
        "kick": "X.......x.......",
        "snare": "o...........o.oo",
    },
    {
        "kick": "X...x...X...x.x.",
    },
    {
        "kick": "X.......x.......",
        "snare": "o.ooo.ooo.ooo.oo",
    },
)
"""For the orchestral percussion, whose toms are kettledrums of fixed pitches."""
