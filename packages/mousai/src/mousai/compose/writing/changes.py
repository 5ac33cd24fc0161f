"""Changes of key and tempo in the course of a song; most songs have none."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from ..styles import Style
from .score import Bar
from .sections import LONG, SHORT
from .tempo import TempoMap

KEY_CHANCE, TEMPO_CHANCE = 0.07, 0.07
"""Share of the songs that are long enough that change their key, and share that change their tempo."""
SLOWER = 0.88
"""Tempo of a slower bridge, relative to the song's."""
RITARDANDO = (0.97, 0.93, 0.88, 0.82)
"""Tempos of the last four beats before the last bar, relative to the song's."""
LAST = 0.76
"""Tempo of the last bar after a ritardando."""


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Semitones that the last chorus is lifted, whether the bridge is slower, and whether the end slows down."""

    lift: int = 0
    slow_bridge: bool = False
    ritardando: bool = False

    @property
    def steady(self) -> bool:
        """Tell whether the tempo stays."""
        return not (self.slow_bridge or self.ritardando)


STEADY = Changes()
"""No change at all."""


def draw_changes(style: Style, count: int, rng: Random, *, key: bool, tempo: bool) -> Changes:
    """The changes of a song of `count` bars; `key` and `tempo` say whether there may be any of each."""
    lift = rng.choice((1, 2, 2))
    lifted = key and rng.random() < KEY_CHANCE and count >= SHORT and style.form != "dance"
    changes = tempo and rng.random() < TEMPO_CHANCE and count >= 6 and style.form != "dance"
    slower = rng.random() < 0.4 and count >= LONG
    return Changes(lift=lift if lifted else 0, slow_bridge=changes and slower, ritardando=changes and not slower)


def tempo_map_of(bars: Sequence[Bar], tempo: int, changes: Changes) -> TempoMap:
    """The tempo of every bar, and of every beat of a ritardando, in whole beats per minute."""
    tempos: list[tuple[float, float]] = []
    for bar in bars:
        last_before = len(bars) >= 2 and bar is bars[-2]
        if changes.ritardando and last_before:
            factors = RITARDANDO[-bar.beats :]
            tempos += [(bar.start + beat, round(tempo * factor)) for beat, factor in enumerate(factors)]
        elif changes.ritardando and bar.final:
            tempos.append((bar.start, round(tempo * LAST)))
        elif changes.slow_bridge and bar.section == "bridge":
            tempos.append((bar.start, round(tempo * SLOWER)))
        else:
            tempos.append((bar.start, tempo))
    return TempoMap.of(tempos)
