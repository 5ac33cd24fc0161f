"""Reggae, ambient, latin and folk music."""

from .grooves import BOSSA, CAMPFIRE, ONE_DROP, SALSA
from .model import HELD, Part, Style
from .progressions import DRIFT, FOLK, LATIN, LEADING_SEVENTH, MODAL, REGGAE

# fmt: off
WORLD: tuple[Style, ...] = (
    Style(
        genre="reggae", name="roots reggae", tempo=(64, 92), modes=("major", "minor", "dorian", "mixolydian"),
        progressions=REGGAE, cadence=MODAL, kits=("drums", "room drums"), grooves=ONE_DROP, drum_velocity=104,
        swing=0.54, swing_unit=0.5, energy=0.45,
        parts=(
            Part(
                role="bass", kind="bass", low=31, velocity=108, volume=116,
                instruments=("electric bass", "fretless bass"),
                patterns=("R---..R-T-F-....", "R--R..F-R---....", "R-R-..T-F---R-..", "..R-R-..F-T-R-.."),
            ),
            Part(
                role="chords", kind="strum", low=57, high=76, velocity=88, volume=94, pan=36,
                instruments=("muted guitar", "clean electric guitar"),
                patterns=("..x...x...x...x.", "..xo..x...xo..x."),
            ),
            Part(
                role="second", kind="chords", low=55, high=74, velocity=72, volume=80, pan=90,
                instruments=("drawbar organ", "percussive organ", "reed organ"),
                patterns=("..x.o.x.o.x.o.x.", "..x-..x-..x-..x-"),
            ),
            Part(
                role="lead", kind="melody", low=60, high=79, velocity=88, pan=70,
                instruments=("trombone", "trumpet", "clavinet", "brass section", "rock organ", "harmonica"),
                patterns=("hook", "sparse", "latin"),
            ),
        ),
    ),
    Style(
        genre="ambient", name="ambient", tempo=(54, 82), modes=("major", "minor", "dorian"),
        progressions=DRIFT, cadence={"major": "IV", "minor": "VII"}, fills="none", sevenths=True, loose=0.004,
        reverb=110, energy=0.05,
        parts=(
            Part(
                role="pad", kind="chords", low=48, high=72, velocity=78, volume=96, pan=50,
                instruments=("warm pad", "choir pad", "bowed pad", "halo pad", "new age pad", "slow strings"),
                patterns=(HELD,),
            ),
            Part(
                role="bass", kind="bass", low=33, velocity=70, volume=84,
                instruments=("soft synth strings", "warm pad", "synth bass"),
                patterns=("R---------------", "R-------R-------"),
            ),
            Part(
                role="arpeggio", kind="arpeggio", low=60, high=81, velocity=72, volume=92, pan=80,
                instruments=("celesta", "music box", "kalimba", "vibraphone", "electric piano", "harp"),
                patterns=("0-1-2-3-2-1-2-1-", "0-1-2-1-3-1-2-1-", "0---1---2---3---", "0---2---1---3---"),
            ),
            Part(
                role="lead", kind="melody", low=65, velocity=72, volume=88,
                instruments=(
                    "atmosphere synth", "pan flute", "shakuhachi", "synth voice", "crystal synth", "ocarina",
                    "piano",
                ),
                patterns=("sparse",),
            ),
        ),
    ),
    Style(
        genre="latin", name="bossa nova", form="aaba", tempo=(110, 146), modes=("major", "minor"),
        progressions=LATIN, cadence=LEADING_SEVENTH, kits=("jazz drums", "drums"), grooves=BOSSA, drum_velocity=84,
        fills="soft", sevenths=True, energy=0.35,
        parts=(
            Part(
                role="bass", kind="bass", low=33, velocity=94, volume=106,
                instruments=("upright bass", "electric bass"),
                patterns=("R---..FFF---..RR", "R-----F-F-------", "R---R---F---F---"),
            ),
            Part(
                role="chords", kind="chords", low=52, high=72, volume=100, pan=44,
                instruments=("nylon guitar",),
                patterns=("x-..x-..x-....x-x-..x-....x-x-..", "x---x-..x---..x-", "x-..x-x-..x-x-.."),
            ),
            Part(
                role="lead", kind="melody", low=62, high=81, velocity=84, volume=96, pan=76,
                instruments=("flute", "nylon guitar", "tenor saxophone", "vibraphone", "piano"),
                patterns=("latin",),
            ),
        ),
    ),
    Style(
        genre="latin", name="salsa", tempo=(150, 200), modes=("minor", "minor", "major"),
        progressions=LATIN, cadence=LEADING_SEVENTH, kits=("drums",), grooves=SALSA, drum_velocity=104,
        drum_volume=112, energy=0.8,
        parts=(
            Part(
                role="bass", kind="bass", low=31, velocity=104, volume=110,
                instruments=("electric bass", "upright bass"),
                patterns=("R---..F-F---..R-", "R---F---O---F---", "R-..R-F-..F-O---"),
            ),
            Part(
                role="arpeggio", kind="arpeggio", low=55, high=76, velocity=92, volume=96, pan=44,
                instruments=("piano", "bright piano"),
                patterns=("0-3.2.3-0-3.2.3-1-3.2.3-0-32..3-", "3-0.2-0.3-0.2-3.3-0.2-0.3-.32-0."),
            ),
            Part(
                role="second", kind="chords", low=58, high=77, velocity=96, volume=86, pan=84,
                instruments=("brass section",),
                patterns=("X-..............X-..X-..........", "......x-X-......X---............"),
            ),
            Part(
                role="lead", kind="melody", low=62, high=82, velocity=98, volume=96, pan=70,
                instruments=("trumpet", "trombone", "flute", "tenor saxophone"),
                patterns=("latin", "song"),
            ),
        ),
    ),
    Style(
        genre="folk", name="fingerpicked folk", tempo=(84, 126), modes=("major", "major", "dorian", "minor"),
        progressions=FOLK, cadence=MODAL, kits=("drums",), grooves=CAMPFIRE, drum_velocity=80, drum_chance=0.5,
        fills="none", energy=0.3,
        parts=(
            Part(
                role="arpeggio", kind="arpeggio", low=48, high=67, velocity=86, volume=104, pan=46,
                instruments=("acoustic guitar", "acoustic guitar", "banjo"),
                patterns=("0-2-1-2-0-2-1-2-", "0-2-1-3-0-2-1-2-", "0-1-2-3-2-1-2-1-"),
            ),
            Part(
                role="bass", kind="bass", low=36, velocity=82, volume=92,
                instruments=("upright bass", "acoustic guitar"),
                patterns=("R-------F-------", "R-------R-------"),
            ),
            Part(
                role="lead", kind="melody", low=64, velocity=84, pan=76,
                instruments=("harmonica", "fiddle", "whistle", "recorder", "acoustic guitar"),
                patterns=("song", "lyric"),
            ),
        ),
    ),
    Style(
        genre="folk", name="folk dance", tempo=(104, 144), modes=("major", "dorian", "mixolydian", "minor"),
        progressions=FOLK, cadence=MODAL, kits=("drums",), grooves=CAMPFIRE, drum_velocity=92, drum_chance=0.8,
        fills="none", energy=0.65,
        parts=(
            Part(
                role="chords", kind="strum", low=48, high=70, velocity=88, volume=98, pan=40,
                instruments=("acoustic guitar", "banjo", "dulcimer"),
                patterns=("X---x-x-X---x-x-", "X-o-X-o-X-o-X-oo", "..x...x...x...x."),
            ),
            Part(
                role="bass", kind="bass", low=31, velocity=96, volume=104,
                instruments=("upright bass",),
                patterns=("R---..R-F---....", "R---F---R---F---", "R-------F-------"),
            ),
            Part(
                role="second", kind="chords", low=55, high=74, velocity=66, volume=76, pan=88, chance=0.6,
                instruments=("accordion", "reed organ"),
                patterns=(HELD, "..x...x...x...x."),
            ),
            Part(
                role="lead", kind="melody", low=64, high=86, velocity=94, volume=92, pan=70,
                instruments=("fiddle", "whistle", "accordion", "bagpipe", "piccolo", "harmonica"),
                patterns=("dance",),
            ),
        ),
    ),
)
# fmt: on
