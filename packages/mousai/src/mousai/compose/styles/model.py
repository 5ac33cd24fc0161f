"""Parts of a style."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..instruments import KITS, PROGRAMS
from ..writing.sections import FORMS
from .grooves import Groove
from .progressions import Progressions

HELD = "x---------------"
"""The rhythm of a chord held for a bar."""
KINDS = ("bass", "chords", "strum", "power", "arpeggio", "melody", "answer")
"""The generators that play a part."""
FILLS = ("full", "soft", "none")


@dataclass(frozen=True, kw_only=True)
class Part:
    """A layer of a style.

    `kind` names the generator, `instruments` the sounds to draw from, `patterns` its rhythms (for a melody its
    feels out of `mousai.compose.writing.melody.RHYTHMS`, for an answer rhythms of half a bar), low..high its register,
    `chance` how often the layer is there; `volume` and `pan` are MIDI controller values.
    """

    role: str
    kind: str
    instruments: tuple[str, ...]
    patterns: tuple[str, ...]
    low: int
    high: int = 84
    velocity: int = 80
    volume: int = 90
    pan: int = 64
    chance: float = 1.0

    def __post_init__(self) -> None:
        """Raise ValueError for an unknown kind or instrument."""
        if self.kind not in KINDS:
            raise ValueError(f"kind is {self.kind!r}; one of {', '.join(KINDS)} would do")
        for name in self.instruments:
            if name not in PROGRAMS:
                raise ValueError(f"instrument is {name!r}; a name out of PROGRAM_NAMES would do")


@dataclass(frozen=True, kw_only=True)
class Style:
    """A style: `genre` is what a listener calls it, `name` the branch of it.

    `tempo` is the usual range in beats per minute, `modes` are drawn from evenly, `progressions` and `cadence` (the
    chord before the last tonic) go by the quality of the key. `swing` is where in its unit of `swing_unit` beats the
    second half starts, 0.5 being straight; `sevenths` makes the first and the last tonic a seventh chord; `loose` is
    the spread of the players' timing in seconds. `energy`, from 0 to 1, decides the mood, `weight` how often the style
    stands for its genre. `form` names the order of sections (`mousai.compose.writing.sections`), `section_bars` their
    length where it is fixed (12 in the blues); `tonic_seventh` is the first and the last chord by quality where it is
    neither triad nor seventh of the mode. `words` are what people call the style, its name where there are none.
    """

    genre: str
    name: str
    tempo: tuple[int, int]
    modes: tuple[str, ...]
    progressions: Progressions
    cadence: Mapping[str, str] = field(default_factory=lambda: {"major": "V", "minor": "v"})
    parts: tuple[Part, ...]
    kits: tuple[str, ...] = ()
    grooves: tuple[Groove, ...] = ()
    drum_velocity: int = 96
    drum_volume: int = 100
    drum_chance: float = 1.0
    fills: str = "full"
    beats: int = 4
    swing: float = 0.5
    swing_unit: float = 1.0
    sevenths: bool = False
    loose: float = 0.006
    reverb: int = 45
    energy: float = 0.5
    weight: float = 1.0
    form: str = "song"
    section_bars: int = 0
    tonic_seventh: Mapping[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise ValueError for an unknown kit, form or kind of fills, or a tempo range that is none."""
        for name in self.kits:
            if name not in KITS:
                raise ValueError(f"kit is {name!r}; one of {', '.join(KITS)} would do")
        if self.fills not in FILLS:
            raise ValueError(f"fills is {self.fills!r}; one of {', '.join(FILLS)} would do")
        if self.form not in FORMS:
            raise ValueError(f"form is {self.form!r}; one of {', '.join(FORMS)} would do")
        if not 0 < self.tempo[0] <= self.tempo[1]:
            raise ValueError(f"tempo is {self.tempo}; (low, high) in beats per minute would do")
