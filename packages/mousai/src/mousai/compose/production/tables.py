"""Chances of each effect in the production of a style."""

from dataclasses import dataclass

Range = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Ranges (drawn evenly) and chances (0 to 1) from which the productions of a style are drawn.

    `bass` and `chords` are the levels of these layers over the drums in dB; `loudness` in LUFS; `spaces`, `decay` and
    `wet` of the reverb (the send of lead and chords in dB); `ratio` of the compressors of the layers; `drive` of bass
    and drums in dB and how likely it is there; `width` of chords; `crest` and `tilt` of the master in dB; `depth` of
    side-chain pumping in dB.
    """

    bass: float = -4.0
    chords: float = -4.0
    loudness: Range = (-14.0, -11.0)
    spaces: tuple[str, ...] = ("room", "plate", "hall")
    decay: Range = (0.5, 1.8)
    wet: Range = (-16.0, -9.0)
    ratio: Range = (1.5, 3.5)
    drive: Range = (-6.0, 2.0)
    drive_chance: float = 0.3
    width: Range = (0.8, 1.3)
    crest: Range = (12.0, 15.0)
    tilt: Range = (-1.0, 1.5)
    delay: float = 0.3
    chorus: float = 0.25
    side_chain: float = 0.0
    depth: Range = (2.0, 6.0)
    tape: float = 0.05
    vinyl: float = 0.0
    fade_in: float = 0.05
    fade_out: float = 0.25


DEFAULT = Profile()
"""Of a style whose name and genre are not in the table."""

_DANCE = Profile(
    bass=-3.0, chords=-5.0,
    loudness=(-11.5, -9.0), decay=(0.6, 2.2), spaces=("plate", "hall", "room"), ratio=(2.0, 5.0), drive_chance=0.5,
    width=(0.9, 1.4), crest=(9.5, 12.0), tilt=(-0.5, 2.0), delay=0.5, side_chain=0.75, depth=(3.0, 9.0), fade_out=0.15,
)  # fmt: skip
_HIP_HOP = Profile(
    bass=-2.0, chords=-6.0,
    loudness=(-12.0, -9.0), decay=(0.3, 1.2), spaces=("room", "plate"), wet=(-20.0, -12.0), ratio=(2.0, 4.5),
    drive=(-4.0, 4.0), drive_chance=0.6, crest=(10.0, 12.5), tilt=(-2.0, 0.5), delay=0.3, side_chain=0.1,
    depth=(1.5, 4.0), tape=0.15, vinyl=0.15,
)  # fmt: skip
_LO_FI = Profile(
    bass=-3.0, chords=-2.0,
    loudness=(-15.0, -11.5), decay=(0.3, 1.0), spaces=("room", "plate"), ratio=(2.0, 4.0), drive=(-2.0, 5.0),
    drive_chance=0.8, width=(0.6, 1.1), tilt=(-4.0, -1.5), delay=0.3, chorus=0.4, side_chain=0.25, depth=(1.5, 4.0),
    tape=0.8, vinyl=0.75,
)  # fmt: skip
_METAL = Profile(
    bass=-5.0, chords=0.0,
    loudness=(-11.5, -9.0), decay=(0.4, 1.2), spaces=("room", "plate"), wet=(-20.0, -13.0), ratio=(2.5, 5.0),
    drive=(-4.0, 4.0), drive_chance=0.7, width=(1.0, 1.5), crest=(9.5, 12.0), delay=0.25, chorus=0.1, fade_out=0.1,
)  # fmt: skip
_CONCERT = Profile(
    bass=3.0, chords=6.0,
    loudness=(-16.0, -13.0), spaces=("hall", "hall", "room"), decay=(1.2, 2.8), wet=(-13.0, -6.0), ratio=(1.2, 1.8),
    drive_chance=0.0, width=(0.9, 1.3), crest=(15.0, 20.0), tilt=(-1.5, 0.5), delay=0.0, chorus=0.0, tape=0.02,
    fade_out=0.05,
)  # fmt: skip
_JAZZ = Profile(
    bass=1.0, chords=1.0,
    loudness=(-16.0, -13.0), spaces=("room", "room", "plate"), decay=(0.4, 1.4), ratio=(1.2, 2.2), drive=(-8.0, -2.0),
    drive_chance=0.15, crest=(14.0, 18.0), tilt=(-1.5, 0.5), delay=0.02, chorus=0.05, tape=0.12, vinyl=0.05,
    fade_out=0.1,
)  # fmt: skip
_ACOUSTIC = Profile(
    bass=0.0, chords=3.0,
    loudness=(-16.0, -12.5), spaces=("room", "room", "plate"), decay=(0.3, 1.3), ratio=(1.3, 2.5), drive_chance=0.1,
    crest=(13.0, 17.0), delay=0.05, chorus=0.05, tape=0.08, fade_out=0.15,
)  # fmt: skip
_FUNK = Profile(
    bass=-2.0, chords=-4.0,
    loudness=(-13.0, -10.0), spaces=("room", "plate"), decay=(0.3, 1.1), wet=(-19.0, -11.0), ratio=(2.0, 4.0),
    drive_chance=0.45, crest=(11.0, 14.0), delay=0.15, tape=0.15,
)  # fmt: skip
_SYNTHS = Profile(
    bass=-3.0, chords=-3.0,
    loudness=(-12.0, -9.5), ratio=(2.0, 4.0), crest=(10.5, 13.0), delay=0.5, chorus=0.6, side_chain=0.4
)  # fmt: skip

PROFILES: dict[str, Profile] = {
    "electronic": _DANCE,
    "hip hop": _HIP_HOP,
    "lo-fi": _LO_FI,
    "metal": _METAL,
    "pop": Profile(loudness=(-12.5, -9.5), ratio=(2.0, 4.0), crest=(11.0, 13.5), delay=0.4),
    "synth pop": _SYNTHS,
    "synthwave": _SYNTHS,
    "disco": Profile(
        bass=-4.0, chords=-1.0,
        loudness=(-12.5, -10.0), spaces=("room", "plate"), decay=(0.4, 1.3), ratio=(1.5, 3.0), drive_chance=0.3,
        crest=(11.0, 13.5), delay=0.2, side_chain=0.05, depth=(1.5, 4.0), tape=0.1,
    ),
    "jazz": _JAZZ,
    "classical": _CONCERT,
    "reggae": Profile(
        bass=1.0, chords=-4.0,
        loudness=(-13.0, -10.0), delay=0.7, tape=0.2, tilt=(-2.0, 0.5), drive_chance=0.4,
    ),
    "ambient": Profile(
        bass=0.0, chords=5.0,
        loudness=(-16.0, -13.0), spaces=("hall", "hall", "plate"), decay=(2.0, 4.5), wet=(-9.0, -3.0), ratio=(1.2, 2.0),
        drive_chance=0.1, width=(1.0, 1.4), crest=(13.0, 18.0), tilt=(-2.0, 0.5), delay=0.5, chorus=0.5, tape=0.2,
        fade_in=0.4, fade_out=0.6,
    ),
    "latin": Profile(
        bass=-2.0, chords=-2.0,
        spaces=("room", "plate"), decay=(0.4, 1.3), delay=0.05, crest=(12.0, 16.0),
    ),
    "reggaeton": _HIP_HOP,
    "folk": _ACOUSTIC,
    "funk": _FUNK,
    "soul": _FUNK,
}  # fmt: skip
"""Profiles by the name of a style or of a genre."""


def profile_of(genre: str, style: str) -> Profile:
    """The profile of a style: under its own name, else its genre's, else `DEFAULT`."""
    return PROFILES.get(style) or PROFILES.get(genre) or DEFAULT
