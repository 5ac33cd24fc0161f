"""Further electronic music and hip hop: deep house, drum and bass, dubstep, synthwave, lo-fi."""

from .grooves_club import DEEP_HOUSE, DRUM_AND_BASS, DUBSTEP, LO_FI, SYNTHWAVE
from .model import HELD, Part, Style
from .progressions import DEEP, LEADING_SEVENTH, LOUNGE, NEON, ROLLING

# fmt: off
CLUB: tuple[Style, ...] = (
    Style(
        genre="electronic", name="deep house", form="dance", tempo=(117, 125), modes=("minor", "dorian", "minor"),
        progressions=DEEP, kits=("drum machine", "electronic drums"), grooves=DEEP_HOUSE, drum_velocity=104,
        drum_volume=112, swing=0.54, swing_unit=0.5, sevenths=True, loose=0.001, energy=0.55, weight=0.7,
        parts=(
            Part(
                role="bass", kind="bass", low=31, velocity=102, volume=110,
                instruments=("synth bass", "rubber synth bass"),
                patterns=("R--R..R---.R..F-", "..R-..R-..RR..O-", "R-..R--R..R-..A-"),
            ),
            Part(
                role="chords", kind="chords", low=53, high=75, velocity=80, volume=88, pan=48,
                instruments=("polysynth pad", "electric piano", "drawbar organ", "soft synth strings"),
                patterns=("...x..x....x..x.", "x--x--x---..x---", "..x...x...x..xx."),
            ),
            Part(
                role="pad", kind="chords", low=52, high=74, velocity=60, volume=72, pan=80, chance=0.8,
                instruments=("warm pad", "sweep pad", "synth strings"),
                patterns=(HELD,),
            ),
            Part(
                role="lead", kind="melody", low=65, high=84, velocity=84, volume=84, pan=68,
                instruments=("square lead", "synth voice", "chiff lead", "saw lead"),
                patterns=("hook", "sparse"),
            ),
        ),
        words=("deep house", "deep house", "deephouse", "soulful house"),
    ),
    Style(
        genre="electronic", name="drum and bass", form="dance", tempo=(165, 178),
        modes=("minor", "minor", "dorian"), progressions=ROLLING, kits=("electronic drums", "drum machine"),
        grooves=DRUM_AND_BASS, drum_velocity=112, drum_volume=116, loose=0.001, energy=0.9, weight=0.9,
        parts=(
            Part(
                role="bass", kind="bass", low=28, velocity=108, volume=114,
                instruments=("synth bass", "bass lead", "rubber synth bass"),
                patterns=("R---R---R---R---", "R-R-R-R-R-R-R-O-", "R-R-..R-R-R-..R-", "R-------R---O---"),
            ),
            Part(
                role="pad", kind="chords", low=52, high=74, velocity=76, volume=86, pan=78,
                instruments=("synth strings", "sweep pad", "warm pad", "choir pad"),
                patterns=(HELD,),
            ),
            Part(
                role="arpeggio", kind="arpeggio", low=57, high=79, velocity=84, volume=86, pan=46,
                instruments=("polysynth pad", "saw lead", "square lead"),
                patterns=("0-1-2-3-2-1-2-1-", "0-2-1-2-3-2-1-2-", "0--1--2-0--1--2-"),
            ),
            Part(
                role="lead", kind="melody", low=65, high=85, velocity=88, volume=84, pan=66,
                instruments=("saw lead", "synth voice", "square lead", "charang lead"),
                patterns=("sparse", "song", "hook"),
            ),
        ),
        words=("drum and bass", "drum and bass", "drum & bass", "drum n bass", "dnb", "dnb", "d&b"),
    ),
    Style(
        genre="electronic", name="dubstep", form="dance", tempo=(138, 144), modes=("minor",),
        progressions=ROLLING, kits=("electronic drums",), grooves=DUBSTEP, drum_velocity=114, drum_volume=118,
        loose=0.0, energy=0.9, weight=0.5,
        parts=(
            Part(
                role="bass", kind="bass", low=28, velocity=112, volume=114,
                instruments=("bass lead", "saw lead", "synth bass"),
                patterns=("RRR.R-R-RRRRR---", "R---RRRRR--R--R-", "R-R-R-RRRRR-R---"),
            ),
            Part(
                role="pad", kind="chords", low=52, high=74, velocity=66, volume=76, pan=80,
                instruments=("sweep pad", "synth strings", "halo pad"),
                patterns=(HELD,),
            ),
            Part(
                role="arpeggio", kind="arpeggio", low=57, high=79, velocity=76, volume=80, pan=46, chance=0.6,
                instruments=("saw lead", "polysynth pad"),
                patterns=("0-1-2-1-0-1-2-3-", "0123210301232103"),
            ),
            Part(
                role="lead", kind="melody", low=65, high=84, velocity=90, volume=86, pan=66,
                instruments=("saw lead", "square lead", "synth voice", "charang lead"),
                patterns=("hook", "riff"),
            ),
        ),
        words=("dubstep", "dubstep", "dub step", "brostep"),
    ),
    Style(
        genre="electronic", name="synthwave", tempo=(100, 122), modes=("minor", "minor", "dorian", "major"),
        progressions=NEON, kits=("drum machine", "electronic drums"), grooves=SYNTHWAVE, drum_velocity=112,
        drum_volume=118, loose=0.0, reverb=45, energy=0.6, weight=0.8,
        parts=(
            Part(
                role="bass", kind="bass", low=31, velocity=102, volume=108,
                instruments=("synth bass", "rubber synth bass"),
                patterns=("RRRRRRRRRRRRRRRR", ".RRR.RRR.RRR.RRR", "R-RRR-RRR-RRR-RR"),
            ),
            Part(
                role="arpeggio", kind="arpeggio", low=57, high=79, velocity=86, volume=88, pan=42,
                instruments=("saw lead", "square lead", "polysynth pad"),
                patterns=("0123212301232123", "0213021302130213", "0210210210210213"),
            ),
            Part(
                role="pad", kind="chords", low=53, high=75, velocity=68, volume=80, pan=82,
                instruments=("synth strings", "warm pad", "sweep pad"),
                patterns=(HELD,),
            ),
            Part(
                role="lead", kind="melody", low=65, high=85, velocity=88, volume=86, pan=66,
                instruments=("saw lead", "square lead", "saw lead", "synth voice"),
                patterns=("hook", "song"),
            ),
        ),
        words=("synthwave", "synthwave", "synth wave", "retrowave", "outrun"),
    ),
    Style(
        genre="hip hop", name="lo-fi", tempo=(68, 90), modes=("major", "minor", "dorian"), progressions=LOUNGE,
        cadence=LEADING_SEVENTH, kits=("drums", "room drums"), grooves=LO_FI, drum_velocity=96, drum_volume=108,
        fills="soft", swing=0.59, swing_unit=0.5, sevenths=True, loose=0.009, energy=0.2, weight=1.0,
        parts=(
            Part(
                role="bass", kind="bass", low=31, velocity=92, volume=108,
                instruments=("electric bass", "fretless bass", "upright bass"),
                patterns=("R-----..F-R-....", "R---....R-..F---", "R-----R-..F-A---"),
            ),
            Part(
                role="chords", kind="chords", low=52, high=73, velocity=72, volume=92, pan=54,
                instruments=("electric piano", "electric piano", "piano", "jazz guitar"),
                patterns=("x-------..x-----", "x-----x---------", "x---x-----x-----"),
            ),
            Part(
                role="pad", kind="chords", low=57, high=76, velocity=50, volume=60, pan=84, chance=0.5,
                instruments=("warm pad", "strings", "soft synth strings"),
                patterns=(HELD,),
            ),
            Part(
                role="lead", kind="melody", low=62, high=81, velocity=74, volume=84, pan=72,
                instruments=("vibraphone", "jazz guitar", "flute", "electric piano", "muted trumpet", "piano"),
                patterns=("sparse", "lyric", "hook"),
            ),
        ),
        words=("lo-fi", "lofi", "lofi", "lo fi", "chillhop"),
    ),
)
# fmt: on
