"""Values that a stream gives: pieces of its sound, and where a change takes hold."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class AudioChunk:
    """Stretch of a stream's sound, which follows the chunk before without a gap.

    Args:
        audio: float32 [channels, samples] in [-1, 1], on the CPU.
        sample_rate: Hz.
        start_seconds: second of the stream at which it begins.
        bar: bar that sounds there, from 1; `None` where the tempo is unknown.
        beat: beat of that bar, from 1.0 to below 5.0; `None` likewise.
        tempo: beats per minute; `None` where it is unknown.
        prompt: prompt of that bar.
    """

    audio: Tensor
    sample_rate: int
    start_seconds: float
    bar: int | None
    beat: float | None
    tempo: float | None
    prompt: str

    @property
    def seconds(self) -> float:
        """Length."""
        return self.audio.shape[-1] / self.sample_rate


@dataclass(frozen=True, kw_only=True)
class Change:
    """Moment at which an update takes hold.

    Args:
        seconds: second of the stream.
        bar: bar that begins there, from 1; `None` where the tempo is unknown.
    """

    seconds: float
    bar: int | None

    def __str__(self) -> str:
        return f"at {self.seconds:.1f} s" if self.bar is None else f"from bar {self.bar} on, at {self.seconds:.1f} s"
