"""Prompts with odd letters, numbers and lengths."""

import random
import warnings
from pathlib import Path
from typing import Any

from benchmarks.reliability.miniature import CAPTIONS, save_controlled, save_miniature
from benchmarks.reliability.mutate import mutated_text
from benchmarks.reliability.targets.base import Target, taken
from mousai import Mousai
from mousai.cli.common.shared import check_text
from mousai.conditioning.attributes import parse_attributes, strip_attributes
from mousai.evaluation.prompts import PROMPTS
from mousai.regions import parse_span

_TEXTS = (
    *CAPTIONS,
    *(prompt.text for prompt in PROMPTS),
    "not in C major, a minor feel, tempo of 120-130, led by a flute",
    "key of B flat minor; piano on top, beats per minute: 98,5",
    "",
)


class Prompts(Target):
    """Prompts, read for tempo, key and lead; every twentieth is embedded, every hundredth made into music."""

    share = 0.46

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        save_miniature(folder / "plain")
        save_controlled(folder / "model", folder / "plain")
        self._pipeline = Mousai.from_pretrained(folder / "model", device="cpu", dtype="float32")
        self._pipeline.set_progress_bar_config(disable=True)
        warnings.simplefilter("ignore")

    def make(self, rng: random.Random, place: Path) -> Any:
        """Mutate a prompt."""
        text = mutated_text(rng, rng.choice(_TEXTS), _TEXTS)
        return [text, rng.choices(("read", "embed", "generate"), (94, 5, 1))[0]]

    def run(self, case: Any, place: Path) -> bool:
        """Read the prompt in every way."""
        text, depth = case
        if depth == "generate":
            few = {"num_inference_steps": 1, "decoder_steps": 1, "attribute_guidance_scale": 2.0}
            self._pipeline(text, negative_prompt=text, duration=0.03, seed=0, **few)
            return True
        taken(lambda: parse_span(text, "region"))
        return taken(
            lambda: check_text("prompt", text),
            lambda: strip_attributes(text),
            lambda: parse_attributes(text),
            *([lambda: self._embed(text)] if depth == "embed" else []),
        )

    def _embed(self, text: str) -> None:
        from mousai.arguments import prompts_of

        prompts = prompts_of(text)
        self._pipeline.unseen(prompts[0])
        self._pipeline.unknown(prompts[0])
        self._pipeline.text_encoder(prompts)
