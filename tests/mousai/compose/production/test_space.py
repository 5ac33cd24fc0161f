import numpy as np
import pytest

from mousai.compose.production.config import SPACES, Delay, Reverb
from mousai.compose.production.filters import RATE
from mousai.compose.production.space import delay_response, echoes, reverb_response, send, send_response
from mousai.compose.writing.tempo import TempoMap


def decay_time(response: np.ndarray, low: float, high: float) -> float:
    """RT60 by Schroeder's backward integration, from -5 to -25 dB, in a band."""
    spectrum = np.fft.rfft(response)
    frequencies = np.fft.rfftfreq(len(response), 1 / RATE)
    spectrum[(frequencies < low) | (frequencies > high)] = 0
    energy = np.cumsum(np.fft.irfft(spectrum, len(response))[::-1] ** 2)[::-1]
    level = 10 * np.log10(energy / energy[0] + 1e-12)
    start, end = np.argmax(level < -5), np.argmax(level < -25)
    return float(3 * (end - start) / RATE)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("decay", [0.5, 1.5])
def test_a_space_decays_as_told_and_its_treble_sooner(space: str, decay: float) -> None:
    reverb = Reverb(space=space, decay=decay, predelay=0.01, damping=0.4)
    response = reverb_response(reverb, np.random.default_rng(1))
    for channel in response:
        assert decay_time(channel, 800.0, 3000.0) == pytest.approx(decay, rel=0.15)
        assert decay_time(channel, 7000.0, 16000.0) == pytest.approx(0.4 * decay, rel=0.2)
        assert (channel**2).sum() == pytest.approx(1.0)
        assert not channel[: round(0.01 * RATE)].any()
        low = np.abs(np.fft.rfft(channel))[: round(80 * len(channel) / RATE)] ** 2
        assert low.sum() < 0.003 * len(channel)
    assert abs(np.corrcoef(*response)[0, 1]) < 0.2  # wide


def test_the_same_generator_gives_the_same_space() -> None:
    reverb = Reverb(space="plate", decay=0.5)
    first, again, other = (reverb_response(reverb, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_echoes_are_on_the_beat_and_fall_by_the_feedback() -> None:
    response = delay_response(Delay(beats=0.75, feedback=0.5, damping=16000.0), 0.5)
    step = round(0.375 * RATE)
    sums = [response[0, step * k : step * k + 400].sum() for k in (1, 2, 3)]
    assert sums == pytest.approx([1.0, 0.5, 0.25], rel=1e-3)
    assert not response[:, :step].any() and not response[:, step + 1000 : 2 * step].any()
    assert np.argmax(np.abs(response[0])) - step < 0.001 * RATE


def test_echoes_follow_a_tempo_that_changes() -> None:
    tempo = TempoMap(((0.0, 120.0), (2.0, 60.0)))  # beats at 0, 0.5, 1, 2, 3 s
    delay = Delay(beats=1.0, feedback=0.5, damping=16000.0)
    sound = np.zeros((2, 4 * RATE), dtype=np.float32)
    sound[:, RATE // 2 + 100] = 1.0  # shortly after beat 1
    heard = echoes(sound, delay, tempo)[0]
    loud = [heard[round(second * RATE) :][:600].sum() for second in (1.0, 2.0, 3.0)]
    assert loud == pytest.approx([1.0, 0.5, 0.25], rel=0.01)
    assert np.abs(heard[: RATE + 99]).sum() < 0.01 and np.abs(heard[RATE + 1000 : 2 * RATE]).sum() < 0.02


def test_echoes_of_a_steady_tempo_are_those_of_the_impulse_response() -> None:
    delay = Delay(beats=0.75, feedback=0.4, ping_pong=True)
    sound = np.random.default_rng(0).standard_normal((2, 3 * RATE)).astype(np.float32)
    wanted = send(sound, delay_response(delay, 0.625))
    np.testing.assert_allclose(echoes(sound, delay, TempoMap(((0.0, 96.0),))), wanted, atol=1e-5)


def test_ping_pong_goes_from_side_to_side() -> None:
    response = delay_response(Delay(beats=1.0, feedback=0.5, ping_pong=True), 0.25)
    step = RATE // 4
    for k in (1, 2, 3):
        here = np.abs(response[:, step * k : step * k + 600]).sum(axis=1)
        assert (here > 0).tolist() == [k % 2 == 1, k % 2 == 0]


def test_sends_add_up_and_keep_the_length() -> None:
    one, two = np.ones((2, 3)), np.ones((2, 5))
    total = send_response(one, two)
    assert total is not None and total.tolist() == [[2, 2, 2, 1, 1]] * 2
    assert send_response(None, None) is None and send_response(one, None) is one and send_response(None, two) is two
    sound = np.zeros((2, 100), dtype=np.float32)
    sound[0, 98] = 2.0
    assert send(sound, one)[1, 96:] == pytest.approx([0, 0, 1, 1], abs=1e-6)
