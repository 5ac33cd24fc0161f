"""The settings of a production: what is done to the sound of one song, as values that can be written down.

Levels are in decibels, times in seconds, frequencies in Hz. None means that an effect is not there.
"""

from dataclasses import asdict, dataclass
from typing import Any

from .buses import BUSES

PEAK = 0.97
"""Highest sample of a mix."""
SPACES = ("room", "plate", "hall")
TAPE_DEVIATION = 0.003
"""Largest deviation of pitch by tape, as a share of the frequency."""
TAPE_DISPLACEMENT = 0.003
"""Furthest that tape moves a note, in seconds."""


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name} is {value:g}; {low:g} to {high:g} would do")


@dataclass(frozen=True, slots=True, kw_only=True)
class Compression:
    """A compressor: `threshold` in dB over the RMS of what comes in, with a soft knee of `knee` dB."""

    threshold: float
    ratio: float
    attack: float = 0.01
    release: float = 0.15
    knee: float = 6.0

    def __post_init__(self) -> None:
        """Raise ValueError for a value out of range."""
        _check("threshold", self.threshold, -30.0, 30.0)
        _check("ratio", self.ratio, 1.0, 20.0)
        _check("attack", self.attack, 0.001, 0.2)
        _check("release", self.release, 0.01, 2.0)
        _check("knee", self.knee, 0.0, 24.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chorus:
    """Two copies of the sound whose delay of `delay` moves by `depth`, `rate` times a second; `mix` is their share."""

    rate: float
    depth: float
    mix: float
    delay: float = 0.012

    def __post_init__(self) -> None:
        """Raise ValueError for a value out of range."""
        _check("rate", self.rate, 0.05, 5.0)
        _check("delay", self.delay, 0.001, 0.03)
        _check("depth", self.depth, 0.0, self.delay)
        _check("mix", self.mix, 0.0, 0.7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bus:
    """The processing of one bus, which leaves it `level` dB louder than one of level 0.

    Loudness is compared by K-weighted power, each bus where it plays; that of the lead is set afterwards, by the song's
    lead level. The order: compression; saturation by `drive` dB; a cut below `low_cut` and the speaker of a guitar
    amplifier (`cabinet`); chorus; the side signal times `width`; sends into reverb and delay, in dB under
    the dry sound.
    """

    level: float = 0.0
    compression: Compression | None = None
    drive: float | None = None
    low_cut: float = 30.0
    cabinet: bool = False
    chorus: Chorus | None = None
    width: float = 1.0
    reverb: float | None = None
    delay: float | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for a value out of range."""
        _check("level", self.level, -30.0, 30.0)
        if self.drive is not None:
            _check("drive", self.drive, -12.0, 18.0)
        _check("low_cut", self.low_cut, 10.0, 400.0)
        _check("width", self.width, 0.0, 1.5)
        for name, send in (("reverb", self.reverb), ("delay", self.delay)):
            if send is not None:
                _check(name, send, -40.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverb:
    """A space.

    `decay` is the time in which the middle frequencies fall by 60 dB, `damping` the share of it that is left for the
    treble, `predelay` the time before the first reflection.
    """

    space: str
    decay: float
    predelay: float = 0.01
    damping: float = 0.5

    def __post_init__(self) -> None:
        """Raise ValueError for an unknown space or a value out of range."""
        if self.space not in SPACES:
            raise ValueError(f"space is {self.space!r}; one of {', '.join(SPACES)} would do")
        _check("decay", self.decay, 0.1, 6.0)
        _check("predelay", self.predelay, 0.0, 0.1)
        _check("damping", self.damping, 0.1, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """Echoes every `beats` beats, each `feedback` times the one before it and without what is above `damping`."""

    beats: float
    feedback: float
    damping: float = 4000.0
    ping_pong: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError for a value out of range."""
        _check("beats", self.beats, 0.125, 2.0)
        _check("feedback", self.feedback, 0.0, 0.7)
        _check("damping", self.damping, 500.0, 16000.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SideChain:
    """Pumping: at every kick all but the drums fall by `depth` dB and come back within `release` beats."""

    depth: float
    release: float = 0.75

    def __post_init__(self) -> None:
        """Raise ValueError for a value out of range."""
        _check("depth", self.depth, 0.0, 18.0)
        _check("release", self.release, 0.1, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tape:
    """Wow and flutter: each swings around zero at `..._rate` and bends pitch by at most `wow` and `flutter`."""

    wow: float
    flutter: float
    wow_rate: float = 0.8
    flutter_rate: float = 8.0

    def __post_init__(self) -> None:
        """Raise ValueError where pitch or time would move too far."""
        _check("wow_rate", self.wow_rate, 0.2, 3.0)
        _check("flutter_rate", self.flutter_rate, 4.0, 15.0)
        _check("wow", self.wow, 0.0, TAPE_DEVIATION)
        _check("flutter", self.flutter, 0.0, TAPE_DEVIATION)
        _check("wow + flutter", self.wow + self.flutter, 0.0, TAPE_DEVIATION)
        _check("displacement", self.displacement, 0.0, TAPE_DISPLACEMENT)

    @property
    def displacement(self) -> float:
        """Furthest that a note is moved, in seconds."""
        return (self.wow / self.wow_rate + self.flutter / self.flutter_rate) / 6.283185307179586


@dataclass(frozen=True, slots=True, kw_only=True)
class Vinyl:
    """The noise of a record: `level` dB under the music, with so many `crackles` a second."""

    level: float
    crackles: float

    def __post_init__(self) -> None:
        """Raise ValueError for a value out of range."""
        _check("level", self.level, -60.0, -20.0)
        _check("crackles", self.crackles, 0.0, 50.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Master:
    """The last chain, in this order.

    `tilt` dB more above 700 Hz and as many less below; compression; peaks rounded off at `crest` dB over the RMS; fades
    at both ends; a gain to the integrated `loudness` in LUFS, with the limiter behind it.
    """

    loudness: float
    tilt: float = 0.0
    compression: Compression | None = None
    crest: float | None = None
    fade_in: float = 0.0
    fade_out: float = 0.6

    def __post_init__(self) -> None:
        """Raise ValueError for a value out of range."""
        _check("loudness", self.loudness, -30.0, -8.0)
        _check("tilt", self.tilt, -6.0, 6.0)
        if self.crest is not None:
            _check("crest", self.crest, 6.0, 30.0)
        _check("fade_in", self.fade_in, 0.0, 30.0)
        _check("fade_out", self.fade_out, 0.0, 60.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Production:
    """Everything that is done to one song. `seed` is that of its noises: reverb tails and vinyl."""

    seed: int
    drums: Bus
    bass: Bus
    chords: Bus
    guitars: Bus
    lead: Bus
    reverb: Reverb
    master: Master
    delay: Delay | None = None
    side_chain: SideChain | None = None
    tape: Tape | None = None
    vinyl: Vinyl | None = None

    def bus(self, name: str) -> Bus:
        """The bus of a name out of `BUSES`."""
        found = {name: getattr(self, name) for name in BUSES}[name]
        assert isinstance(found, Bus)
        return found

    def to_dict(self) -> dict[str, Any]:
        """All settings as nested dictionaries, ready for JSON; effects that are not there are None."""
        return asdict(self)
