"""Metal and pop."""

from .grooves import BEAT, HEAVY, QUIET, THRASH
from .model import HELD, Part, Style
from .progressions import METAL, MODAL, POP

# fmt: off
BANDS: tuple[Style, ...] = (
    Style(
        genre="metal", name="heavy metal", tempo=(116, 160), modes=("minor",),
        progressions=METAL, cadence=MODAL, kits=("power drums",), grooves=HEAVY, drum_velocity=118, drum_volume=116,
        loose=0.004, energy=0.9,
        parts=(
            Part(
                role="bass", kind="bass", low=28, velocity=112, volume=108,
                instruments=("picked bass", "electric bass"),
                patterns=("R-R-R-R-R-R-R-R-", "R-RRR-RRR-RRR-RR"),
            ),
            Part(
                role="chords", kind="power", low=40, velocity=104, volume=96, pan=20,
                instruments=("distorted guitar",),
                patterns=("x-xxx-xxx-xxx-xx", "X---x-x-X---x-x-", "X-------x-xxx-x-", "xxxxxxxxxxxxxxxx"),
            ),
            Part(
                role="second", kind="power", low=40, velocity=102, volume=94, pan=108,
                instruments=("distorted guitar", "overdriven guitar"),
                patterns=("x-xxx-xxx-xxx-xx", "X---x-x-X---x-x-", "X-------x-------"),
            ),
            Part(
                role="lead", kind="melody", low=64, high=86, velocity=106, volume=92,
                instruments=("overdriven guitar", "distorted guitar", "guitar harmonics"),
                patterns=("riff", "song", "dance"),
            ),
        ),
    ),
    Style(
        genre="metal", name="thrash metal", tempo=(152, 200), modes=("minor",),
        progressions=METAL, cadence=MODAL, kits=("power drums",), grooves=THRASH, drum_velocity=118, drum_volume=118,
        loose=0.003, energy=1.0, weight=0.8,
        parts=(
            Part(
                role="bass", kind="bass", low=28, velocity=114, volume=108,
                instruments=("picked bass",),
                patterns=("R-R-R-R-R-R-R-R-", "R-RRR-RRR-RRR-RR"),
            ),
            Part(
                role="chords", kind="power", low=40, velocity=108, volume=98, pan=18,
                instruments=("distorted guitar",),
                patterns=("x-x-x-x-x-x-x-x-", "x-xxx-xxx-xxx-xx", "X-x-x-X-x-x-X-x-"),
            ),
            Part(
                role="second", kind="power", low=40, velocity=104, volume=94, pan=110,
                instruments=("overdriven guitar", "distorted guitar"),
                patterns=("x-x-x-x-x-x-x-x-", "X-------X-------"),
            ),
            Part(
                role="lead", kind="melody", low=66, high=88, velocity=108,
                instruments=("distorted guitar", "overdriven guitar"),
                patterns=("dance", "riff"),
            ),
        ),
    ),
    Style(
        genre="pop", name="band pop", tempo=(96, 132), modes=("major", "major", "minor"),
        progressions=POP, kits=("drums", "room drums"), grooves=BEAT, energy=0.65,
        parts=(
            Part(
                role="bass", kind="bass", low=31, velocity=96, volume=98,
                instruments=("electric bass", "picked bass"),
                patterns=("R-R-R-R-R-R-R-R-", "R-----R-R-----R-", "R-----R-F---R-A-"),
            ),
            Part(
                role="chords", kind="strum", low=50, high=74, velocity=82, volume=82, pan=36,
                instruments=("clean electric guitar", "acoustic guitar"),
                patterns=("X---X-x-o-x-X-x-", "X-------X-----x-", "X-o-X-o-X-o-X-o-"),
            ),
            Part(
                role="second", kind="chords", low=55, high=76, velocity=78, volume=82, pan=88, chance=0.8,
                instruments=("piano", "electric piano", "bright piano"),
                patterns=("x---x---x---x---", "x-----x-----x---"),
            ),
            Part(
                role="pad", kind="chords", low=57, high=79, velocity=56, volume=64, pan=78, chance=0.5,
                instruments=("strings", "voice oohs"),
                patterns=(HELD,),
            ),
            Part(
                role="lead", kind="melody", low=62, high=81, velocity=92, volume=92,
                instruments=("clean electric guitar", "voice oohs", "alto saxophone", "bright piano", "square lead"),
                patterns=("song",),
            ),
        ),
    ),
    Style(
        genre="pop", name="piano pop", tempo=(70, 112), modes=("major", "major", "minor"),
        progressions=POP, kits=("room drums",), grooves=QUIET, drum_velocity=70, drum_volume=84, drum_chance=0.35,
        fills="soft", energy=0.2, weight=1.2,
        parts=(
            Part(
                role="chords", kind="chords", low=52, high=72, velocity=66, volume=100, pan=58,
                instruments=("piano",),
                patterns=("x---x---x---x---", "x---o---x---o---", "x-o-o-o-x-o-o-o-"),
            ),
            Part(
                role="bass", kind="bass", low=33, velocity=68, volume=96, pan=54,
                instruments=("piano", "piano", "electric bass"),
                patterns=("R-------R-------", "R-------F-------", "R-----F-O-------"),
            ),
            Part(
                role="pad", kind="chords", low=55, high=76, velocity=48, volume=64, pan=84, chance=0.55,
                instruments=("strings", "slow strings", "warm pad"),
                patterns=(HELD,),
            ),
            Part(
                role="lead", kind="melody", low=67, high=86, volume=104, pan=70,
                instruments=("piano", "piano", "flute", "cello", "voice oohs"),
                patterns=("lyric", "song"),
            ),
        ),
    ),
    Style(
        genre="pop", name="synth pop", tempo=(100, 128), modes=("major", "minor"),
        progressions=POP, kits=("electronic drums", "drum machine"), grooves=BEAT, drum_velocity=104, loose=0.001,
        energy=0.7, weight=0.8,
        parts=(
            Part(
                role="bass", kind="bass", low=33, velocity=98, volume=100,
                instruments=("synth bass", "rubber synth bass"),
                patterns=("R-R-R-R-R-R-R-R-", "R-O-R-O-R-O-R-O-"),
            ),
            Part(
                role="chords", kind="chords", low=55, high=76, volume=82, pan=44,
                instruments=("polysynth pad", "synth brass", "soft synth brass"),
                patterns=("x-----x-----x---", "x---x---x---x---"),
            ),
            Part(
                role="arpeggio", kind="arpeggio", low=60, high=80, velocity=70, volume=76, pan=88, chance=0.8,
                instruments=("fm electric piano", "square lead", "crystal synth"),
                patterns=("0-1-2-1-0-1-2-1-", "0-2-1-3-0-2-1-3-"),
            ),
            Part(
                role="lead", kind="melody", low=65, velocity=90, volume=86,
                instruments=("square lead", "saw lead", "synth voice", "calliope lead"),
                patterns=("song", "hook"),
            ),
        ),
    ),
)
# fmt: on
