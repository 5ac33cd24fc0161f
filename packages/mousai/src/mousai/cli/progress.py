"""The bars on stderr."""

import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

_WORDS = {"latent_diffusion": "composing", "decoder": "rendering"}


class Progress:
    """A bar with the time left for each stage of one piece, one after the other; a context manager.

    It is a `callback_on_step_end` of the pipeline.

    Args:
        stages: stage -> its steps, in their order.
        name: of the piece, shown before the bars.
    """

    def __init__(self, stages: Mapping[str, int], *, name: str) -> None:
        self._waiting = list(stages.items())
        self._name = name
        self._bar: Any = None

    def __enter__(self) -> Self:
        """Show the first bar, so that its clock runs from here."""
        self._next()
        return self

    def __call__(self, stage: str, step: int, total: int) -> None:
        """Step `step` of `total` is done, counting from 1."""
        self._bar.total = total  # a long piece has the steps of each of its windows
        self._bar.update(step - self._bar.n)
        if step == total:
            self._bar.close()
            self._next()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the line of an unfinished bar."""
        self._bar.close()

    def _next(self) -> None:
        from tqdm import tqdm

        if self._waiting:
            stage, total = self._waiting.pop(0)
            self._bar = tqdm(
                total=total,
                desc=f"{self._name}: {_WORDS.get(stage, stage)}",
                file=sys.stderr,
                mininterval=0.1 if sys.stderr.isatty() else 10.0,  # a log file needs no film
                bar_format="{desc} {percentage:3.0f}% |{bar}| step {n_fmt} of {total_fmt}, {remaining} left",
            )
