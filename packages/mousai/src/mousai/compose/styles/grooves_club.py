"""Drum grooves of dance music, hip hop, funk and soul (`mousai.compose.styles.grooves`)."""

from .grooves import Groove

DEEP_HOUSE: tuple[Groove, ...] = (
    {
        "kick": "X---X---X---X---",
        "clap": "....x.......x...",
        "open": "..x...x...x...x.",
        "shaker": "o.xoo.xoo.xoo.xo",
    },
    {
        "kick": "X---X---X---X---",
        "rim": "...x..x....x....x..x..x....x.x..",
        "clap": "....x.......x...",
        "open": "..x...x...x...x.",
        "hat": "o.o.o.o.o.o.o.oo",
    },
)
DRUM_AND_BASS: tuple[Groove, ...] = (
    {
        "kick": "X---......x-....",
        "snare": "....X.......X...",
        "hat": "X.x.X.x.X.x.X.x.",
        "ride": "X...X...X...X...",
    },
    {
        "kick": "X---......x-....",
        "snare": "....X..o.o..X..o",
        "hat": "XoxoXoxoXoxoXoxo",
        "clap": "....x.......x...",
    },
    {
        "kick": "X---..x-X---....",
        "snare": "....X.......X...",
        "clap": "....x.......x...",
        "hat": "X.x.X.x.X.x.X.x.",
        "shaker": "XoxoXoxoXoxoXoxo",
    },
)
SYNTHWAVE: tuple[Groove, ...] = (
    {
        "kick": "X---x---X---x---",
        "snare": "....X.......X...",
        "hat": "xoxoxoxoxoxoxoxo",
        "open": "..x...x...x...x.",
    },
    {
        "kick": "X---x---X---x---",
        "clap": "....X.......X...",
        "open": "..x...x...x...x.",
        "hat": "x.o.x.o.x.o.x.o.",
    },
)
DUBSTEP: tuple[Groove, ...] = (
    {
        "kick": "X.........x.....",
        "snare": "........X.......",
        "hat": "x..x..x.x..x..xo",
    },
    {
        "kick": "X..x......x.....",
        "clap": "........X.......",
        "snare": "........x.......",
        "hat": "..x...x...x..xx.",
        "ride": "x...x...x...x...",
    },
)
LO_FI: tuple[Groove, ...] = (
    {
        "kick": "X.....x...x.....",
        "rim": "....X.......X...",
        "hat": "x.o.x.o.x.o.x.o.",
    },
    {
        "kick": "X......xx.......",
        "snare": "....x.......x..o",
        "hat": "o.x.o.x.o.x.o.xo",
    },
    {
        "kick": "X..x....x.x.....",
        "snare": "....x.......x...",
        "hat": "x.x.x.x.x.x.x.x.",
        "shaker": "o.o.o.o.o.o.o.o.",
    },
)
FUNK: tuple[Groove, ...] = (
    {
        "kick": "X.x....x..x.....",
        "snare": "....X..o.o..X..o",
        "hat": "x.x.x.x.x.x.x.x.",
    },
    {
        "kick": "X..x..x...x..x..",
        "snare": "....X..o....X.o.",
        "hat": "xoxoxoxoxoxoxoxo",
    },
    {
        "kick": "X.....x.x.......",
        "snare": "....X..o.o..X...",
        "hat": "x.x.x.x.x.x.x...",
        "open": "..............x.",
    },
)
SOUL: tuple[Groove, ...] = (
    {
        "kick": "X.....x.x.......",
        "snare": "....X.......X...",
        "hat": "x.x.x.x.x.x.x.x.",
        "tambourine": "....x.......x...",
    },
    {
        "kick": "X......xx.......",
        "snare": "....X.......X..o",
        "hat": "x.x.x.x.x.x.x.x.",
    },
    {
        "kick": "X.......X.......",
        "snare": "x...x...x...x...",
        "tambourine": "..x...x...x...x.",
        "hat": "x.x.x.x.x.x.x.x.",
    },
)
DISCO: tuple[Groove, ...] = (
    {
        "kick": "X...X...X...X...",
        "snare": "....X.......X...",
        "hat": "x.X.x.X.x.X.x.X.",
    },
    {
        "kick": "X...X...X...X...",
        "snare": "....X.......X...",
        "hat": "xoXoxoXoxoXoxoXo",
        "tambourine": "....x.......x...",
    },
)
REGGAETON: tuple[Groove, ...] = (
    {
        "kick": "X...X...X...X...",
        "snare": "...x..o....x..o.",
        "cowbell": "x...x...x...x...",
        "conga": "......xx......xx",
        "maracas": "X.o.X.o.X.o.X.o.",
    },
    {
        "kick": "X...X...X...X...",
        "timbale": "...x..o....x..xx",
        "conga slap": "....X.......X...",
        "conga": "......xx......xx",
        "maracas": "X.o.X.o.X.o.X.o.",
        "cowbell": "X...X...X...X...",
    },
)
