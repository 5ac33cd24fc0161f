"""Stream: how soon it sounds, how fast it is, whether memory grows, whether windows can be heard to meet, and how soon
another prompt is heard.
"""

import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mousai.audio.writing import as_array
from mousai.evaluation.clips import Row
from mousai.evaluation.control.seams import beats_of, seam_flux
from mousai.evaluation.control.workplace import PartResult, Workplace, centre, share
from mousai.evaluation.features.genre import genre_features
from mousai.evaluation.features.waveform import Array
from mousai.evaluation.prompts import PROMPTS, Prompt

if TYPE_CHECKING:
    from mousai.pipeline import Mousai

STEADY_PROMPT = "lo-fi hip hop, 80 bpm, A minor"
SEAMS_EVERY = 5
"""Of so many changes, one stream more whose seams are measured."""
BARS_AFTER = 2
"""Bars after the change of a prompt from which on the new one must be heard."""
KEPT = 20.0
"""Seconds of the long stream that are kept to listen to."""


def measure_stream(place: Workplace) -> PartResult:
    """Play streams.

    Returns:
        rows, and the metrics `first_sound` (seconds from the call of a loaded model to its first chunk, median of all
        streams), `speed` (seconds of music for a second), `memory` (growth of the process after the first quarter of
        the long stream), `seam`, and `change` (share of streams in which the style of another prompt is heard from two
        bars after the change on; its reference is how often the style before is).
    """
    seconds, count = place.config.stream_seconds, place.config.count("stream")

    def long(row: Row) -> tuple[Array, Row]:
        return long_stream(place.pipeline, row["seconds"], seed=row["seed"], **place.sampling)

    def seams(row: Row) -> tuple[Array, Row]:
        sound, borders, first = play(place.pipeline, row["prompt"], row["seconds"], seed=row["seed"], **place.sampling)
        beats = beats_of(row["tempo"], 0.0, 30 / row["tempo"], sound.shape[1] / place.rate - 0.5)
        return sound, {"first_sound": first, "seam": seam_flux(sound, place.rate, borders, beats)}

    def change(row: Row) -> tuple[Array, Row]:
        return changed(place, row)

    steady = [prompt for prompt in PROMPTS if prompt.bpm]
    numbers = range(count)
    pairs = [(steady[number % len(steady)], steady[(number + 3) % len(steady)]) for number in numbers]
    runs = [{"prompt": STEADY_PROMPT, "seconds": seconds}]
    pieces = [
        {"prompt": prompt.text, "tempo": prompt.bpm, "seconds": place.lengths.stream}
        for prompt in steady[: max(1, count // SEAMS_EVERY)]
    ]
    changes = [_change(before, after) for before, after in pairs]
    made = {
        "long": place.measured("stream/long", runs, long, "a long stream"),
        "seams": place.measured("stream/seams", pieces, seams, "streams and their seams"),
        "changes": place.measured("stream/changes", changes, change, "changing prompts"),
    }
    rows = [{**row, "folder": folder} for folder, some in made.items() for row in some]
    return PartResult(place.folder / "stream", rows, _summary(rows))


def _change(before: Prompt, after: Prompt) -> Row:
    return {"prompt": before.text, "genre": before.genre, "new_prompt": after.text, "new_genre": after.genre}


def _summary(rows: list[Row]) -> dict[str, Any]:
    run = next(row for row in rows if "memory_growth" in row)
    changes = [row for row in rows if "heard_after" in row]
    pairs = [(one["new_genre"], other["heard_after"]) for one in changes for other in changes]
    return {
        "first_sound": centre([row["first_sound"] for row in rows], "median"),
        "speed": centre([run["speed"]], "median"),
        "memory": centre([run["memory_growth"]], "median"),
        "seam": centre([value for row in rows for value in row.get("seam", ())], "median"),
        "change": share(
            [row["heard_after"] == row["new_genre"] for row in changes],
            reference=float(np.mean([row["heard_before"] == row["genre"] for row in changes])),
            by_chance=float(np.mean([asked == heard for asked, heard in pairs])),
        ),
    }


def resident() -> float:
    """Memory of the process in MB: at present on Linux, elsewhere the most so far."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 2**20 if sys.platform == "darwin" else most / 1024


def long_stream(pipe: "Mousai", seconds: float, *, seed: int = 0, **sampling: Any) -> tuple[Array, Row]:
    """Play a long stream; its beginning, and `first_sound`, `speed`, `memory_mb` at every quarter, `memory_growth`."""
    begin, first = time.perf_counter(), 0.0
    parts: list[Array] = []
    memory: list[float] = []
    with pipe.stream(STEADY_PROMPT, seed=seed, **sampling) as stream:
        for chunk in stream:
            first = first or time.perf_counter() - begin
            end = chunk.start_seconds + chunk.seconds
            if chunk.start_seconds < KEPT:
                parts.append(as_array(chunk.audio))
            while len(memory) < 4 and end >= seconds * (len(memory) + 1) / 4:
                memory.append(round(resident(), 1))
            if end >= seconds:
                break
    speed = end / (time.perf_counter() - begin)
    return np.concatenate(parts, axis=1), {
        "first_sound": round(first, 3),
        "speed": round(speed, 2),
        "memory_mb": memory,
        "memory_growth": round(memory[-1] / memory[0] - 1, 4),
    }


def play(
    pipe: "Mousai", prompt: str, seconds: float, *, seed: int = 0, **sampling: Any
) -> tuple[Array, list[float], float]:
    """Play the beginning of a stream.

    Returns:
        sound `[channels, samples]`, the seconds at which two windows of its latent meet, and seconds to the first sound
    """
    begin, first = time.perf_counter(), 0.0
    parts, borders, composed = [], [], 0
    with pipe.stream(prompt, seed=seed, **sampling) as stream:
        for chunk in stream:
            first = first or time.perf_counter() - begin
            latents = stream._latents
            if composed and latents.end > composed:  # a window was added to what there was
                borders.append(composed / latents.frame_rate)
            composed = latents.end
            parts.append(as_array(chunk.audio))
            if chunk.start_seconds + chunk.seconds >= seconds:
                break
    return np.concatenate(parts, axis=1), borders, round(first, 3)


def changed(place: Workplace, row: Row) -> tuple[Array, Row]:
    """Change the prompt of a stream, and let the style judge hear what is played before, and from two bars after."""
    lengths, pipe = place.lengths, place.pipeline
    begin, first = time.perf_counter(), 0.0
    old: list[Array] = []
    between: list[Array] = []
    new: list[Array] = []
    with pipe.stream(row["prompt"], seed=row["seed"], **place.sampling) as stream:
        for chunk in stream:
            first = first or time.perf_counter() - begin
            old.append(as_array(chunk.audio))
            if chunk.start_seconds + chunk.seconds >= lengths.before_change:
                break
        change = stream.update(prompt=row["new_prompt"])
        for chunk in stream:
            late = chunk.start_seconds >= change.seconds + BARS_AFTER * 240 / (chunk.tempo or 120) - 0.01
            (new if late else between).append(as_array(chunk.audio))
            if sum(part.shape[1] for part in new) >= lengths.heard * place.rate:
                break
    return np.concatenate([*old, *between, *new], axis=1), {
        "first_sound": round(first, 3),
        "change_seconds": round(change.seconds, 3),
        "heard_before": _style(place, old),
        "heard_after": _style(place, new),
    }


def _style(place: Workplace, parts: list[Array]) -> str:
    sound = np.concatenate(parts, axis=1)[:, -round(place.lengths.heard * place.rate) :]
    return str(place.panel.genre(genre_features(sound, sample_rate=place.rate)[None])[0])
