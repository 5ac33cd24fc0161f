"""Electronic music and hip hop."""

from .grooves import BOOM_BAP, HOUSE, TECHNO, TRAP
from .model import HELD, Part, Style
from .progressions import DANCE, POP

# fmt: off
DANCE_STYLES: tuple[Style, ...] = (
    Style(
        genre="electronic", name="house", form="dance", tempo=(116, 130), modes=("minor", "dorian", "minor", "major"),
        progressions=DANCE, kits=("electronic drums", "drum machine"), grooves=HOUSE, drum_velocity=108,
        drum_volume=112, loose=0.001, energy=0.7,
        parts=(
            Part(
                role="bass", kind="bass", low=33, velocity=100, volume=105,
                instruments=("synth bass", "rubber synth bass"),
                patterns=("..R-..R-..R-..R-", "..R-..O-..R-..O-", "R-.RR-.RR-.RO-.R"),
            ),
            Part(
                role="chords", kind="chords", low=55, high=77, velocity=82, volume=84, pan=50,
                instruments=("polysynth pad", "bright piano", "saw lead", "drawbar organ"),
                patterns=("..x...x...x...x.", "x--x--x-..x--x--", "...x..x....x..x."),
            ),
            Part(
                role="pad", kind="chords", low=52, high=74, velocity=64, volume=72, pan=76, chance=0.8,
                instruments=("warm pad", "synth strings", "sweep pad"),
                patterns=(HELD,),
            ),
            Part(
                role="lead", kind="melody", low=67, high=88, velocity=88, volume=84, pan=68,
                instruments=("square lead", "saw lead", "chiff lead", "synth voice"),
                patterns=("hook", "riff"),
            ),
        ),
    ),
    Style(
        genre="electronic", name="techno", form="dance", tempo=(124, 142), modes=("minor", "minor", "dorian"),
        progressions={
            "major": DANCE["major"],
            "minor": (("i", "i", "i", "VII"), ("i", "i", "VI", "VI"), ("i", "i", "iv", "i")),
        },
        kits=("drum machine", "electronic drums"), grooves=TECHNO, drum_velocity=112, drum_volume=115, loose=0.0,
        energy=0.8,
        parts=(
            Part(
                role="bass", kind="bass", low=31, velocity=104, volume=106,
                instruments=("synth bass", "bass lead"),
                patterns=(".RRR.RRR.RRR.RRR", "..RR..RR..RR..RO"),
            ),
            Part(
                role="arpeggio", kind="arpeggio", low=52, high=72, volume=78, pan=44,
                instruments=("saw lead", "polysynth pad", "charang lead", "crystal synth"),
                patterns=("0120120120120123", "0.12.01.20.12.3.", "0021002100230021"),
            ),
            Part(
                role="pad", kind="chords", low=50, high=72, velocity=60, volume=70, pan=84, chance=0.7,
                instruments=("sweep pad", "halo pad", "sci-fi synth"),
                patterns=(HELD,),
            ),
            Part(
                role="lead", kind="melody", low=64, high=83, velocity=84, volume=78, pan=70,
                instruments=("square lead", "synth brass", "fifths lead"),
                patterns=("hook", "sparse"),
            ),
        ),
    ),
    Style(
        genre="electronic", name="trance", form="dance", tempo=(130, 145), modes=("minor", "minor", "major"),
        progressions=POP, kits=("electronic drums", "drum machine"), grooves=HOUSE, drum_velocity=108,
        drum_volume=110, loose=0.0, energy=0.85, weight=0.8,
        parts=(
            Part(
                role="bass", kind="bass", low=33, velocity=100, volume=104,
                instruments=("synth bass", "rubber synth bass"),
                patterns=("..RR..RR..RR..RR", ".RRR.RRR.RRR.RRR"),
            ),
            Part(
                role="arpeggio", kind="arpeggio", low=57, high=79, velocity=84, volume=82, pan=46,
                instruments=("saw lead", "polysynth pad", "square lead"),
                patterns=("0123212301232123", "0213021302130213"),
            ),
            Part(
                role="pad", kind="chords", low=54, high=76, velocity=70, volume=78, pan=80,
                instruments=("synth strings", "warm pad", "choir pad"),
                patterns=(HELD,),
            ),
            Part(
                role="lead", kind="melody", low=69, high=88, velocity=90, volume=84,
                instruments=("saw lead", "synth voice", "square lead"),
                patterns=("song", "hook"),
            ),
        ),
    ),
    Style(
        genre="hip hop", name="boom bap", tempo=(80, 100), modes=("minor", "dorian", "minor", "major"),
        progressions={
            "major": (("I7", "vi7", "ii7", "V7"), ("I7", "IV7", "I7", "IV7")),
            "minor": (("i7", "iv7", "i7", "VI7"), ("i7", "VI7", "i7", "VII"), ("i7", "i7", "iv7", "v7")),
        },
        kits=("drums", "room drums"), grooves=BOOM_BAP, drum_velocity=110, drum_volume=116, swing=0.58,
        swing_unit=0.5, sevenths=True, energy=0.45,
        parts=(
            Part(
                role="bass", kind="bass", low=31, velocity=102, volume=112,
                instruments=("electric bass", "upright bass", "synth bass"),
                patterns=("R--.....F-R-....", "R--..R....R-F-..", "R-----..R-..F-A-"),
            ),
            Part(
                role="chords", kind="chords", low=52, high=72, velocity=76, volume=88, pan=54,
                instruments=("electric piano", "fm electric piano", "jazz guitar"),
                patterns=("x---------x-----", "x-----x---------", "x-------..x-x---"),
            ),
            Part(
                role="lead", kind="melody", low=62, high=81, velocity=76, volume=84, pan=74,
                instruments=("vibraphone", "flute", "muted trumpet", "electric piano", "clean electric guitar"),
                patterns=("hook", "sparse"),
            ),
            Part(
                role="pad", kind="chords", low=57, high=76, velocity=54, volume=62, pan=84, chance=0.5,
                instruments=("strings", "soft synth strings"),
                patterns=(HELD,),
            ),
        ),
    ),
    Style(
        genre="hip hop", name="trap", tempo=(66, 84), modes=("minor",),
        progressions={
            "major": DANCE["major"],
            "minor": (("i", "i", "VI", "VI"), ("i", "VI", "i", "v"), ("i", "i", "iv", "VI")),
        },
        kits=("drum machine",), grooves=TRAP, drum_velocity=108, drum_volume=114, loose=0.002, energy=0.6,
        parts=(
            Part(
                role="bass", kind="bass", low=26, velocity=112, volume=120,
                instruments=("synth bass",),
                patterns=("R-----R---R--R--", "R--R--R-------F-", "R---------R-----"),
            ),
            Part(
                role="arpeggio", kind="arpeggio", low=60, high=80, velocity=74, volume=82, pan=50,
                instruments=("tinkle bell", "music box", "piano", "kalimba", "celesta"),
                patterns=("0-1-2-1-0-1-2-3-", "0-2-1-2-0-2-1-2-", "0---2-1-0---3-2-"),
            ),
            Part(
                role="pad", kind="chords", low=52, high=72, velocity=62, volume=70, pan=78,
                instruments=("choir", "synth voice", "slow strings", "halo pad"),
                patterns=(HELD,),
            ),
            Part(
                role="lead", kind="melody", low=65, velocity=76, volume=80, pan=70,
                instruments=("pan flute", "whistle", "square lead", "koto"),
                patterns=("sparse", "hook"),
            ),
        ),
    ),
)
# fmt: on
