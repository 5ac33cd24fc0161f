from pathlib import Path

import numpy as np
import pytest
import soundfile

from mousai.compose.production.measure import main, measure, spectral_slope

RATE = 48000


def sine() -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * 997 * np.arange(2 * RATE) / RATE)


def test_a_sine_in_the_middle_is_as_the_standard_says() -> None:
    found = measure(np.stack((sine(), sine())), RATE)
    assert found.loudness == pytest.approx(-6.02, abs=0.02)
    assert found.crest == pytest.approx(3.01, abs=0.01)
    assert (found.width, found.clipped, found.silent) == (pytest.approx(0.0, abs=1e-9), 0, False)
    loud = measure(3 * np.stack((sine(), sine())), RATE)
    assert loud.clipped > 0 and measure(np.zeros((2, RATE)), RATE).silent


def test_sound_on_one_side_is_as_wide_as_its_middle() -> None:
    assert measure(np.stack((sine(), 0 * sine())), RATE).width == pytest.approx(1.0)


def test_white_noise_has_no_slope_and_brown_noise_6_db() -> None:
    noise = np.random.default_rng(0).normal(0.0, 0.1, 20 * RATE)
    assert spectral_slope(noise, RATE) == pytest.approx(0.0, abs=0.1)
    assert spectral_slope(np.cumsum(noise), RATE) == pytest.approx(-6.02, abs=0.2)


def test_the_command_prints_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "songs").mkdir()
    for name, factor in (("a", 0.5), ("b", 1.0), ("c", 0.0)):
        soundfile.write(tmp_path / "songs" / f"{name}.flac", factor * np.stack((sine(), sine()), axis=1), RATE)
    soundfile.write(tmp_path / "record.wav", sine(), RATE)
    assert main([str(tmp_path / "songs"), str(tmp_path / "record.wav")]) == 0
    said = capsys.readouterr().out
    assert "| median of songs | -12.04 |" in said and "| record.wav | -9.03 |" in said
    assert said.endswith("3 songs, 0 clipped, 1 silent\n")


def test_a_mistake_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "no.wav").write_text("no sound")
    for arguments in ([str(tmp_path / "none")], [str(tmp_path)]):
        assert main(arguments) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
