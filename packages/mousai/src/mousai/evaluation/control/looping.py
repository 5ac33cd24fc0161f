"""Loop: is it whole bars to the sample, and does its end run into its beginning?"""

from fractions import Fraction

import numpy as np

from mousai.audio.writing import as_array
from mousai.evaluation.clips import Row
from mousai.evaluation.control.editing import TEMPO_TOLERANCE
from mousai.evaluation.control.seams import beats_of, seam_flux
from mousai.evaluation.control.workplace import PartResult, Workplace, centre, share
from mousai.evaluation.features.waveform import Array
from mousai.evaluation.judges.tempo import estimate_tempo, tempo_matches
from mousai.evaluation.prompts import PROMPTS

SLOWEST, FASTEST = 62.0, 188.0
PLAYED = 30.0
"""Seconds for which a loop is repeated for the tempo judge."""


def measure_loop(place: Workplace) -> PartResult:
    """Make loops at tempos all over, most of them no whole number of samples a beat.

    Returns:
        rows, and the metrics `length` (share of loops that are as long as their bars, to the sample), `seam` (of the
        loop played three times in a row), `step` (difference of the two samples at the border over the largest between
        neighbours) and `tempo`.
    """
    bars = place.lengths.bars

    def measure(row: Row) -> tuple[Array, Row]:
        made = place.pipeline.loop(row["prompt"], bars=bars, tempo=row["tempo"], seed=row["seed"], **place.sampling)
        loop = as_array(made.audios[0])
        return loop, {
            "samples": loop.shape[1],
            "length": loop.shape[1] == loop_samples(bars, row["tempo"], place.rate),
            "seam": loop_seam(loop, place.rate, row["tempo"]),
            "step": loop_step(loop),
            "right_tempo": loop_keeps_time(loop, place.rate, row["tempo"]),
        }

    count = place.config.count("loop")
    tempos = np.geomspace(SLOWEST, FASTEST, count) if count > 1 else np.array([SLOWEST])
    plan = [
        {"prompt": PROMPTS[number % len(PROMPTS)].style, "tempo": round(float(tempo), 1), "bars": bars}
        for number, tempo in enumerate(tempos)
    ]
    rows = place.measured("loop", plan, measure, "looping")
    metrics = {
        "length": share([row["length"] for row in rows]),
        "seam": centre([row["seam"] for row in rows], "median"),
        "step": centre([row["step"] for row in rows], "median"),
        "tempo": share([row["right_tempo"] for row in rows]),
    }
    return PartResult(place.folder / "loop", rows, metrics)


def loop_samples(bars: int, tempo: float, rate: int) -> int:
    """Samples of bars of four beats, to the nearest one, in exact arithmetic."""
    return round(Fraction(4 * bars * 60 * rate) / Fraction(str(tempo)))


def loop_seam(loop: Array, rate: int, tempo: float) -> float | None:
    """Flux where the end meets the beginning over that at the loop's other beats, `[channels, samples]` -> ratio."""
    seconds = loop.shape[1] / rate
    beats = beats_of(tempo, seconds + 60 / tempo, seconds + 30 / tempo, 2 * seconds - 30 / tempo)
    return seam_flux(np.tile(loop, 3), rate, [seconds], beats)[0]


def loop_step(loop: Array) -> float | None:
    """Largest difference of the samples at the border over the largest between any two neighbours; 1 is a click."""
    largest = float(np.abs(np.diff(loop, axis=1)).max())
    return round(float(np.abs(loop[:, 0] - loop[:, -1]).max()) / largest, 4) if largest > 0 else None


def loop_keeps_time(loop: Array, rate: int, tempo: float) -> bool:
    """Tell whether the tempo judge finds the tempo within 1 % in the loop played on for half a minute."""
    times = max(1, round(PLAYED * rate / loop.shape[1]))
    return tempo_matches(estimate_tempo(np.tile(loop, times), sample_rate=rate), tempo, tolerance=TEMPO_TOLERANCE)
