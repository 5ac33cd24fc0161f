"""Loudness against torchaudio's number, wherever torchaudio imports."""

import numpy as np
import pytest
import torch

try:
    import torchaudio
except (ImportError, OSError) as error:
    # PyPI's Linux wheel is linked to CUDA, and beside a CPU-only torch its import is an OSError.
    pytest.skip(f"torchaudio does not import here: {error}", allow_module_level=True)

from mousai.audio.loudness import integrated_loudness


@pytest.mark.parametrize("level", [0.002, 0.02])
@pytest.mark.parametrize("channels", [1, 2])
def test_integrated_loudness(level: float, channels: int) -> None:
    """Noise in bursts, so that the gates count; within 0.1 LU, since theirs designs the filters: ours has a table.

    It is quiet, because theirs clips the filtered sound at 1.
    """
    drawn = np.random.default_rng(0).standard_normal((channels, 48000 * 4))
    wave = (level * drawn * np.repeat([1.0, 0.001, 0.5, 1.0], 48000)).astype(np.float32)
    theirs = torchaudio.functional.loudness(torch.from_numpy(wave), 48000)
    assert integrated_loudness(wave) == pytest.approx(float(theirs), abs=0.1)
