"""The tempo of a song as steps, and where its beats lie in seconds."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class TempoMap:
    """Beats per minute from a beat on: `steps` are (beat, bpm), the first at beat 0, beats rising."""

    steps: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        """Raise ValueError for steps that do not begin at beat 0 or do not rise, or for a tempo that is not above 0."""
        beats = [beat for beat, _ in self.steps]
        if not beats or beats[0] != 0 or any(one >= other for one, other in pairwise(beats)):
            raise ValueError(f"steps is {self.steps}; (beat, bpm) from beat 0 on with rising beats would do")
        if min(bpm for _, bpm in self.steps) <= 0:
            raise ValueError(f"steps is {self.steps}; tempos above 0 would do")

    @classmethod
    def of(cls, tempos: Sequence[tuple[float, float]]) -> "TempoMap":
        """The map of (beat, bpm), where neighbours of one tempo count as one step."""
        kept: list[tuple[float, float]] = []
        for beat, bpm in tempos:
            if not kept or kept[-1][1] != bpm:
                kept.append((float(beat), float(bpm)))
        return cls(tuple(kept))

    @property
    def steady(self) -> bool:
        """Tell whether one tempo holds throughout."""
        return len(self.steps) == 1

    def tempo_at(self, beat: float) -> float:
        """Beats per minute at a beat."""
        return self.steps[max(bisect_right(self.steps, (beat, float("inf"))) - 1, 0)][1]

    def seconds(self, beat: float) -> float:
        """When a beat comes, in seconds from beat 0; before it, the first tempo counts."""
        if self.steady:
            return beat * 60.0 / self.steps[0][1]
        passed = 0.0
        for number, (start, bpm) in enumerate(self.steps):
            end = self.steps[number + 1][0] if number + 1 < len(self.steps) else float("inf")
            if beat <= end:
                return passed + (beat - start) * 60.0 / bpm
            passed += (end - start) * 60.0 / bpm
        raise AssertionError("the last step has no end")

    def beat_at(self, second: float) -> float:
        """The beat that comes at a second, the inverse of `seconds`."""
        beat = second * self.steps[0][1] / 60.0
        for start, bpm in self.steps[1:]:
            passed = second - self.seconds(start)
            if passed <= 0:
                break
            beat = start + passed * bpm / 60.0
        return beat
