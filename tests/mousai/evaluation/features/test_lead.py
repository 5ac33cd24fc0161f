"""Lead features: one size, independent of level, not of the direction of time."""

import numpy as np

from mousai.evaluation.features.lead import BANDS, FRAMES, lead_features

from ..sounds import RATE, tone


def test_features_have_one_size_and_are_finite() -> None:
    noise = np.random.default_rng(0).standard_normal(21 * RATE).astype(np.float32)
    for sound in (
        noise[: 20 * RATE],
        np.zeros(3 * RATE, dtype=np.float32),
        noise[: RATE // 2],
        np.stack([noise, noise]),
    ):
        features = lead_features(sound, sample_rate=RATE)
        assert features.shape == (BANDS, FRAMES) and features.dtype == np.float32
        assert np.isfinite(features).all()


def test_short_audio_is_repeated() -> None:
    melody = np.concatenate([tone(72 + step, 0.5) for step in (0, 2, 4, 5, 7, 4, 2, 0)])
    features = lead_features(melody, sample_rate=RATE)
    frames = len(melody) // 1024 + 1
    np.testing.assert_array_equal(features[:, :frames], features[:, frames : 2 * frames])


def test_level_and_channels_do_not_matter_and_the_direction_of_time_does() -> None:
    melody = np.concatenate([tone(72 + step, 0.5) for step in (0, 2, 4, 5, 7, 4, 2, 0)]).astype(np.float32)
    features = lead_features(melody, sample_rate=RATE)
    np.testing.assert_allclose(lead_features(0.1 * np.stack([melody, melody]), sample_rate=RATE), features, atol=1e-3)
    backwards = lead_features(melody[::-1].copy(), sample_rate=RATE)
    assert np.abs(backwards - features).mean() > 0.5
