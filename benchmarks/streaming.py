"""How does music without end go on? Its speed and memory over half an hour, its seams, and its time.

    python -m benchmarks.streaming [--model DIR] [--minutes 30] [--threads 2] [--pieces 4] [--out FILE]

- speed: seconds from the call to the first chunk of a loaded model, seconds of music for a second of computing, and the
  memory of the process in the second minute and in the last;
- seams of `--pieces` pieces: spectral flux within 25 ms of the places where windows of the latent meet, over the median
  of that at the piece's own beats. The decoder's stretches meet at bar lines, which have a flux of their own: there 1
  is that of the same latent decoded at once, and 2 is one usual beat more;
- time: the tempo of each piece by the tempo judge, and how far the beat of its end lies from that of its start.

`--minutes 0` leaves the first out. Shorter streams, and how soon another prompt is heard, are part of
`mousai evaluate --control`. Needs the extra [evaluate], and for the speed a machine with nothing else to do.
"""

import argparse
import json
import statistics
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from benchmarks.figures import add_out, write_figures
from mousai import Conditioning, Mousai
from mousai.conditioning.attributes import parse_attributes
from mousai.evaluation.control.seams import flux_near
from mousai.evaluation.control.streaming import resident
from mousai.evaluation.features.waveform import Array
from mousai.evaluation.judges.beats import beat_phase
from mousai.evaluation.judges.tempo import estimate_tempo, tempo_matches
from mousai.evaluation.prompts import PROMPTS

PROMPT = "lo-fi hip hop, 80 bpm, A minor"


def speed(pipe: Mousai, minutes: float) -> dict[str, Any]:
    """First sound, speed and memory of one long stream."""
    begin, computed = time.perf_counter(), time.process_time()
    first, memory = 0.0, []
    with pipe.stream(PROMPT, seed=0) as stream:
        for chunk in stream:
            first = first or time.perf_counter() - begin
            end = chunk.start_seconds + chunk.seconds
            if end // 60 > len(memory):
                memory.append(round(resident(), 1))
                print(f"{end / 60:.0f} min, {memory[-1]} MB, {end / (time.perf_counter() - begin):.2f} x", flush=True)
            if end >= 60 * minutes:
                break
    passed = time.perf_counter() - begin
    return {
        "minutes": minutes,
        "first_sound_seconds": round(first, 2),
        "times_real_time": round(end / passed, 2),
        "processor_seconds_per_second": round((time.process_time() - computed) / end, 3),
        "memory_mb": memory,
        "memory_growth": round(memory[-1] / memory[min(1, len(memory) - 1)] - 1, 4) if memory else None,
    }


@dataclass(frozen=True)
class Piece:
    """The beginning of a stream.

    Args:
        sound: [channels, samples].
        at_once: the same latent decoded at once, as long.
        stretches: seconds at which two stretches of the decoder meet.
        windows: seconds at which two windows of the latent meet.
    """

    sound: Array
    at_once: Array
    stretches: list[float]
    windows: list[float]


def played(pipe: Mousai, prompt: str, seed: int, seconds: float) -> Piece:
    """Play so many seconds."""
    windows, latents = [], []
    plain, frame_rate = pipe.latent_diffusion.sample, pipe.sample_rate / pipe.autoencoder.config.hop_length

    def watched(cond: Conditioning, **settings: Any) -> torch.Tensor:
        made = plain(cond, **settings)
        known = 0 if cond.known_mask is None else int(cond.known_mask.sum())
        windows.append(cond.start_seconds[0] + known / frame_rate)
        latents.append(made[..., known:])
        return made

    parts, stretches = [], []
    pipe.latent_diffusion.sample = watched  # type: ignore[method-assign]
    try:
        for chunk in pipe.stream(prompt, seed=seed):
            parts.append(chunk.audio)
            stretches.append(chunk.start_seconds)
            if chunk.start_seconds + chunk.seconds >= seconds:
                break
    finally:
        pipe.latent_diffusion.sample = plain  # type: ignore[method-assign]
    sound: Array = torch.cat(parts, dim=-1).numpy()
    at_once = pipe.decode(torch.cat(latents, dim=-1), seed=seed, length=sound.shape[-1])[0].cpu().numpy()
    return Piece(sound, at_once, stretches[1:], windows[1:])


def continued(pipe: Mousai, prompt: str, seed: int, seconds: float) -> dict[str, Any]:
    """Seams and time of a piece."""
    tempo, rate = parse_attributes(prompt).tempo or 0.0, pipe.sample_rate
    piece = played(pipe, prompt, seed, seconds)
    sound, period, part = piece.sound, 60 / tempo, min(20 * rate, piece.sound.shape[-1] // 2)
    beats = [float(beat) for beat in np.arange(period, sound.shape[-1] / rate - 1, period)]
    usual = statistics.median(flux_near(sound, rate, beats))
    pairs = zip(flux_near(sound, rate, piece.stretches), flux_near(piece.at_once, rate, piece.stretches), strict=True)
    late = sound.shape[-1] - part
    phases = [beat_phase(sound[:, start : start + part], sample_rate=rate, tempo=tempo) for start in (0, late)]
    moved = (phases[1] + late / rate - phases[0]) % period
    levels = [np.sqrt((sound[:, start : start + part] ** 2).mean()) for start in (0, late)]
    return {
        "prompt": prompt,
        "window_flux": [round(flux / usual, 3) for flux in flux_near(sound, rate, piece.windows)],
        "stretch_flux": [round((flux - whole) / usual + 1, 3) for flux, whole in pairs],
        "tempo": tempo_matches(estimate_tempo(sound, sample_rate=rate), tempo, tolerance=0.01),
        "beat_moved": round(float((moved + period / 2) % period - period / 2), 4),
        "level_db": [round(20 * float(np.log10(level)), 1) for level in levels],
    }


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pieces", type=int, default=8)
    parser.add_argument("--piece-seconds", type=float, default=60.0)
    add_out(parser, "streaming.json")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    pipe = Mousai.from_pretrained(args.model)
    found: dict[str, Any] = {}
    pipe.set_progress_bar_config(disable=True)
    if args.minutes:
        found["speed"] = speed(pipe, args.minutes)
        print(json.dumps(found["speed"]), flush=True)
    found["pieces"] = []
    for seed, prompt in enumerate(PROMPTS[: args.pieces]):
        found["pieces"].append(continued(pipe, prompt.text, seed, args.piece_seconds))
        print(json.dumps(found["pieces"][-1]), flush=True)
    write_figures(args.out, found)
    print("\n".join(summary(found)))


def summary(found: dict[str, Any]) -> list[str]:
    """Lines about the pieces."""
    lines = []
    for name in ("window_flux", "stretch_flux"):
        values = [value for row in found["pieces"] for value in row[name]]
        if values:
            above = sum(value > 1.1 for value in values)
            lines.append(f"{name}: median {statistics.median(values):.2f}, above 1.1: {above} of {len(values)}")
    pieces = found["pieces"]
    lines.append(f"tempo within 1 %: {sum(row['tempo'] for row in pieces)} of {len(pieces)}")
    near = sum(abs(row["beat_moved"]) <= 0.03 for row in pieces)
    lines.append(f"beat within 30 ms of that of the start: {near} of {len(pieces)}")
    return lines


if __name__ == "__main__":
    main()
