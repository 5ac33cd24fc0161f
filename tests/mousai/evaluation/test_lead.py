"""The judge of the lead: its features, and a synthetic pair that features must tell apart."""

import numpy as np

from mousai.evaluation.lead import lead_features
from mousai.evaluation.pitches import pitch_picture

from .sounds import RATE, tone


def test_features_are_finite_whatever_sounds() -> None:
    noise = np.random.default_rng(0).standard_normal(3 * RATE).astype(np.float32)
    sizes = {
        lead_features(pitch_picture(sound, sample_rate=RATE)).shape
        for sound in (noise, np.zeros(3 * RATE, dtype=np.float32), noise[: RATE // 2])
    }
    assert len(sizes) == 1
    assert np.isfinite(lead_features(pitch_picture(noise, sample_rate=RATE))).all()


def test_timbre_moves_the_features_more_than_transposition() -> None:
    def melody(up: int, partials: int) -> np.ndarray:
        notes = [tone(72 + up + step, 0.4, partials=partials) for step in (0, 2, 4, 5, 7, 4, 2, 0)]
        return lead_features(pitch_picture(np.concatenate(notes), sample_rate=RATE))

    spectrum = slice(0, 150)  # the mean spectrum around the melody's pitch
    plain, moved, rich = (melody(*each)[spectrum] for each in ((0, 1), (1, 1), (0, 8)))
    assert np.abs(plain - moved).mean() < 0.4 * np.abs(plain - rich).mean()
