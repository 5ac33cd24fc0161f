"""How well do edits and continuations fit? On eight pieces of 20 s that the model makes first, tempo and key known.

    python -m benchmarks.editing [--model DIR] [--resamples 1 4] [--pieces 8] [--out FILE]

Each piece is edited from 8 to 12 s and extended by 10 s, with its own prompt. Measured are

- seams: spectral flux within 25 ms of a border over the median of that at the piece's own beats; 1 is a beat;
- of the new 10 s alone: whether the tempo judge finds the tempo within 1 % (or its half or double), how far the beat
  lies from the clock of the piece, and whether the key judge finds the key. The same of the last 10 s of the piece
  itself says how far the judges can be trusted, and how well the model keeps to its clock anyway.

A progress line for each piece; the table at the end is what experiments/2026-11-editing.md has.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.figures import add_out, write_figures
from mousai import Mousai, MusicAttributes
from mousai.conditioning.attributes import parse_attributes
from mousai.evaluation.features.key import key_features
from mousai.evaluation.features.pitch import pitch_spectrogram
from mousai.evaluation.features.waveform import Array
from mousai.evaluation.judges.beats import beat_phase, onset_curve
from mousai.evaluation.judges.key import key_parts
from mousai.evaluation.judges.panel import JudgePanel
from mousai.evaluation.judges.tempo import estimate_tempo, tempo_matches

PROMPTS = (
    "house groove, 124 bpm, A minor, saw lead",
    "calm piano pop, 100 bpm, C major, piano",
    "hip hop beat with deep bass, 90 bpm, E minor",
    "fast metal, 160 bpm, D minor, distorted guitars",
    "reggae with organ, 76 bpm, G major",
    "jazz trio, 120 bpm, F major, saxophone lead",
    "techno, 130 bpm, F# minor, synth lead",
    "funk band, 108 bpm, B minor, electric guitar",
)
SECONDS, START, END, AFTER = 20.0, 8.0, 12.0, 10.0
NEAR = 0.025
"""Seconds to either side of a border within which a peak of the flux belongs to it."""


def flux_ratios(sound: Array, rate: int, borders: list[float], tempo: float) -> list[float]:
    """Flux at each border over the median flux at the beats of the piece before `START`."""
    curve, frames = onset_curve(sound, sample_rate=rate)

    def peak(second: float) -> float:
        first, last = round((second - NEAR) * frames), round((second + NEAR) * frames) + 1
        return float(curve[max(first, 0) : last].max())

    beats = np.arange(60 / tempo, START - 0.1, 60 / tempo)
    usual = statistics.median(peak(float(beat)) for beat in beats)
    return [round(peak(border) / usual, 3) for border in borders]


def judged(sound: Array, rate: int, start: float, asked: MusicAttributes, panel: JudgePanel) -> dict[str, Any]:
    """Tempo, distance of the beat from the clock in seconds, and key of a part that begins at `start`."""
    tempo = asked.tempo or 0.0
    period = 60 / tempo
    phase = (beat_phase(sound, sample_rate=rate, tempo=tempo) + start) % period
    found = estimate_tempo(sound, sample_rate=rate)
    key = panel.key(key_features(pitch_spectrogram(sound, sample_rate=rate))[None])[0]
    return {
        "bpm": round(found, 2),
        "tempo": tempo_matches(found, tempo, tolerance=0.01),
        "phase": round((phase + period / 2) % period - period / 2, 4),
        "key": key_parts(key) == (asked.key and (asked.key[0], int(asked.key[1]))),
    }


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model")
    parser.add_argument("--resamples", type=int, nargs="+", default=[4])
    parser.add_argument("--pieces", type=int, default=len(PROMPTS))
    add_out(parser, "editing.json")
    args = parser.parse_args()
    pipe, panel = Mousai.from_pretrained(args.model), JudgePanel.load()
    pipe.set_progress_bar_config(disable=True)
    rate, rows = pipe.sample_rate, []
    for seed, prompt in enumerate(PROMPTS[: args.pieces]):
        asked = parse_attributes(prompt)
        tempo = asked.tempo or 0.0
        piece = pipe(prompt, duration=SECONDS, seed=seed).audios[0]
        plain = judged(piece[:, -round(AFTER * rate) :].numpy(), rate, SECONDS - AFTER, asked, panel)
        own = flux_ratios(piece.numpy(), rate, [START, END], tempo)
        for resamples in args.resamples:
            settings = {"inpaint_audio": piece, "attributes": asked, "seed": 100, "inpaint_resamples": resamples}
            begin = time.perf_counter()
            spans = {"inpaint_mask_start_seconds": START, "inpaint_mask_end_seconds": END}
            edited = pipe(prompt, **spans, **settings).audios[0].numpy()
            longer = pipe(prompt, duration=SECONDS + AFTER, **settings).audios[0].numpy()
            row = {
                "prompt": prompt,
                "resamples": resamples,
                "seconds": round(time.perf_counter() - begin, 1),
                "edit_flux": flux_ratios(edited, rate, [START, END], tempo),
                "unedited_flux": own,
                "extend_flux": flux_ratios(longer, rate, [SECONDS], tempo),
                "piece": plain,
                "continuation": judged(longer[:, round(SECONDS * rate) :], rate, SECONDS, asked, panel),
                "region_phase": judged(edited[:, round(START * rate) : round(END * rate)], rate, START, asked, panel)[
                    "phase"
                ],
            }
            rows.append(row)
            print(json.dumps(row), flush=True)
            write_figures(args.out, rows)
    for resamples in args.resamples:
        print("\n".join(table([row for row in rows if row["resamples"] == resamples])))


def table(rows: list[dict[str, Any]]) -> list[str]:
    """Lines of a Markdown table about pieces that were made alike."""

    def share(part: str, name: str) -> str:
        return f"{sum(bool(row[part][name]) for row in rows)} of {len(rows)}"

    def near(phase: Callable[[dict[str, Any]], float]) -> str:
        return f"{sum(abs(phase(row)) <= 0.03 for row in rows)} of {len(rows)}"

    def moved(phase: float, row: dict[str, Any]) -> float:
        return phase - row["piece"]["phase"]

    def fluxes(name: str) -> str:
        values = [value for row in rows for value in row[name]]
        return f"{statistics.median(values):.2f} ({max(values):.2f})"

    return [
        f"{rows[0]['resamples']} resamples, {statistics.median(row['seconds'] for row in rows):.0f} s for both",
        "| | seam flux, median (largest) | tempo within 1 % | beat within 30 ms of the clock | of its own beat | key |",
        "|---|---|---|---|---|---|",
        f"| the piece as it is | {fluxes('unedited_flux')} | {share('piece', 'tempo')} | "
        f"{near(lambda row: row['piece']['phase'])} | | {share('piece', 'key')} |",
        f"| edit, 8 to 12 s | {fluxes('edit_flux')} | | {near(lambda row: row['region_phase'])} | "
        f"{near(lambda row: moved(row['region_phase'], row))} | |",
        f"| continuation, 10 s | {fluxes('extend_flux')} | {share('continuation', 'tempo')} | "
        f"{near(lambda row: row['continuation']['phase'])} | "
        f"{near(lambda row: moved(row['continuation']['phase'], row))} | {share('continuation', 'key')} |",
    ]


if __name__ == "__main__":
    main()
