"""The models of the comparison by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.peers import musicgen, ours, stable_audio
from benchmarks.peers.parts import Model


@dataclass(frozen=True)
class Entry:
    """A model as the table names it: how it is built, and how it makes a piece."""

    title: str
    how: str
    build: Callable[..., Model]


MODELS: Mapping[str, Entry] = {
    "bundled": Entry("Moûsai, bundled", "its own settings: 10 steps, Griffin-Lim", ours.bundled),
    "stable-audio-3-small": Entry("Stable Audio 3 small", "8 steps", stable_audio.small_3),
    "paper": Entry("Moûsai, the paper's size", "50 guided steps, 20 decoder steps", ours.paper),
    "musicgen-small": Entry("MusicGen small", "50 frames a second, guided", musicgen.small),
    "stable-audio-open": Entry("Stable Audio Open 1.0", "100 guided steps", stable_audio.open_1),
}


def build(name: str, *arguments: Any, **more: Any) -> Model:
    """The model of this name: seconds of music, dtype, and whether in miniature."""
    return MODELS[name].build(*arguments, **more)
