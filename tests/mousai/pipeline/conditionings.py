"""What stage 2 is asked for while a pipeline makes music."""

import pytest
from torch import Tensor

from mousai import Mousai
from mousai.conditioning.conditioning import Conditioning


def watched_conditionings(pipe: Mousai, monkeypatch: pytest.MonkeyPatch) -> list[Conditioning]:
    """A list to which each call of `pipe.latent_diffusion.sample` adds what it is given, and that samples as before.

    Args:
        pipe: the pipeline.
        monkeypatch: puts things back when the test ends.

    Returns:
        The conditioning of each call, in their order; empty until the first.
    """
    asked: list[Conditioning] = []
    sample = pipe.latent_diffusion.sample

    def watched(cond: Conditioning, **settings: object) -> Tensor:
        asked.append(cond)
        made: Tensor = sample(cond, **settings)
        return made

    monkeypatch.setattr(pipe.latent_diffusion, "sample", watched)
    return asked
