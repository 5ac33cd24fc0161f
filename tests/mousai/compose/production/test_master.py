import numpy as np
import pytest

from mousai.audio.limiter import limit
from mousai.audio.loudness import integrated_loudness
from mousai.compose.production.config import PEAK, Compression, Master
from mousai.compose.production.filters import RATE
from mousai.compose.production.master import WIDTH, add_up, fades, master, narrow


def stems(seed: int = 0, seconds: float = 6.0) -> dict[str, np.ndarray]:
    """Two layers: steady noise, and bursts of it at every half second."""
    rng = np.random.default_rng(seed)
    count = round(seconds * RATE)
    steady, bursts = rng.normal(0.0, 0.05, (2, 2, count))
    bursts *= 8 * np.exp(-((np.arange(count) / RATE) % 0.5) / 0.03)
    return {"chords": steady.astype(np.float32), "drums": bursts.astype(np.float32)}


@pytest.mark.parametrize("loudness", [-16.0, -12.0, -9.0])
@pytest.mark.parametrize("crest", [None, 12.0])
def test_the_loudness_is_reached_below_the_ceiling(loudness: float, crest: float | None) -> None:
    compression = Compression(threshold=0.0, ratio=2.0)
    mix, reached = master(stems(), Master(loudness=loudness, crest=crest, compression=compression, fade_out=1.0))
    assert integrated_loudness(mix) == pytest.approx(loudness, abs=0.1)
    assert reached == pytest.approx(integrated_loudness(mix), abs=0.05)
    assert np.abs(mix).max() <= PEAK + 1e-6


def test_stems_add_up_to_the_mix_before_the_limiter() -> None:
    parts = stems()
    mix, _ = master(parts, Master(loudness=-9.0, compression=Compression(threshold=0.0, ratio=2.0)))
    total = add_up(parts)
    assert np.abs(total).max() > PEAK
    limit(total, ceiling=PEAK)
    np.testing.assert_array_equal(mix, total.astype(np.float32))


def test_every_stem_gets_the_same_gain() -> None:
    before, after = ({name: stem[:1].repeat(2, axis=0) for name, stem in stems().items()} for _ in range(2))
    master(after, Master(loudness=-12.0, crest=12.0, compression=Compression(threshold=-3.0, ratio=3.0)))
    gains = {name: after[name][0, 1000:9000] / before[name][0, 1000:9000] for name in before}
    np.testing.assert_allclose(gains["drums"], gains["chords"], rtol=1e-3)


def test_what_is_out_of_phase_is_narrowed_so_that_mono_keeps_it() -> None:
    parts = stems()
    parts["chords"][1] = 0.2 * parts["chords"][1] - parts["chords"][0]
    parts["drums"] *= 0.1
    narrow(parts)
    total = add_up(parts)
    side, middle = (total[0] - total[1]).std(), (total[0] + total[1]).std()
    assert side / middle == pytest.approx(WIDTH, rel=0.02)


def test_fades_begin_and_end_in_silence() -> None:
    curve = fades(3 * RATE, 1.0, 0.5)
    assert curve[0] == 0 and abs(curve[-1]) < 1e-6 and (curve[RATE : round(2.5 * RATE)] == 1).all()
    assert curve[RATE // 2] == pytest.approx(0.5, abs=1e-3)
    assert (np.diff(curve[:RATE]) >= 0).all()
    assert fades(10, 1.0, 1.0).shape == (10,)  # longer than the song


def test_silence_stays_silence_and_short_sounds_are_mastered() -> None:
    mix, _ = master({"lead": np.zeros((2, RATE), dtype=np.float32)}, Master(loudness=-12.0))
    assert not mix.any()
    short = {"lead": stems()["chords"][:, : RATE // 5]}
    mix, _ = master(short, Master(loudness=-12.0, fade_out=0.0))
    assert 20 * np.log10(mix.std()) == pytest.approx(-12.0, abs=1.0)
