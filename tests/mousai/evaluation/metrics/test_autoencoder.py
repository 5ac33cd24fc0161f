"""Routes of reconstruction: their names, Opus at a bit rate, and their metrics."""

from pathlib import Path

import numpy as np
import pytest

from mousai.codec import Codec
from mousai.evaluation.metrics.autoencoder import (
    LATENT_ROUTE,
    METRICS,
    TRUE_ROUTE,
    measure_autoencoder,
    opus,
    reconstruction_metrics,
    routes,
)
from mousai.evaluation.metrics.reconstruction_metrics import log_mel_correlation

RATE = 48000


def piece(seconds: float = 3.0) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    fall = np.exp(-4.0 * (time % 0.5))
    left = sum(np.sin(2 * np.pi * f * n * time) / n for f in (262, 330, 392) for n in (1, 2, 3))
    return (0.1 * np.stack([fall * left, np.roll(fall * left, 100)])).astype(np.float32)


def test_a_piece_equals_itself() -> None:
    found = reconstruction_metrics(piece(), piece())
    assert set(found) == set(METRICS)
    assert found["log_mel_distance"] == found["stft_distance"] == found["width_change"] == 0.0
    assert found["log_mel_correlation"] == pytest.approx(1.0) and found["chroma_cosine"] == pytest.approx(1.0)


def test_opus_comes_near_the_bit_rate_that_is_asked_for() -> None:
    sound = piece(6.0)
    result = {rate: opus(sound, bits_per_second=rate) for rate in (12e3, 64e3)}
    for found in result.values():
        assert found is not None
        assert found[0].shape == sound.shape
        assert log_mel_correlation(sound, found[0]) > 0.8
    low, high = (found[1] for found in result.values() if found is not None)
    assert low < 20e3 < high < 120e3


def test_routes_of_a_model(saved_model: Path, tmp_path: Path) -> None:
    codec = Codec.from_pretrained(saved_model, dtype="float32")
    ways = routes(codec, steps=(1, 2))
    # Two steps are this model's default, and are listed once.
    assert list(ways) == ["model, 2 steps (default)", "model, 1 step", LATENT_ROUTE, TRUE_ROUTE]
    sound = piece(1.0)
    outputs = {name: way(sound) for name, way in ways.items()}
    assert {output.shape for output in outputs.values()} == {sound.shape}
    assert log_mel_correlation(sound, outputs[TRUE_ROUTE]) > 0.98


def test_files_are_measured_along_every_route(saved_model: Path, tmp_path: Path) -> None:
    from mousai.audio.files import write_audio

    write_audio(tmp_path / "song.wav", piece(), RATE)
    codec = Codec.from_pretrained(saved_model, dtype="float32")
    found = measure_autoencoder(
        codec, [tmp_path / "song.wav"], songs=0, seed=0, out=tmp_path / "out", seconds=3.0, steps=(1,)
    )
    assert list(found["medians"]) == ["files"]
    assert found["medians"]["files"]["Griffin-Lim, true"]["log_mel_correlation"]["value"] > 0.98
    rates = found["bit_rates"]
    assert rates["latent at 8 bit a number"] == pytest.approx(8 * 8 * 48000 / 1024)
    (song,) = found["pieces"]
    assert song["name"] == "song" and not song["composed"]
    assert all((tmp_path / "out" / name).is_file() for name in song["sounds"].values())
