import hashlib
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from mousai.audio.limiter import limit
from mousai.audio.loudness import integrated_loudness
from mousai.compose import LAYERS, Song, compose_song, render_song
from mousai.compose.production import Production, draw_production
from mousai.compose.production.config import PEAK, Bus, Delay, Master, Reverb, SideChain, Tape, Vinyl
from mousai.compose.production.draw import kicks
from mousai.compose.production.master import WIDTH, add_up
from mousai.compose.production.produce import produce
from mousai.compose.rendering.balance import heard_power

RATE = 48000


def plain(**changes: object) -> Production:
    """A production without effects, and what is changed."""
    bus = Bus(low_cut=10.0)
    whole = Production(
        seed=1,
        drums=bus,
        bass=bus,
        chords=bus,
        guitars=bus,
        lead=bus,
        reverb=Reverb(space="room", decay=0.4),
        master=Master(loudness=-20.0),
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def song() -> Song:
    return next(song for seed in range(50) if kicks(song := compose_song(seed, genre="house", bpm=120, duration=6)))


def buses(song: Song) -> dict[str, np.ndarray]:
    """Stands in for FluidSynth: clicks at the bass drums, tones for everything else."""
    times = np.arange(round(song.duration * RATE)) / RATE
    sounds = {
        name: np.stack([0.1 * np.sin(2 * np.pi * frequency * times)] * 2).astype(np.float32)
        for name, frequency in (("bass", 80.0), ("chords", 440.0), ("guitars", 700.0), ("lead", 1000.0))
    }
    drums = np.zeros((2, len(times)), dtype=np.float32)
    for kick in kicks(song):
        drums[:, round(kick * RATE) :][:, :200] = 0.5
    return {"drums": drums, **sounds}


def test_levels_are_those_of_the_production_whatever_comes_in(song: Song) -> None:
    sounds = buses(song)
    sounds["bass"] = sounds["bass"] * np.float32(0.05)
    levelled = plain(bass=Bus(low_cut=10.0, level=-6.0), master=Master(loudness=-20.0, fade_out=0.0))
    _, stems, _ = produce({"bass": sounds["bass"], "guitars": sounds["guitars"]}, song, levelled, lead_level=0.0)
    ratio = heard_power(stems["bass"]) / heard_power(stems["chords"])
    assert 10 * np.log10(ratio) == pytest.approx(-6.0, abs=0.05)


@pytest.mark.parametrize("level", [-3.0, 0.0, 4.0])
def test_the_lead_is_at_its_level_after_all_effects(song: Song, level: float) -> None:
    production = plain(lead=Bus(drive=9.0, reverb=-6.0), master=Master(loudness=-20.0, fade_out=0.0))
    _, stems, _ = produce(buses(song), song, production, lead_level=level)
    rest = stems["drums"] + stems["bass"] + stems["chords"]
    ratio = heard_power(stems["lead"]) / heard_power(rest)
    assert 10 * np.log10(ratio) == pytest.approx(level, abs=0.5)


def test_all_but_the_drums_fall_at_the_kicks_and_the_lead_half_as_deep(song: Song) -> None:
    still, pumped = (
        produce(buses(song), song, plain(side_chain=pump), lead_level=0.0)[1]
        for pump in (None, SideChain(depth=9.0, release=0.6))
    )
    kick = kicks(song)[2]
    late = round((kick + 0.8 * song.seconds_per_beat) * RATE)

    def fall(layer: str) -> float:
        """How much lower the layer is at the kick than just before the next, beside the same without pumping."""
        levels = []
        for stems in (pumped, still):
            parts = (stems[layer][:, start : start + 1200] for start in (round(kick * RATE), late))
            levels.append(20 * np.log10(np.divide(*(np.sqrt(np.mean(part**2)) for part in parts))))
        return float(levels[0] - levels[1])

    assert fall("chords") == pytest.approx(-9.0, abs=0.7) and fall("bass") == pytest.approx(-9.0, abs=0.7)
    assert fall("lead") == pytest.approx(-4.5, abs=0.5)


def test_no_effect_moves_a_note(song: Song) -> None:
    """The clicks stay where the bass drums are, through every effect at once."""
    full = plain(
        drums=Bus(drive=3.0, cabinet=True, reverb=-12.0, delay=-12.0),
        delay=Delay(beats=0.75, feedback=0.4),
        tape=Tape(wow=0.002, flutter=0.0008),
        vinyl=Vinyl(level=-40.0, crackles=5.0),
        master=Master(loudness=-12.0, crest=12.0, tilt=-2.0),
    )
    _, stems, _ = produce({"drums": buses(song)["drums"]}, song, full, lead_level=0.0)
    for kick in kicks(song)[:4]:
        around = np.abs(stems["drums"][0, max(round((kick - 0.1) * RATE), 0) : round((kick + 0.1) * RATE)])
        onset = np.argmax(around > 0.3 * around.max()) / RATE + max(kick - 0.1, 0)
        assert onset == pytest.approx(kick, abs=0.004)


def test_stems_add_up_and_the_mix_is_as_loud_as_told_and_not_too_wide(song: Song) -> None:
    production = draw_production(3, song)
    mix, stems, reached = produce(buses(song), song, production, lead_level=0.0)
    assert tuple(stems) == LAYERS and all(stem.dtype == np.float32 for stem in stems.values())
    total = add_up(stems)
    limit(total, ceiling=PEAK)
    np.testing.assert_array_equal(mix, total.astype(np.float32))
    assert reached == pytest.approx(production.master.loudness, abs=0.5)
    assert (mix[0] - mix[1]).std() <= (WIDTH + 0.02) * (mix[0] + mix[1]).std()


def test_a_layer_that_does_not_play_is_zero(song: Song) -> None:
    _, stems, _ = produce({"chords": buses(song)["chords"]}, song, plain(), lead_level=0.0)
    assert stems["chords"].any() and not any(stems[name].any() for name in ("drums", "bass", "lead"))


@pytest.mark.fluidsynth
def test_a_song_is_the_same_bytes_again_and_in_another_process() -> None:
    script = (
        "import hashlib; from mousai.compose import compose_song, render_song; "
        "from mousai.compose.production import draw_production; "
        "song = compose_song(7, genre='trance', duration=4.0); "
        "made = render_song(song, orchestra='fluidr3', production=draw_production(7, song)); "
        "print(hashlib.sha256(made.mix.tobytes()).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    song = compose_song(7, genre="trance", duration=4.0)
    first, again = (render_song(song, orchestra="fluidr3", production=draw_production(7, song)) for _ in range(2))
    assert [hashlib.sha256(made.mix.tobytes()).hexdigest() for made in (first, again)] == [other, other]
    assert first.production == again.production


@pytest.mark.fluidsynth
@pytest.mark.parametrize(("genre", "seed"), [("boom bap", 1), ("jazz ballad", 2), ("heavy metal", 3)])
def test_a_rendered_song_reaches_its_loudness(genre: str, seed: int) -> None:
    song = compose_song(seed, genre=genre, duration=6.0)
    production = draw_production(seed, song)
    made = render_song(song, orchestra="fluidr3", production=production)
    assert made.production is not None and made.orchestra == "fluidr3"
    assert integrated_loudness(made.mix) == pytest.approx(production.master.loudness, abs=0.5)
    assert made.production["reached_loudness"] == pytest.approx(integrated_loudness(made.mix), abs=0.1)
    assert np.abs(made.mix).max() <= PEAK + 1e-6
