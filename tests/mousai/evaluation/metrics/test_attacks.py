"""Onsets and their attacks, of sounds whose onsets are known."""

import numpy as np
import pytest

from mousai.evaluation.metrics.attacks import AFTER, BANDS, BEFORE, attack_differences, attack_distance, onset_times

RATE = 48000
STRUCK = (0.25, 0.75, 1.25)


def notes(attack: float = 0.0, *, moments: tuple[float, ...] = STRUCK, seconds: float = 1.6) -> np.ndarray:
    """Tones with overtones that begin at `moments`, over `attack` seconds, and fade."""
    time = np.arange(round(seconds * RATE)) / RATE
    sound = np.zeros_like(time)
    for moment in moments:
        since = np.maximum(time - moment, 0)
        rise = np.clip(since / attack, 0, 1) if attack else (time >= moment)
        sound += rise * np.exp(-10 * since) * sum(np.sin(2 * np.pi * 330 * n * since) / n for n in range(1, 20))
    return (0.1 * sound).astype(np.float32)


def test_onsets_are_found_where_notes_begin() -> None:
    assert onset_times(notes()) == pytest.approx(STRUCK, abs=0.005)
    stereo = np.stack([notes(), 0.5 * notes()])
    assert onset_times(stereo) == pytest.approx(STRUCK, abs=0.005)


def test_a_steady_tone_and_silence_have_no_onsets() -> None:
    tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
    for sound in (tone, np.zeros(RATE)):
        assert not len(onset_times(sound))
        assert np.isnan(attack_distance(sound, sound))
    assert not len(onset_times(tone[:500]))


def test_onsets_at_the_very_ends_are_left_out() -> None:
    assert onset_times(notes(moments=(0.003, 0.5, 0.98), seconds=1.0)) == pytest.approx([0.5], abs=0.005)


def test_the_same_attacks_are_no_distance_apart_and_smeared_ones_are() -> None:
    sound = notes()
    assert attack_distance(sound, sound) == 0.0
    smeared = [attack_distance(sound, notes(attack)) for attack in (0.005, 0.020)]
    assert 0 < smeared[0] < smeared[1]


def test_half_the_level_is_six_decibels_and_only_at_the_onsets() -> None:
    noise = np.random.default_rng(0).standard_normal(RATE) * np.where(np.arange(RATE) < RATE // 2, 0.02, 0.2)
    onsets = np.array([0.5])
    # From 12 ms after the onset on nothing lies at the floor.
    differences = attack_differences(noise, noise / 2, onsets=onsets)
    assert differences.shape == (BANDS, 1, 1 + round(BEFORE * RATE / 32) + round(AFTER * RATE / 32))
    assert differences[..., 33:].mean() == pytest.approx(20 * np.log10(2), abs=0.05)
    other = noise.copy()
    other[: RATE // 4] = 0  # far from the onset
    assert attack_distance(noise, other, onsets=onsets) == 0.0


def test_waveforms_of_two_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="must be of one length"):
        attack_distance(notes(), notes()[:-1])
