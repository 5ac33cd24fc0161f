"""Bands that groove: funk, soul, disco, hard rock."""

from .grooves_club import DISCO, FUNK, SOUL
from .grooves_roots import ROCK
from .model import HELD, Part, Style
from .progressions import DEEP, FUNKY, LEADING_SEVENTH, MODAL, ROCKING, SOULFUL

# fmt: off
GROOVE_BANDS: tuple[Style, ...] = (
    Style(
        genre="pop", name="funk", tempo=(96, 118), modes=("mixolydian", "dorian", "dorian", "minor"),
        progressions=FUNKY, cadence={"major": "Vb7", "minor": "v7"}, kits=("drums", "room drums"), grooves=FUNK,
        drum_velocity=104, drum_volume=108, swing=0.53, swing_unit=0.5, loose=0.004, energy=0.75, weight=0.8,
        tonic_seventh={"major": "Ib7", "minor": "i7"},
        parts=(
            Part(
                role="bass", kind="bass", low=31, velocity=108, volume=110,
                instruments=("slap bass", "electric bass", "popped bass"),
                patterns=("R-.R..O.R-..F-A-", "R--O.R..R-O-..FA", "R-..R.O.R..R.OF-", "RR.O..R.RR..F-O-"),
            ),
            Part(
                role="chords", kind="strum", low=57, high=77, velocity=88, volume=88, pan=34,
                instruments=("muted guitar", "clean electric guitar"),
                patterns=("oo.xoo.xoo.xoo.x", "x.oox.oox.oox.oo", "..x...x...x..xx."),
            ),
            Part(
                role="second", kind="chords", low=53, high=74, velocity=86, volume=84, pan=92, chance=0.85,
                instruments=("clavinet", "electric piano", "drawbar organ"),
                patterns=("x.x..x..x.x..x..", "..x..x....x..x..", "x--...x-..x-...."),
            ),
            Part(
                role="answer", kind="answer", low=60, high=79, velocity=98, volume=84, pan=80, chance=0.6,
                instruments=("brass section", "brass section", "tenor saxophone"),
                patterns=("x.xx..x-", "..x.xx.x", "xx..x---", "x..x..x-"),
            ),
            Part(
                role="lead", kind="melody", low=60, high=80, velocity=94, volume=94, pan=68,
                instruments=("alto saxophone", "tenor saxophone", "trumpet", "clean electric guitar", "rock organ"),
                patterns=("funk", "hook"),
            ),
        ),
        words=("funk", "funk", "funky", "funk groove"),
    ),
    Style(
        genre="pop", name="soul", tempo=(72, 112), modes=("major", "major", "minor", "dorian"),
        progressions=SOULFUL, cadence=LEADING_SEVENTH, kits=("drums", "room drums"), grooves=SOUL, drum_velocity=92,
        fills="full", swing=0.53, swing_unit=0.5, loose=0.007, energy=0.45, weight=0.8,
        parts=(
            Part(
                role="bass", kind="bass", low=31, velocity=100, volume=108,
                instruments=("electric bass", "electric bass", "fretless bass"),
                patterns=("R---..R-F---T-A-", "R-----RRF-----A-", "R--R..F-R--R..F-"),
            ),
            Part(
                role="chords", kind="chords", low=53, high=74, velocity=76, volume=90, pan=48,
                instruments=("electric piano", "drawbar organ", "piano"),
                patterns=("x---x---x---x---", "x-----x---x-----", "x-..x-..x-..x-x-"),
            ),
            Part(
                role="second", kind="strum", low=57, high=76, velocity=80, volume=78, pan=30, chance=0.7,
                instruments=("clean electric guitar", "jazz guitar"),
                patterns=("....x.......x...", "....x.......x.x."),
            ),
            Part(
                role="pad", kind="chords", low=57, high=79, velocity=56, volume=66, pan=84, chance=0.5,
                instruments=("strings", "voice oohs"),
                patterns=(HELD,),
            ),
            Part(
                role="answer", kind="answer", low=60, high=79, velocity=88, volume=80, pan=90, chance=0.5,
                instruments=("brass section", "voice oohs", "strings"),
                patterns=("x-x-x---", "..x-x-x-", "x-x-xxx-"),
            ),
            Part(
                role="lead", kind="melody", low=62, high=81, velocity=90, volume=96, pan=66,
                instruments=("voice oohs", "alto saxophone", "tenor saxophone", "rock organ", "clean electric guitar"),
                patterns=("song", "lyric"),
            ),
        ),
        words=("soul", "soul", "r&b", "rnb", "neo soul", "soulful"),
    ),
    Style(
        genre="pop", name="disco", tempo=(112, 126), modes=("minor", "major", "dorian"), progressions=DEEP,
        cadence=LEADING_SEVENTH, kits=("drums", "room drums"), grooves=DISCO, drum_velocity=96, drum_volume=98,
        loose=0.003, energy=0.8, weight=0.6, sevenths=True,
        parts=(
            Part(
                role="bass", kind="bass", low=31, velocity=104, volume=108,
                instruments=("electric bass", "picked bass", "slap bass"),
                patterns=("R-O-R-O-R-O-R-O-", "R-O-R-O-F-O-R-A-", "R-.OR-.OR-.OR-FA"),
            ),
            Part(
                role="chords", kind="strum", low=57, high=77, velocity=86, volume=86, pan=36,
                instruments=("clean electric guitar", "muted guitar"),
                patterns=("xoxxxoxxxoxxxoxx", "..xx..xx..xx..xx", "x-xx..xxx-xx..xx"),
            ),
            Part(
                role="second", kind="chords", low=53, high=74, velocity=84, volume=90, pan=90,
                instruments=("piano", "bright piano", "electric piano"),
                patterns=("x--x--x---x--x--", "..x...x...x...x."),
            ),
            Part(
                role="pad", kind="chords", low=59, high=81, velocity=72, volume=80, pan=80,
                instruments=("strings",),
                patterns=(HELD, "x-------x-------"),
            ),
            Part(
                role="answer", kind="answer", low=60, high=80, velocity=92, volume=80, pan=74, chance=0.5,
                instruments=("brass section", "strings"),
                patterns=("x--x--x-", "x-x-x---", "..xxx-x-"),
            ),
            Part(
                role="lead", kind="melody", low=62, high=82, velocity=92, volume=94, pan=66,
                instruments=("voice oohs", "alto saxophone", "trumpet", "bright piano", "clean electric guitar"),
                patterns=("song", "hook"),
            ),
        ),
        words=("disco", "disco", "nu-disco", "disco pop"),
    ),
    Style(
        genre="metal", name="hard rock", tempo=(100, 150), modes=("minor", "minor", "dorian", "mixolydian"),
        progressions=ROCKING, cadence=MODAL, kits=("power drums",), grooves=ROCK, drum_velocity=116,
        drum_volume=114, loose=0.005, energy=0.85, weight=0.8,
        parts=(
            Part(
                role="bass", kind="bass", low=28, velocity=108, volume=108,
                instruments=("picked bass", "electric bass"),
                patterns=("R-R-R-R-R-R-R-R-", "R-----R-R-R-..R-"),
            ),
            Part(
                role="chords", kind="power", low=40, velocity=106, volume=100, pan=22,
                instruments=("distorted guitar",),
                patterns=("X---x-x-X---x-x-", "X-x-x-x-..x-X-x-", "x-x-x-x-x-x-x-x-", "X-x-x---X-x-x-x-"),
            ),
            Part(
                role="second", kind="power", low=40, velocity=104, volume=98, pan=106,
                instruments=("overdriven guitar", "distorted guitar"),
                patterns=("X-------X-------", "X---x---X---x---", "x-x-x-x-x-x-x-x-"),
            ),
            Part(
                role="lead", kind="melody", low=62, high=84, velocity=104, volume=92,
                instruments=("overdriven guitar", "distorted guitar"),
                patterns=("riff", "song", "hook"),
            ),
        ),
        words=("hard rock", "hard rock", "rock", "classic rock"),
    ),
)
# fmt: on
