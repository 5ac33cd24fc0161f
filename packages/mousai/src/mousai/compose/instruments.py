"""General MIDI programs and drum kits under everyday names."""

# fmt: off
PROGRAM_NAMES: tuple[str, ...] = (
    "piano", "bright piano", "electric grand piano", "honky-tonk piano", "electric piano", "fm electric piano",
    "harpsichord", "clavinet",
    "celesta", "glockenspiel", "music box", "vibraphone", "marimba", "xylophone", "tubular bells", "dulcimer",
    "drawbar organ", "percussive organ", "rock organ", "church organ", "reed organ", "accordion", "harmonica",
    "bandoneon",
    "nylon guitar", "acoustic guitar", "jazz guitar", "clean electric guitar", "muted guitar", "overdriven guitar",
    "distorted guitar", "guitar harmonics",
    "upright bass", "electric bass", "picked bass", "fretless bass", "slap bass", "popped bass", "synth bass",
    "rubber synth bass",
    "violin", "viola", "cello", "double bass", "tremolo strings", "pizzicato strings", "harp", "timpani",
    "strings", "slow strings", "synth strings", "soft synth strings", "choir", "voice oohs", "synth voice",
    "orchestra hit",
    "trumpet", "trombone", "tuba", "muted trumpet", "french horn", "brass section", "synth brass",
    "soft synth brass",
    "soprano saxophone", "alto saxophone", "tenor saxophone", "baritone saxophone", "oboe", "english horn",
    "bassoon", "clarinet",
    "piccolo", "flute", "recorder", "pan flute", "bottle", "shakuhachi", "whistle", "ocarina",
    "square lead", "saw lead", "calliope lead", "chiff lead", "charang lead", "voice lead", "fifths lead",
    "bass lead",
    "new age pad", "warm pad", "polysynth pad", "choir pad", "bowed pad", "metallic pad", "halo pad", "sweep pad",
    "rain synth", "soundtrack synth", "crystal synth", "atmosphere synth", "brightness synth", "goblin synth",
    "echo synth", "sci-fi synth",
    "sitar", "banjo", "shamisen", "koto", "kalimba", "bagpipe", "fiddle", "shanai",
    "tinkle bell", "agogo", "steel drums", "woodblock", "taiko drum", "melodic tom", "synth drum", "reverse cymbal",
    "fret noise", "breath noise", "seashore", "bird tweet", "telephone ring", "helicopter", "applause", "gunshot",
)
# fmt: on
"""The 128 General MIDI programs, by number from 0, each under its own lower-case name."""

PROGRAMS: dict[str, int] = {name: number for number, name in enumerate(PROGRAM_NAMES)}

KIT_NAMES: dict[int, str] = {
    0: "drums",
    8: "room drums",
    16: "power drums",
    24: "electronic drums",
    25: "drum machine",
    32: "jazz drums",
    40: "brushed drums",
    48: "orchestral percussion",
}
"""Drum kits by the program number on the drum channel (General MIDI level 2)."""

KITS: dict[str, int] = {name: number for number, name in KIT_NAMES.items()}

DRUM_KEYS: dict[str, int] = {
    "kick": 36,
    "rim": 37,
    "snare": 38,
    "clap": 39,
    "hat": 42,
    "pedal": 44,
    "open": 46,
    "low tom": 45,
    "mid tom": 47,
    "high tom": 50,
    "crash": 49,
    "ride": 51,
    "china": 52,
    "tambourine": 54,
    "cowbell": 56,
    "bongo": 60,
    "conga slap": 62,
    "conga": 63,
    "low conga": 64,
    "timbale": 65,
    "maracas": 70,
    "shaker": 82,
    "claves": 75,
}
"""General MIDI percussion keys of the drums that the grooves use."""

# fmt: off
LOUDNESS: tuple[int, ...] = (
    -7, -7, 0, -8, 3, -1, -1, 0, -2, -1, -3, -6, -3, -8, 1, -7,
    -4, 3, 1, 2, 1, -2, -1, -2, -2, -2, 2, -1, -8, 4, 6, 6,
    -6, -2, -2, 0, -8, -3, -5, 1, 1, -3, -2, -2, -1, -3, -3, -8,
    -2, 1, 4, 4, -1, 1, 0, -3, 0, 6, 5, 1, 3, 2, 1, 0,
    3, 3, 2, 1, 2, -4, -1, 5, 1, 1, 1, 1, 3, 4, 6, 3,
    3, 3, 3, 0, 2, 3, -4, 2, 2, -5, -1, 1, 3, 5, 2, 4,
    3, 0, -3, 3, 0, -5, -1, 2, -5, -3, -7, -4, -7, 4, 1, 1,
    -5, -8, -2, -8, -8, -6, -1, -8, -2, -2, -4, 2, 1, -8, 0, 0,
)
# fmt: on
"""A-weighted level in dB of each program at one volume and velocity in FluidR3, relative to their median (-8..6)."""

HIGHEST: dict[str, int] = {
    "muted guitar": 84,
    "guitar harmonics": 84,
    "electric bass": 84,
    "picked bass": 84,
    "fretless bass": 84,
    "slap bass": 84,
    "popped bass": 84,
    "double bass": 57,
    "tuba": 72,
    "alto saxophone": 84,
    "baritone saxophone": 72,
    "english horn": 84,
    "bassoon": 84,
}
"""Highest pitch that sounds in FluidR3, of the programs whose samples end low."""
TOP = 96
"""Highest pitch of every other program."""


def balanced_volume(program: int, volume: int) -> int:
    """A MIDI volume that makes up for two thirds of how loud or soft a program is (the controller is 40 log10)."""
    return min(max(round(0.88 * volume * 10 ** (-LOUDNESS[program] * 2 / 3 / 40)), 1), 127)
