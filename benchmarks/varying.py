"""How like a recording is what `mousai vary` makes of it? At strengths from 0 to 1.

    python -m benchmarks.varying RECORDINGS... [--model DIR] [--seconds 10] [--out FILE]

Likeness is the mean of two similarities to the recording: the cosine of the centred chromas (the notes) and the
correlation of the log-mel spectrograms (timbre and rhythm), as `mousai evaluate` has them. Each recording, from its
start, is varied under the prompt "jazz trio, saxophone lead" with one seed, its clock estimated as `mousai vary` does.

A progress line for each recording; the table at the end is what docs/vary.md has.
"""

import argparse
import json
import statistics
from itertools import pairwise
from pathlib import Path

from benchmarks.figures import add_out, write_figures
from mousai import Mousai, MusicAttributes, read_audio
from mousai.evaluation.features.waveform import Array
from mousai.evaluation.judges.beats import estimate_clock
from mousai.evaluation.metrics.reconstruction_metrics import chroma_cosine, log_mel_correlation

STRENGTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
PROMPT = "jazz trio, saxophone lead"


def likeness(recording: Array, made: Array, rate: int) -> float:
    """Mean of chroma cosine and log-mel correlation; 1 is the recording."""
    notes = chroma_cosine(recording, made, sample_rate=rate)
    return (notes + log_mel_correlation(recording, made, sample_rate=rate)) / 2


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("recordings", nargs="+")
    parser.add_argument("--model")
    parser.add_argument("--seconds", type=float, default=10.0)
    add_out(parser, "varying.json")
    args = parser.parse_args()
    pipe = Mousai.from_pretrained(args.model)
    pipe.set_progress_bar_config(disable=True)
    rate, rows = pipe.sample_rate, []
    for path in args.recordings:
        sound = read_audio(path, sample_rate=rate, duration=args.seconds)
        clock = estimate_clock(sound, sample_rate=rate)
        known = MusicAttributes() if clock is None else MusicAttributes(tempo=clock[0], first_downbeat=clock[1])
        found = []
        for strength in STRENGTHS:
            made = pipe(PROMPT, init_audio=sound, strength=strength, attributes=known, seed=1, output_type="np")
            found.append(round(likeness(sound, made.audios[0], rate), 3))
        rows.append({"recording": Path(path).name, "likeness": found, "falls": all(a > b for a, b in pairwise(found))})
        print(json.dumps(rows[-1]), flush=True)
        write_figures(args.out, rows)
    print(f"| | {' | '.join(f'{strength:g}' for strength in STRENGTHS)} |\n|---|{'---|' * len(STRENGTHS)}")
    columns = list(zip(*(row["likeness"] for row in rows), strict=True))
    for name, of in (("median", statistics.median), ("lowest", min), ("highest", max)):
        print(f"| {name} of {len(rows)} | {' | '.join(f'{of(column):.2f}' for column in columns)} |")
    print(f"falls at every step: {sum(row['falls'] for row in rows)} of {len(rows)}")


if __name__ == "__main__":
    main()
