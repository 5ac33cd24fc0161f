"""A stream of the model in miniature, with settings that take milliseconds."""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest
import torch

from mousai import Mousai, MusicStream
from mousai.streaming import latents

PROMPT = "calm piano pop, 160 bpm"  # a bar lasts 1.5 s
QUICK = {
    "num_inference_steps": 2,
    "decoder_steps": 1,
    "griffin_lim": 2,
    "decoder_start": 0.1,
    "inpaint_resamples": 1,
}


@pytest.fixture(scope="package")
def pipe(saved_model: Path) -> Mousai:
    return Mousai.from_pretrained(saved_model, dtype="float32")


@pytest.fixture(autouse=True)
def short_windows(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, seconds in (("FIRST_WINDOW", 3.0), ("NEW", 2.5), ("CONTEXT", 1.5), ("CONTEXT_OF_CHANGE", 0.5)):
        monkeypatch.setattr(latents, name, seconds)
    return


@pytest.fixture
def stream(pipe: Mousai) -> Callable[..., MusicStream]:
    def make(prompt: str = PROMPT, **changes: object) -> MusicStream:
        return pipe.stream(prompt, **{"seed": 3, **QUICK, **changes})

    return make


@pytest.fixture
def sound() -> Callable[[MusicStream, int], torch.Tensor]:
    def first(stream: MusicStream, chunks: int) -> torch.Tensor:
        return torch.cat([chunk.audio for chunk in islice(stream, chunks)], dim=-1)

    return first
