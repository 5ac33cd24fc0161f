"""Progress bars with the time left, one for each stage of a piece."""

import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from mousai.storage.system import is_terminal

_WORDS = {"latent_diffusion": "composing", "decoder": "rendering"}


class ProgressBars:
    """A bar for each stage of one piece, one after the other, on stderr; a context manager.

    Args:
        stages: stage -> number of its steps, in their order.
        config: arguments of tqdm, such as `disable=True`, `desc="song.wav"` or `file=`; and `listener(stage, step,
            total)`, which is called after every step. What it raises ends the call.
    """

    def __init__(self, stages: Mapping[str, int], config: Mapping[str, Any] | None = None) -> None:
        self._waiting = list(stages.items())
        self._config = dict(config or {})
        self._name = self._config.pop("desc", "")
        self._listener = self._config.pop("listener", None)
        self._bar: Any = None

    def __enter__(self) -> Self:
        """Show the first bar, so that its clock runs from here."""
        self._next()
        return self

    def __call__(self, stage: str, step: int, total: int) -> None:
        """Step `step` of `total` is done, counting from 1."""
        self._bar.total = total  # a long piece has the steps of each of its windows
        self._bar.update(step - self._bar.n)
        if self._listener is not None:
            self._listener(stage, step, total)
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
            words = _WORDS.get(stage, stage)
            self._bar = tqdm(
                **{
                    "total": total,
                    "desc": f"{self._name}: {words}" if self._name else words,
                    "file": sys.stderr,
                    "disable": sys.stderr is None or sys.stderr.closed,
                    "mininterval": 0.1 if is_terminal() else 10.0,  # logs need no film
                    "bar_format": "{desc} {percentage:3.0f}% |{bar}| step {n_fmt} of {total_fmt}, {remaining} left",
                    **self._config,
                }
            )
