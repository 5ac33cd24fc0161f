"""Clock of a stream: where its bars lie, also after its tempo has changed."""

from dataclasses import dataclass

BEATS_PER_BAR = 4
STEP_WITHOUT_TEMPO = 2.0
"""Seconds after which a stream without a known tempo may change, as long as a bar at 120 bpm."""
_ROUNDING = 1e-4  # of a bar: a sample beside the line is on it


@dataclass(frozen=True)
class BarClock:
    """Grid of bars of one tempo from a bar on.

    Args:
        tempo: beats per minute; `None` where it is unknown, and steps of `STEP_WITHOUT_TEMPO` take the place of bars.
        first_bar: number of the bar with which it begins; the first of a stream is 1.
        start: second at which that bar begins.
    """

    tempo: float | None
    first_bar: int = 1
    start: float = 0.0

    @property
    def bar_seconds(self) -> float:
        """Length of a bar."""
        return STEP_WITHOUT_TEMPO if self.tempo is None else BEATS_PER_BAR * 60 / self.tempo

    def second_of(self, bar: int) -> float:
        """Second at which a bar begins."""
        return self.start + (bar - self.first_bar) * self.bar_seconds

    def position(self, second: float) -> tuple[int, float]:
        """Bar that sounds at a second, and the beat in it, from 1.0 to below 5.0."""
        bars = (second - self.start) / self.bar_seconds
        whole = int(bars + _ROUNDING)
        past = bars - whole
        return self.first_bar + whole, 1.0 + (BEATS_PER_BAR * past if past > _ROUNDING else 0.0)

    def changed(self, tempo: float | None, bar: int) -> "BarClock":
        """Return the clock from a bar on: this one where the tempo is the same, so that its phrases go on."""
        return self if tempo == self.tempo else BarClock(tempo, bar, self.second_of(bar))
