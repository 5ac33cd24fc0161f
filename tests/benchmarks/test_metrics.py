"""The figures of `benchmarks/metrics.py` against sounds of which the right answer is known."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

pytest.importorskip("librosa")

FILE = Path(__file__).resolve().parents[2] / "benchmarks" / "metrics.py"


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmarks_metrics", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


metrics = _load()
RATE = metrics.RATE


# chroma_cqt goes down to a sixteenth of the rate; there shorter sounds are shorter than its window, and librosa warns.
SECONDS = 3.0


def tones(frequencies: list[float], seconds: float = SECONDS, rate: int = RATE) -> np.ndarray:
    """A chord of plucked tones with four overtones each, struck every half second."""
    time = np.arange(round(seconds * rate)) / rate
    fall = np.exp(-4.0 * (time % 0.5))
    sound = sum(np.sin(2 * np.pi * f * n * time) / n for f in frequencies for n in range(1, 5))
    return (0.2 * fall * sound / len(frequencies)).astype(np.float32)


def noise(seconds: float = SECONDS, *, seed: int = 0, channels: int = 1) -> np.ndarray:
    shape = (channels, round(seconds * RATE))
    return (0.1 * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


def clicks(bpm: float, seconds: float = 20.0, rate: int = 22050) -> np.ndarray:
    """Short noise bursts on every beat."""
    sound = np.zeros(round(seconds * rate), dtype=np.float32)
    burst = np.random.default_rng(0).standard_normal(rate // 50) * np.exp(-np.linspace(0, 6, rate // 50))
    for beat in np.arange(0.1, seconds - 0.1, 60.0 / bpm):
        at = round(beat * rate)
        sound[at : at + burst.size] += burst
    return 0.3 * sound


C_MAJOR = [261.63, 329.63, 392.00]


def test_equal_sounds_score_the_best_there_is() -> None:
    sound = np.stack([tones(C_MAJOR), tones(C_MAJOR[:1])])
    assert metrics.log_mel_correlation(sound, sound) == pytest.approx(1.0)
    assert metrics.chroma_cosine(sound, sound) == pytest.approx(1.0)
    assert metrics.log_mel_distance(sound, sound) == 0.0
    assert metrics.stft_distance(sound, sound) == 0.0


def test_log_mel_has_eighty_bands_over_sixty_decibels() -> None:
    picture = metrics.log_mel(tones(C_MAJOR))
    assert picture.shape == (80, 1 + int(SECONDS * RATE) // 512)
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


def test_unrelated_noise_does_not_agree() -> None:
    assert metrics.log_mel_correlation(noise(seed=1), noise(seed=2)) == pytest.approx(0.0, abs=0.2)
    assert metrics.chroma_cosine(noise(seed=1), noise(seed=2)) == pytest.approx(0.0, abs=0.1)


def test_chroma_knows_notes_and_not_timbre_or_octave() -> None:
    chord = tones(C_MAJOR)
    up_a_semitone = tones([f * 2 ** (1 / 12) for f in C_MAJOR])
    up_an_octave = tones([2 * f for f in C_MAJOR])
    assert metrics.chroma_cosine(chord, up_a_semitone) < 0.1
    assert metrics.chroma_cosine(chord, up_an_octave) > 0.8
    # The log-mel correlation hardly minds the semitone: why both are measured.
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
    first[:2, 2] = [1.0, -1.0]  # a note against none; in the last frame both are silent, and it does not count
    assert metrics.chroma_agreement(first, second) == pytest.approx(0.0)
    assert metrics.chroma_agreement(first[:, :1], second[:, :1]) == pytest.approx(1.0)
    assert metrics.chroma_agreement(first[:, [0, 2]], second[:, [0, 2]]) == pytest.approx(0.5)
    assert np.isnan(metrics.chroma_agreement(first[:, 3:], second[:, 3:]))


def test_pairs_must_be_of_one_length() -> None:
    for figure in (
        metrics.log_mel_correlation,
        metrics.log_mel_distance,
        metrics.stft_distance,
        metrics.chroma_cosine,
    ):
        with pytest.raises(ValueError, match="144000 and 48000 samples"):
            figure(noise(3.0), noise(1.0))
    with pytest.raises(ValueError, match="shape"):
        metrics.mono(np.zeros((2, 0)))


def test_griffin_lim_keeps_magnitudes_and_shape() -> None:
    sound = np.stack([tones(C_MAJOR, 1.0), 0.5 * tones([440.0], 1.0)])
    output = metrics.griffin_lim(sound)
    assert output.shape == sound.shape
    assert output.dtype == np.float32
    assert metrics.log_mel_correlation(sound, output) > 0.98
    assert metrics.levels(output).rms == pytest.approx(metrics.levels(sound).rms, abs=1.0)
    assert np.abs(output - sound).max() > 0.01  # the phase is made up
    np.testing.assert_array_equal(output, metrics.griffin_lim(sound))


@pytest.mark.parametrize("bpm", [72, 90, 120, 133, 178])
def test_tempo_of_clicks(bpm: int) -> None:
    found = metrics.tempo_of(clicks(bpm), sample_rate=22050)
    assert metrics.tempo_matches(found, bpm, tolerance=0.01)


def test_no_tempo_in_silence() -> None:
    assert metrics.tempo_of(np.zeros(22050 * 5, dtype=np.float32), sample_rate=22050) == 0.0
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


def test_key_of_a_cadence() -> None:
    chords = ([261.63, 329.63, 392.00], [349.23, 440.00, 523.25], [392.00, 493.88, 587.33], [261.63, 329.63, 392.00])
    sound = np.concatenate([tones(list(chord), 1.0) for chord in chords])
    assert metrics.key_of(sound) == "C major"
    up = np.concatenate([tones([f * 2 ** (2 / 12) for f in chord], 1.0) for chord in chords])
    assert metrics.key_of(up) == "D major"


def test_silence_has_no_notes() -> None:
    silence = np.zeros((2, 3 * RATE), dtype=np.float32)
    assert not metrics.centred_chroma(silence).any()
    assert metrics.key_of(silence) == ""
    assert metrics.chroma_cosine(tones(C_MAJOR), silence[0]) == pytest.approx(0.0, abs=1e-6)
    assert np.isnan(metrics.log_mel_correlation(silence, silence))


def test_key_of_chroma_turns_with_the_notes() -> None:
    a_minor = np.zeros(12)
    a_minor[[9, 0, 4]] = 1.0  # A, C, E
    a_minor[9] = 2.0
    for steps in range(12):
        key = metrics.key_of_chroma(np.roll(a_minor, steps))
        assert key == f"{metrics.NOTES[(9 + steps) % 12]} minor"


def test_levels_of_a_sine() -> None:
    time = np.arange(RATE) / RATE
    sine = 0.5 * np.sin(2 * np.pi * 100 * time)
    found = metrics.levels(np.stack([sine, sine]))
    assert found.rms == pytest.approx(20 * np.log10(0.5) - 10 * np.log10(2), abs=0.01)
    assert found.peak == pytest.approx(20 * np.log10(0.5), abs=0.01)
    assert found.width == -60.0
    assert (found.silent, found.clipped) == (0.0, 0.0)


def test_levels_of_width_silence_and_clipping() -> None:
    sound = noise(1.0, channels=2)
    assert metrics.levels(sound).width == pytest.approx(0.0, abs=0.1)  # independent channels: as much side as middle
    assert metrics.levels(np.stack([sound[0], -sound[0]])).width == 60.0
    sound[:, RATE // 4 :] = 0.0
    assert metrics.levels(sound).silent == pytest.approx(0.75)
    sound[:, : RATE // 10] = 1.0
    assert metrics.levels(sound).clipped == pytest.approx(0.1)
    assert metrics.levels(np.zeros((2, 100))).rms == -120.0


def test_spectrogram_png(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "two.png"
    metrics.spectrogram_png(path, tones(C_MAJOR, 0.5), np.zeros(RATE // 2, dtype=np.float32))
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    assert width > 2 * height
