"""The judge of tempo on clicks, and its rule."""

import numpy as np
import pytest

from mousai.evaluation.judges import tempo as metrics


def clicks(bpm: float, seconds: float = 20.0, rate: int = 22050) -> np.ndarray:
    """Short noise bursts on every beat."""
    sound = np.zeros(round(seconds * rate), dtype=np.float32)
    burst = np.random.default_rng(0).standard_normal(rate // 50) * np.exp(-np.linspace(0, 6, rate // 50))
    for beat in np.arange(0.1, seconds - 0.1, 60.0 / bpm):
        at = round(beat * rate)
        sound[at : at + burst.size] += burst
    return 0.3 * sound


@pytest.mark.parametrize("bpm", [72, 90, 120, 133, 178])
def test_tempo_of_clicks(bpm: int) -> None:
    found = metrics.estimate_tempo(clicks(bpm), sample_rate=22050)
    assert metrics.tempo_matches(found, bpm, tolerance=0.01)


def test_no_tempo_in_silence() -> None:
    assert metrics.estimate_tempo(np.zeros(22050 * 5, dtype=np.float32), sample_rate=22050) == 0.0
    assert not metrics.tempo_matches(0.0, 100)


@pytest.mark.parametrize(
    ("found", "asked", "right"),
    [
        (100, 100, True),
        (104, 100, True),
        (104.1, 100, False),
        (95.9, 100, False),
        (52, 100, True),
        (47.9, 100, False),
        (208, 100, True),
        (191, 100, False),
        (150, 100, False),
        (300, 100, False),
    ],
)
def test_tempo_rule(found: float, asked: float, right: bool) -> None:
    assert metrics.tempo_matches(found, asked) is right
