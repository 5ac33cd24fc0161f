"""Blues, film music, country, reggaeton."""

from .grooves_club import REGGAETON
from .grooves_roots import CINEMATIC, COUNTRY, SHUFFLE
from .model import HELD, Part, Style
from .progressions import BLUES, LATIN, LEADING, LEADING_SEVENTH, SCREEN
from .progressions import COUNTRY as COUNTRY_CHORDS

# fmt: off
ROOTS: tuple[Style, ...] = (
    Style(
        genre="jazz", name="blues", section_bars=12, tempo=(84, 138), modes=("mixolydian", "mixolydian", "minor"),
        progressions=BLUES, cadence={"major": "Vb7", "minor": "V7"}, kits=("jazz drums", "brushed drums"),
        grooves=SHUFFLE, drum_velocity=92, fills="soft", swing=0.66, loose=0.007, energy=0.5, weight=0.6, form="aaba",
        tonic_seventh={"major": "Ib7", "minor": "i7"},
        parts=(
            Part(
                role="bass", kind="bass", low=31, velocity=98, volume=110,
                instruments=("upright bass",),
                patterns=("R---T---F---A---", "R---R---F---F---", "R---F---O---F---"),
            ),
            Part(
                role="chords", kind="chords", low=52, high=73, velocity=76, volume=90, pan=46,
                instruments=("piano", "jazz guitar"),
                patterns=("..x-..x-..x-..x-", "x-----x-....x-..", "....x.......x..."),
            ),
            Part(
                role="answer", kind="answer", low=58, high=77, velocity=82, volume=86, pan=54, chance=0.6,
                instruments=("piano", "jazz guitar", "muted trumpet"),
                patterns=("x-x-x---", "..x-x-x-", "x---x-x-"),
            ),
            Part(
                role="lead", kind="melody", low=58, high=79, velocity=92, volume=100, pan=74,
                instruments=("tenor saxophone", "alto saxophone", "harmonica", "jazz guitar", "trumpet", "piano"),
                patterns=("swing", "blues"),
            ),
        ),
        words=("blues", "blues", "blues", "bluesy"),
    ),
    Style(
        genre="classical", name="film score", tempo=(66, 124), modes=("minor", "minor", "major", "dorian"),
        progressions=SCREEN, cadence=LEADING, kits=("orchestral percussion",), grooves=CINEMATIC,
        drum_velocity=100, drum_volume=96, drum_chance=0.25, fills="none", reverb=75, energy=0.55, weight=1.0,
        parts=(
            Part(
                role="bass", kind="bass", low=33, velocity=92, volume=104, pan=84,
                instruments=("double bass", "cello"),
                patterns=("R---R---R---R---", "R-------R-------", "R---R-R-R---R-R-"),
            ),
            Part(
                role="chords", kind="chords", low=52, high=74, velocity=74, volume=92, pan=50,
                instruments=("strings", "strings", "tremolo strings"),
                patterns=("x-x-x-x-x-x-x-x-", "x-xxx-xxx-xxx-xx", "x---x-x-x---x-x-"),
            ),
            Part(
                role="second", kind="chords", low=48, high=69, velocity=66, volume=74, pan=74, chance=0.5,
                instruments=("french horn", "slow strings", "french horn", "choir"),
                patterns=(HELD, "x-------x-------"),
            ),
            Part(
                role="arpeggio", kind="arpeggio", low=57, high=79, velocity=74, volume=88, pan=38, chance=0.75,
                instruments=("harp", "pizzicato strings", "harp"),
                patterns=("0-1-2-3-2-1-2-1-", "0-2-1-2-0-2-1-2-"),
            ),
            Part(
                role="lead", kind="melody", low=60, high=81, velocity=94, volume=100, pan=66,
                instruments=("french horn", "violin", "violin", "oboe", "flute", "clarinet"),
                patterns=("theme", "lyric"),
            ),
        ),
        words=("film score", "film music", "cinematic", "orchestral", "soundtrack", "epic orchestral"),
    ),
    Style(
        genre="folk", name="country", tempo=(92, 148), modes=("major", "major", "major", "mixolydian"),
        progressions=COUNTRY_CHORDS, cadence={"major": "V7", "minor": "V"}, kits=("drums", "room drums"),
        grooves=COUNTRY, drum_velocity=84, drum_volume=92, drum_chance=0.85, fills="soft", energy=0.5, weight=0.9,
        parts=(
            Part(
                role="bass", kind="bass", low=31, velocity=98, volume=106,
                instruments=("upright bass", "electric bass"),
                patterns=("R-------F-------", "R---F---R---F---", "R-----R-F---T-A-"),
            ),
            Part(
                role="chords", kind="strum", low=48, high=70, velocity=88, volume=100, pan=40,
                instruments=("acoustic guitar",),
                patterns=("....X.x.....X.x.", "o---X-x-o---X-x-", "..x...x...x...x."),
            ),
            Part(
                role="arpeggio", kind="arpeggio", low=55, high=75, velocity=80, volume=82, pan=90, chance=0.7,
                instruments=("banjo", "banjo", "acoustic guitar", "clean electric guitar"),
                patterns=("0-2-1-3-0-2-1-2-", "0213021302130213", "0-1-2-0-1-2-0-2-"),
            ),
            Part(
                role="answer", kind="answer", low=60, high=79, velocity=84, volume=84, pan=80, chance=0.5,
                instruments=("fiddle", "harmonica", "clean electric guitar"),
                patterns=("x-x-x---", "..x-x-x-", "x-x-xxx-"),
            ),
            Part(
                role="lead", kind="melody", low=62, high=82, velocity=92, volume=96, pan=68,
                instruments=("fiddle", "harmonica", "acoustic guitar", "clean electric guitar", "banjo"),
                patterns=("song", "dance"),
            ),
        ),
        words=("country", "country", "country western", "americana"),
    ),
    Style(
        genre="latin", name="reggaeton", tempo=(88, 100), modes=("minor", "minor", "major"), progressions=LATIN,
        cadence=LEADING_SEVENTH, kits=("drums",), grooves=REGGAETON, drum_velocity=104,
        drum_volume=108, loose=0.002, energy=0.75, weight=0.6,
        parts=(
            Part(
                role="bass", kind="bass", low=31, velocity=106, volume=112,
                instruments=("electric bass", "upright bass"),
                patterns=("R---F---R---F---", "R--RF---R--RF-R-"),
            ),
            Part(
                role="chords", kind="chords", low=53, high=74, velocity=82, volume=88, pan=46,
                instruments=("bright piano", "piano", "nylon guitar"),
                patterns=("x-x-..x-x-x-..x-", "x---x-x-x---x-x-", "..x-..x-..x-..x-"),
            ),
            Part(
                role="second", kind="chords", low=58, high=77, velocity=92, volume=86, pan=84, chance=0.9,
                instruments=("brass section", "synth brass"),
                patterns=("X-..............X-..X-..........", "......x-X-......X---............"),
            ),
            Part(
                role="lead", kind="melody", low=62, high=82, velocity=92, volume=94, pan=68,
                instruments=("trumpet", "flute", "trombone", "nylon guitar", "accordion"),
                patterns=("latin",),
            ),
        ),
        words=("reggaeton", "reggaeton", "dembow", "perreo"),
    ),
)
# fmt: on
