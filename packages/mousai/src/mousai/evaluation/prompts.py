"""Prompts of the evaluation: 40 over all genres, and a grid over tempo, key and lead instrument.

No caption of the composer has all the words of a prompt (a test checks it), so none is a training caption; most have
words that no caption has.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Prompt:
    """A prompt and the attributes that it asks for.

    Args:
        text: the prompt itself.
        genre: genre, one of `mousai.compose.GENRES`.
        style: the composer's style of that genre, for the reference renders.
        bpm: tempo in beats per minute.
        key: key, such as "E minor"; `None` where the text names none.
        lead: General MIDI program of the lead instrument; `None` where the text names none.
    """

    text: str
    genre: str
    style: str
    bpm: int
    key: str | None = None
    lead: str | None = None


# Four for each genre, in an order in which every ten have every genre once, so that a part of the list is balanced too.
# fmt: off
PROMPTS = (
    Prompt("hard techno for a dark warehouse, 134 bpm, E minor", "electronic", "techno", 134, "E minor"),
    Prompt("old school boom bap hip hop to rap over, a flute on top, 92 bpm", "hip hop", "boom bap", 92, None, "flute"),
    Prompt("headbanging heavy metal riffs, 140 bpm, E minor", "metal", "heavy metal", 140, "E minor"),
    Prompt("catchy pop for a summer day with the band, 116 bpm, G major", "pop", "band pop", 116, "G major"),
    Prompt("swinging jazz with a walking bass and a sax solo at 150 bpm", "jazz", "swing", 150, None,
           "tenor saxophone"),
    Prompt("an elegant classical waltz for a ballroom, violin up front, 126 bpm, D major", "classical", "waltz", 126,
           "D major", "violin"),
    Prompt("sunny reggae for the beach with a trombone tune, 76 bpm, A major", "reggae", "roots reggae", 76, "A major",
           "trombone"),
    Prompt("ambient music to meditate to, very soft, 60 bpm", "ambient", "ambient", 60),
    Prompt("bossa nova for a café by the sea, flute melody, 128 bpm, F major", "latin", "bossa nova", 128, "F major",
           "flute"),
    Prompt("irish folk to dance a jig to, fiddle takes the tune, 120 bpm", "folk", "folk dance", 120, None, "fiddle"),

    Prompt("house music with four on the floor for the club, saw lead, 124 bpm", "electronic", "house", 124, None,
           "saw lead"),
    Prompt("slow trap hip hop with bells and deep bass, 74 bpm in C minor", "hip hop", "trap", 74, "C minor"),
    Prompt("thrash metal as fast and loud as it gets, distorted guitar lead, 184 bpm", "metal", "thrash metal", 184,
           None, "distorted guitar"),
    Prompt("quiet piano pop to fall asleep to at 76 bpm, C major", "pop", "piano pop", 76, "C major", "piano"),
    Prompt("smoky late night jazz ballad, muted trumpet, at 68 bpm", "jazz", "jazz ballad", 68, None, "muted trumpet"),
    Prompt("classical piano alone in an empty hall, A minor, 96 bpm", "classical", "solo piano", 96, "A minor",
           "piano"),
    Prompt("roots reggae, harmonica wailing over a heavy bass line, 84 bpm", "reggae", "roots reggae", 84, None,
           "harmonica"),
    Prompt("ambient for looking at the stars, pan flute far away, 72 bpm, D minor", "ambient", "ambient", 72,
           "D minor", "pan flute"),
    Prompt("hot latin salsa with a trumpet lead to dance all night, 176 bpm", "latin", "salsa", 176, None, "trumpet"),
    Prompt("folk guitar picked by the camp fire, 100 bpm in G major", "folk", "fingerpicked folk", 100, "G major"),

    Prompt("trance that lifts the whole festival, 138 bpm, A minor", "electronic", "trance", 138, "A minor"),
    Prompt("hip hop for driving home at night, electric piano melody, 86 bpm", "hip hop", "boom bap", 86, None,
           "electric piano"),
    Prompt("dark metal with roaring guitars, 156 bpm, B minor", "metal", "heavy metal", 156, "B minor"),
    Prompt("a radio pop song with a saxophone hook, 108 bpm, D major", "pop", "band pop", 108, "D major",
           "alto saxophone"),
    Prompt("jazz quintet in a cellar bar, the trumpet plays the theme, 138 bpm, F major", "jazz", "swing", 138,
           "F major", "trumpet"),
    Prompt("a classical string ensemble mourning, oboe solo, C minor, 84 bpm", "classical", "string ensemble", 84,
           "C minor", "oboe"),
    Prompt("reggae for a lazy afternoon, organ lead, 70 bpm, D minor", "reggae", "roots reggae", 70, "D minor",
           "rock organ"),
    Prompt("drifting ambient under the ice, piano drops, 66 bpm, C major", "ambient", "ambient", 66, "C major",
           "piano"),
    Prompt("gentle bossa nova on nylon guitar for breakfast, 120 bpm, A minor", "latin", "bossa nova", 120, "A minor",
           "nylon guitar"),
    Prompt("a village folk dance with accordion, 112 bpm, D major", "folk", "folk dance", 112, "D major", "accordion"),

    Prompt("driving house for running shoes, vocal synth voice lead, 120 bpm, F minor", "electronic", "house", 120,
           "F minor", "synth voice"),
    Prompt("lo-fi boom bap hip hop for homework, vibraphone, 82 bpm, G minor", "hip hop", "boom bap", 82, "G minor",
           "vibraphone"),
    Prompt("an evil thrash metal attack at 168 bpm in D minor", "metal", "thrash metal", 168, "D minor"),
    Prompt("eighties synth pop for a neon street, square lead, 112 bpm", "pop", "synth pop", 112, None, "square lead"),
    Prompt("cool jazz on vibraphone for a rainy window, 126 bpm, C minor", "jazz", "swing", 126, "C minor",
           "vibraphone"),
    Prompt("a classical string ensemble for a coronation, 104 bpm, Bb major", "classical", "string ensemble", 104,
           "Bb major"),
    Prompt("steady roots reggae in the shade with a trumpet, 80 bpm, G major", "reggae", "roots reggae", 80,
           "G major", "trumpet"),
    Prompt("ambient mist over a valley, 56 bpm, A minor", "ambient", "ambient", 56, "A minor"),
    Prompt("salsa for a crowded street in Havana, trombone lead, 188 bpm, G minor", "latin", "salsa", 188, "G minor",
           "trombone"),
    Prompt("lonesome folk on harmonica beside the railroad, 92 bpm, E minor", "folk", "fingerpicked folk", 92,
           "E minor", "harmonica"),
)
# fmt: on

# Two tempos, two keys and two lead instruments that the style has, in every combination, in the same words.
# fmt: off
_GRID = (
    ("jazz", "swing", "a jazz club on a friday, {lead} takes the solo, {bpm} bpm, {key}",
     (124, 160), ("F major", "D minor"), ("clarinet", "tenor saxophone")),
    ("pop", "band pop", "pop for a road trip, the tune on {lead}, {bpm} bpm, {key}",
     (100, 126), ("A major", "E minor"), ("clean electric guitar", "square lead")),
    ("latin", "bossa nova", "bossa nova on a balcony, {lead} sings the tune, {bpm} bpm, {key}",
     (114, 140), ("C major", "G minor"), ("piano", "vibraphone")),
    ("folk", "folk dance", "folk for a barn full of dancers, {lead} in front, {bpm} bpm, {key}",
     (108, 136), ("G major", "A minor"), ("whistle", "accordion")),
)
# fmt: on


def grid() -> Iterator[Prompt]:
    """32 prompts: four styles, each with two tempos, two keys and two leads in every combination."""
    for genre, style, text, bpms, keys, leads in _GRID:
        for bpm in bpms:
            for key in keys:
                for lead in leads:
                    yield Prompt(text.format(lead=lead, bpm=bpm, key=key), genre, style, bpm, key, lead)


def all_prompts() -> tuple[Prompt, ...]:
    """The 40 prompts and then the grid."""
    return (*PROMPTS, *grid())
