"""Drum grooves: one rhythm (`mousai.compose.writing.steps`) per drum, several bars where it says so by its length."""

from collections.abc import Mapping

Groove = Mapping[str, str]

HOUSE: tuple[Groove, ...] = (
    {
        "kick": "X---x---X---x---",
        "clap": "....X.......X...",
        "open": "..x...x...x...x.",
        "hat": "x.o.x.o.x.o.x.o.",
    },
    {
        "kick": "X---x---X---x-x-",
        "snare": "....X.......X...",
        "open": "..x...x...x...x.",
        "shaker": "oxoxoxoxoxoxoxox",
    },
)
TECHNO: tuple[Groove, ...] = (
    {
        "kick": "X---X---X---X---",
        "hat": "..X...X...X...X.",
        "rim": "...x..x....x..x.",
        "open": "..............x.",
    },
    {
        "kick": "X---X---X---X---",
        "hat": "xoXoxoXoxoXoxoXo",
        "clap": "....x.......x...",
    },
)
BOOM_BAP: tuple[Groove, ...] = (
    {
        "kick": "X-....x...x.....",
        "snare": "....X.......X...",
        "hat": "x.x.x.x.x.x.x.x.",
    },
    {
        "kick": "X..x......xx....",
        "snare": "....X.......X..o",
        "hat": "x.x.x.xox.x.x.x.",
    },
    {
        "kick": "X.....x..xx.....",
        "snare": "....X..o....X...",
        "hat": "x.x.x.x.x.x.x.xo",
    },
)
TRAP: tuple[Groove, ...] = (
    {
        "kick": "X.....x...x..x..",
        "clap": "....X.......X...",
        "hat": "x.xxx.xrx.xxxrxx",
    },
    {
        "kick": "X..x..x.......x.",
        "snare": "....X.......X...",
        "hat": "xxxxxxxrxxxxrrxx",
    },
)
HEAVY: tuple[Groove, ...] = (
    {
        "kick": "XxxxXxxxXxxxXxxx",
        "snare": "....X.......X...",
        "china": "x...x...x...x...",
    },
    {
        "kick": "X.xxX.xxX.xxX.xx",
        "snare": "....X.......X...",
        "open": "x...x...x...x...",
    },
    {
        "kick": "X..xX.x.X..xX.xx",
        "snare": "....X.......X...",
        "ride": "x.x.x.x.x.x.x.x.",
    },
)
THRASH: tuple[Groove, ...] = (
    {
        "kick": "X.x.X.x.X.x.X.x.",
        "snare": "..X...X...X...X.",
        "open": "x.x.x.x.x.x.x.x.",
    },
    {
        "kick": "XxxxXxxxXxxxXxxx",
        "snare": "....X.......X...",
        "ride": "X.x.X.x.X.x.X.x.",
    },
)
BEAT: tuple[Groove, ...] = (
    {
        "kick": "X.......X.x.....",
        "snare": "....X.......X...",
        "hat": "x.x.x.x.x.x.x.x.",
    },
    {
        "kick": "X.....x.X.......",
        "snare": "....X.......X...",
        "hat": "x.o.x.o.x.o.x.o.",
        "tambourine": "....x.......x...",
    },
    {
        "kick": "X...x...X...x...",
        "snare": "....X.......X...",
        "hat": "x.x.x.x.x.x.x.x.",
    },
)
QUIET: tuple[Groove, ...] = (
    {
        "kick": "X.......o.......",
        "rim": "....x.......x...",
        "hat": "o...o...o...o...",
    },
    {
        "kick": "X.......x.......",
        "rim": "....x.......x...",
        "shaker": "o.o.o.o.o.o.o.o.",
    },
)
SWING: tuple[Groove, ...] = (
    {
        "ride": "X...x.x.X...x.x.",
        "pedal": "....x.......x...",
        "kick": "o.......o.......",
        "snare": "..........o.....",
    },
    {
        "ride": "X...x.x.X...x.x.",
        "pedal": "....x.......x...",
        "rim": "............x...",
        "kick": "o...o...o...o...",
    },
)
BRUSH: tuple[Groove, ...] = (
    {
        "snare": "x...X.o.x...X.o.",
        "pedal": "....x.......x...",
        "kick": "o.......o.......",
    },
    {
        "ride": "x...x.o.x...x.o.",
        "pedal": "....x.......x...",
        "snare": "o...o...o...o...",
    },
)
ONE_DROP: tuple[Groove, ...] = (
    {
        "kick": "....X.......X...",
        "rim": "....X.......X...",
        "hat": "x.x.x.x.x.x.x.x.",
    },
    {
        "kick": "x...X...x...X...",
        "snare": "....X.......X...",
        "hat": "x.xox.xox.xox.xo",
    },
)
BOSSA: tuple[Groove, ...] = (
    {
        "kick": "X.....o.X.......X.......X.....o.",
        "rim": "X.....x.....x.......x...x.......",
        "shaker": "X.o.X.o.X.o.X.o.X.o.X.o.X.o.X.o.",
        "pedal": "....X.......X.......X.......X...",
    },
    {
        "kick": "X.......X.....o.",
        "rim": "....x.......x.x.",
        "hat": "X.o.X.o.X.o.X.o.",
    },
)
SALSA: tuple[Groove, ...] = (
    {
        "conga slap": "....X.......X.......X.......X...",
        "conga": "......xx......xx......xx......xx",
        "claves": "o.....o.....o.......o...o.......",
        "cowbell": "X...X.o.X...X.o.X...X.o.X...X.o.",
        "kick": "x.......x.......x.......x.......",
    },
    {
        "conga": "......xx......xx......xx......xx",
        "timbale": "X...x.o.X...x.ooX...x.o.X...x.oo",
        "cowbell": "X...X...X...X...X...X...X...X...",
        "maracas": "X.o.X.o.X.o.X.o.X.o.X.o.X.o.X.o.",
    },
)
CAMPFIRE: tuple[Groove, ...] = (
    {
        "tambourine": "....X.......X...",
        "shaker": "x.o.x.o.x.o.x.o.",
        "kick": "X.......x.......",
    },
    {
        "kick": "X...x...X...x...",
        "tambourine": "....X.......X...",
        "shaker": "X.o.X.o.X.o.X.o.",
    },
)
