"""Reconstruction metrics of waveforms with a known answer."""

import numpy as np
import pytest

from mousai.evaluation.features.waveform import SAMPLE_RATE, mono
from mousai.evaluation.metrics import reconstruction_metrics as metrics

# chroma_cqt goes down to a sixteenth of the rate; there shorter sounds are shorter than its window, and librosa warns.
CLIP_SECONDS = 3.0


def tones(frequencies: list[float], seconds: float = CLIP_SECONDS, rate: int = SAMPLE_RATE) -> np.ndarray:
    """A chord of plucked tones with four overtones each, struck every half second."""
    time = np.arange(round(seconds * rate)) / rate
    fall = np.exp(-4.0 * (time % 0.5))
    sound = sum(np.sin(2 * np.pi * f * n * time) / n for f in frequencies for n in range(1, 5))
    return (0.2 * fall * sound / len(frequencies)).astype(np.float32)


def noise(seconds: float = CLIP_SECONDS, *, seed: int = 0, channels: int = 1) -> np.ndarray:
    shape = (channels, round(seconds * SAMPLE_RATE))
    return (0.1 * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


C_MAJOR = [261.63, 329.63, 392.00]


def test_equal_sounds_score_the_best_there_is() -> None:
    sound = np.stack([tones(C_MAJOR), tones(C_MAJOR[:1])])
    assert metrics.log_mel_correlation(sound, sound) == pytest.approx(1.0)
    assert metrics.chroma_cosine(sound, sound) == pytest.approx(1.0)
    assert metrics.log_mel_distance(sound, sound) == 0.0
    assert metrics.stft_distance(sound, sound) == 0.0


def test_log_mel_has_eighty_bands_over_sixty_decibels() -> None:
    picture = metrics.log_mel(tones(C_MAJOR))
    assert picture.shape == (80, 1 + int(CLIP_SECONDS * SAMPLE_RATE) // 512)
    assert picture.max() == pytest.approx(0.0, abs=1e-4)
    assert picture.min() == -60.0


def test_level_moves_the_distance_and_not_the_correlation() -> None:
    sound = noise()
    assert metrics.log_mel_correlation(sound, sound / 2) == pytest.approx(1.0, abs=1e-5)
    # Every cell of noise lies within 60 dB of the loudest, before and after, so each differs by exactly 6.02 dB.
    assert metrics.log_mel_distance(sound, sound / 2) == pytest.approx(20 * np.log10(2), abs=0.01)


def test_stft_distance_of_half_the_sound() -> None:
    sound = noise()
    # Convergence is |1 - 1/2| and every log magnitude differs by log 2; floored bins are too few to matter.
    assert metrics.stft_distance(sound, sound / 2) == pytest.approx(0.5 + np.log(2), rel=1e-3)


def test_unrelated_noise_is_uncorrelated() -> None:
    assert metrics.log_mel_correlation(noise(seed=1), noise(seed=2)) == pytest.approx(0.0, abs=0.2)
    assert metrics.chroma_cosine(noise(seed=1), noise(seed=2)) == pytest.approx(0.0, abs=0.1)


def test_chroma_depends_on_notes_and_not_on_timbre_or_octave() -> None:
    chord = tones(C_MAJOR)
    up_a_semitone = tones([f * 2 ** (1 / 12) for f in C_MAJOR])
    up_an_octave = tones([2 * f for f in C_MAJOR])
    assert metrics.chroma_cosine(chord, up_a_semitone) < 0.1
    assert metrics.chroma_cosine(chord, up_an_octave) > 0.8
    # The log-mel correlation hardly changes with the semitone, which is why both are measured.
    assert metrics.log_mel_correlation(chord, up_a_semitone) > 0.7


def test_centred_chroma_has_no_mean() -> None:
    chroma = metrics.centred_chroma(tones(C_MAJOR))
    assert chroma.shape[0] == 12
    np.testing.assert_allclose(chroma.mean(axis=0), 0.0, atol=1e-6)
    assert {int(note) for note in np.argsort(chroma.mean(axis=1))[-3:]} == {0, 4, 7}


def test_chroma_agreement_by_hand() -> None:
    first = np.zeros((12, 4))
    second = np.zeros((12, 4))
    first[:2, 0] = second[:2, 0] = [1.0, -1.0]  # the same
    first[:2, 1], second[:2, 1] = [1.0, -1.0], [-2.0, 2.0]  # the opposite
    first[:2, 2] = [1.0, -1.0]  # notes against silence; in the last frame both are silent, and it does not count
    assert metrics.chroma_agreement(first, second) == pytest.approx(0.0)
    assert metrics.chroma_agreement(first[:, :1], second[:, :1]) == pytest.approx(1.0)
    assert metrics.chroma_agreement(first[:, [0, 2]], second[:, [0, 2]]) == pytest.approx(0.5)
    assert np.isnan(metrics.chroma_agreement(first[:, 3:], second[:, 3:]))


def test_pairs_must_be_of_one_length() -> None:
    for metric in (
        metrics.log_mel_correlation,
        metrics.log_mel_distance,
        metrics.stft_distance,
        metrics.chroma_cosine,
    ):
        with pytest.raises(ValueError, match="144000 and 48000 samples"):
            metric(noise(3.0), noise(1.0))
    with pytest.raises(ValueError, match="shape"):
        mono(np.zeros((2, 0)))


def test_griffin_lim_keeps_magnitudes_and_shape() -> None:
    sound = np.stack([tones(C_MAJOR, 1.0), 0.5 * tones([440.0], 1.0)])
    output = metrics.griffin_lim(sound)
    assert output.shape == sound.shape
    assert output.dtype == np.float32
    assert metrics.log_mel_correlation(sound, output) > 0.98
    assert np.std(output) == pytest.approx(np.std(sound), rel=0.12)
    assert np.abs(output - sound).max() > 0.01  # the phase is another
    np.testing.assert_array_equal(output, metrics.griffin_lim(sound))


def test_silence_has_no_notes() -> None:
    silence = np.zeros((2, 3 * SAMPLE_RATE), dtype=np.float32)
    assert not metrics.centred_chroma(silence).any()
    assert metrics.chroma_cosine(tones(C_MAJOR), silence[0]) == pytest.approx(0.0, abs=1e-6)
    assert np.isnan(metrics.log_mel_correlation(silence, silence))
