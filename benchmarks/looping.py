"""Does a loop run into its beginning? The bundled model's loops, and pieces of the same length that are only repeated.

    python -m benchmarks.looping [--model DIR] [--bars 1 4 8] [--pieces 8] [--out FILE]

Each is played three times in a row. Measured are

- seam: spectral flux within 25 ms of the border over the median of that at the other beats, and over the largest at
  another downbeat, where there is one; 1 is a beat;
- step: difference of the two samples at the border over the largest between any two neighbours: 1 would be a click;
- tempo: whether the tempo judge finds it within 1 % (or its half or double) in half a minute of the loop repeated;
- key: whether the key judge finds it there.

A progress line for each loop; the table at the end is what experiments/2026-11-loops.md has.
"""

import argparse
import json
import statistics
import time
from typing import Any

import numpy as np

from benchmarks.editing import NEAR, PROMPTS
from benchmarks.figures import add_out, write_figures
from mousai import Mousai
from mousai.conditioning.attributes import parse_attributes
from mousai.evaluation.features.key import key_features
from mousai.evaluation.features.pitch import pitch_spectrogram
from mousai.evaluation.features.waveform import Array
from mousai.evaluation.judges.beats import onset_curve
from mousai.evaluation.judges.key import key_parts
from mousai.evaluation.judges.panel import JudgePanel
from mousai.evaluation.judges.tempo import estimate_tempo, tempo_matches


def measured(loop: Array, rate: int, bars: int, prompt: str, panel: JudgePanel) -> dict[str, Any]:
    """Figures of a loop [channels, samples]; see above."""
    asked = parse_attributes(prompt)
    tempo, seconds = asked.tempo or 0.0, loop.shape[1] / rate
    curve, frames = onset_curve(np.tile(loop, 3), sample_rate=rate)

    def peak(beat: int) -> float:
        second = seconds + beat * 60 / tempo
        return float(curve[round((second - NEAR) * frames) : round((second + NEAR) * frames) + 1].max())

    beats = [peak(beat) for beat in range(1, 4 * bars)]
    steps = np.abs(np.diff(loop, axis=1)).max()
    long = np.tile(loop, max(1, round(30 / seconds)))
    key = panel.key(key_features(pitch_spectrogram(long, sample_rate=rate))[None])[0]
    return {
        "seam": round(peak(0) / statistics.median(beats), 3),
        "seam_of_downbeats": round(peak(0) / max(beats[3::4]), 3) if bars > 1 else None,
        "step": round(float(np.abs(loop[:, 0] - loop[:, -1]).max() / steps), 4),
        "tempo": tempo_matches(estimate_tempo(long, sample_rate=rate), tempo, tolerance=0.01),
        "key": key_parts(key) == (asked.key and (asked.key[0], int(asked.key[1]))),
    }


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model")
    parser.add_argument("--bars", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--pieces", type=int, default=len(PROMPTS))
    add_out(parser, "looping.json")
    args = parser.parse_args()
    pipe, panel = Mousai.from_pretrained(args.model), JudgePanel.load()
    pipe.set_progress_bar_config(disable=True)
    rate, rows = pipe.sample_rate, []
    for bars in args.bars:
        for seed, prompt in enumerate(PROMPTS[: args.pieces]):
            begin = time.perf_counter()
            made = pipe.loop(prompt, bars=bars, seed=seed)
            row = {"bars": bars, "prompt": prompt, "cents": made.settings["pitch_cents"]}
            row["seconds"] = round(time.perf_counter() - begin, 1)
            loop = made.audios[0].numpy()
            line = pipe(prompt, duration=loop.shape[1] / rate, seed=seed).audios[0].numpy()
            row["loop"] = measured(loop, rate, bars, prompt, panel)
            row["line"] = measured(line, rate, bars, prompt, panel)
            rows.append(row)
            print(json.dumps(row), flush=True)
            write_figures(args.out, rows)
    print("| bars | | seam, median (largest) | of the downbeats | step | tempo within 1 % | key |")
    print("|---|---|---|---|---|---|---|")
    for bars in args.bars:
        for kind in ("loop", "line"):
            print(table_row(bars, kind, [row[kind] for row in rows if row["bars"] == bars]))


def table_row(bars: int, kind: str, found: list[dict[str, Any]]) -> str:
    """Line of a Markdown table."""

    def spread(name: str) -> str:
        values = [one[name] for one in found if one[name] is not None]
        return f"{statistics.median(values):.2f} ({max(values):.2f})" if values else ""

    counts = [f"{sum(bool(one[name]) for one in found)} of {len(found)}" for name in ("tempo", "key")]
    return f"| {bars} | {kind} | {' | '.join([spread(n) for n in ('seam', 'seam_of_downbeats', 'step')] + counts)} |"


if __name__ == "__main__":
    main()
