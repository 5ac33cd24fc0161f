"""Jazz and classical music."""

from .grooves import BRUSH, SWING
from .model import Part, Style
from .progressions import CLASSICAL, JAZZ, LEADING, LEADING_SEVENTH

# fmt: off
CONCERT: tuple[Style, ...] = (
    Style(
        genre="jazz", name="swing", form="aaba", tempo=(112, 184), modes=("major", "minor", "dorian", "mixolydian"),
        progressions=JAZZ, cadence=LEADING_SEVENTH, kits=("jazz drums", "brushed drums"), grooves=SWING,
        drum_velocity=92, fills="soft", swing=0.64, sevenths=True, loose=0.007, energy=0.55, weight=1.3,
        parts=(
            Part(
                role="bass", kind="bass", low=31, velocity=98, volume=110,
                instruments=("upright bass",),
                patterns=("R---T---F---A---", "R---F---T---A---", "R---O---F---A---", "R---T---O---A---"),
            ),
            Part(
                role="chords", kind="chords", low=52, high=72, velocity=72, volume=88, pan=46,
                instruments=("piano", "jazz guitar", "drawbar organ"),
                patterns=("x-----x-........", "..x-......x-....", "x-....x-....x-..", "......x-..x-...."),
            ),
            Part(
                role="lead", kind="melody", low=58, high=79, velocity=92, volume=100, pan=74,
                instruments=(
                    "tenor saxophone", "trumpet", "alto saxophone", "clarinet", "vibraphone", "muted trumpet",
                    "trombone", "piano",
                ),
                patterns=("swing",),
            ),
        ),
    ),
    Style(
        genre="jazz", name="jazz ballad", form="aaba", tempo=(60, 86), modes=("major", "minor"),
        progressions=JAZZ, cadence=LEADING_SEVENTH, kits=("brushed drums",), grooves=BRUSH, drum_velocity=84,
        fills="soft", swing=0.62, sevenths=True, loose=0.007, energy=0.2, weight=0.7,
        parts=(
            Part(
                role="bass", kind="bass", low=31, velocity=92, volume=108,
                instruments=("upright bass", "fretless bass"),
                patterns=("R-------F-------", "R-----R-F---A---", "R---T---F---A---"),
            ),
            Part(
                role="chords", kind="chords", low=52, high=72, velocity=68, volume=88, pan=46,
                instruments=("piano", "electric piano", "jazz guitar"),
                patterns=("x---x---x---x---", "x-----x-----x---", "x-------x---x---"),
            ),
            Part(
                role="lead", kind="melody", low=58, high=77, velocity=84, volume=100, pan=74,
                instruments=("tenor saxophone", "muted trumpet", "clarinet", "piano"),
                patterns=("lyric", "swing"),
            ),
        ),
    ),
    Style(
        genre="classical", name="solo piano", form="rondo", tempo=(76, 138), modes=("major", "minor"),
        progressions=CLASSICAL, cadence=LEADING, fills="none", energy=0.3,
        parts=(
            Part(
                role="arpeggio", kind="arpeggio", low=43, high=64, velocity=68, volume=100, pan=54,
                instruments=("piano",),
                patterns=("0-2-1-2-0-2-1-2-", "0-1-2-3-4-3-2-1-", "0-1-2-1-3-1-2-1-"),
            ),
            Part(
                role="lead", kind="melody", low=65, high=88, velocity=84, volume=104, pan=72,
                instruments=("piano",),
                patterns=("lyric", "song", "dance"),
            ),
        ),
    ),
    Style(
        genre="classical", name="string ensemble", form="rondo", tempo=(80, 132), modes=("major", "minor"),
        progressions=CLASSICAL, cadence=LEADING, fills="none", reverb=70, energy=0.4,
        parts=(
            Part(
                role="bass", kind="bass", low=38, velocity=84, volume=100, pan=88,
                instruments=("cello", "double bass"),
                patterns=("R---R---R---R---", "R---T---F---T---", "R-------F-------"),
            ),
            Part(
                role="chords", kind="chords", low=55, high=74, velocity=70, volume=88, pan=46,
                instruments=("strings", "pizzicato strings", "tremolo strings"),
                patterns=("x-x-x-x-x-x-x-x-", "x---x---x---x---"),
            ),
            Part(
                role="arpeggio", kind="arpeggio", low=55, high=76, velocity=72, volume=86, pan=36, chance=0.7,
                instruments=("harp", "pizzicato strings", "harpsichord"),
                patterns=("0-1-2-1-0-1-2-1-", "0-1-2-3-2-1-2-1-"),
            ),
            Part(
                role="lead", kind="melody", low=64, high=86, velocity=92, volume=100, pan=70,
                instruments=("violin", "flute", "oboe", "viola", "french horn", "clarinet"),
                patterns=("lyric", "song"),
            ),
        ),
    ),
    Style(
        genre="classical", name="waltz", form="rondo", tempo=(100, 150), modes=("major", "major", "minor"),
        progressions=CLASSICAL, cadence=LEADING, fills="none", beats=3, reverb=60, energy=0.45, weight=0.7,
        parts=(
            Part(
                role="bass", kind="bass", low=38, velocity=92, volume=102, pan=80,
                instruments=("cello", "double bass", "piano"),
                patterns=("R---........", "R-------...."),
            ),
            Part(
                role="chords", kind="chords", low=55, high=74, velocity=70, pan=46,
                instruments=("piano", "strings", "pizzicato strings"),
                patterns=("....x---x---", "....x-..x-.."),
            ),
            Part(
                role="lead", kind="melody", low=65, high=86, velocity=90, volume=100, pan=70,
                instruments=("violin", "flute", "piano", "clarinet"),
                patterns=("waltz",),
            ),
        ),
    ),
)
# fmt: on
