"""Is the decoder's diffusion worth its time? Songs through the decoder, begun at several times, in several steps.

    python -m benchmarks.decoder_diffusion SONGS --songs 24 --start 0.01 0.03 0.1 0.3 --steps 1 4 --out diffusion

SONGS is a folder of audio. Beside the decoder stand the estimate that its diffusion starts from, Griffin-Lim from the
same latent and Griffin-Lim from the true magnitudes. Of every route: the metrics of `mousai evaluate`, the attack
distance in three bands and away from onsets, and the classifier two-sample test. Songs that were measured are kept in
`--out`, whose table is printed.
"""

import argparse
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mousai.audio.files import read_audio
from mousai.codec import Codec
from mousai.evaluation.features.waveform import SAMPLE_RATE, Array
from mousai.evaluation.metrics.attacks import attack_differences, onset_times
from mousai.evaluation.metrics.autoencoder import (
    ESTIMATE_ROUTE,
    LATENT_ROUTE,
    TRUE_ROUTE,
    reconstruction_metrics,
    routes,
    through_model,
)
from mousai.evaluation.metrics.reconstruction_metrics import log_mel_distance, stft_distance
from mousai.evaluation.metrics.two_sample_test import WINDOWS, cut_excerpts, two_sample_test
from mousai.evaluation.npz import load_npz, save_npz

BANDS = {"below 1 kHz": slice(0, 3), "1 to 5 kHz": slice(3, 8), "above 5 kHz": slice(8, 12)}
"""Of the 12 bands of the attack distance."""
AFTER_ONSETS = 0.15
"""Seconds after an onset at which nothing begins, where the next onset is far enough."""


def decoders(
    codec: Codec, starts: list[float], steps: list[int], iterations: list[int]
) -> dict[str, Callable[[Array], Array]]:
    """Functions that reconstruct a waveform `[2, samples]`, by name."""
    known = routes(codec, steps=())
    found = {name: known[name] for name in (TRUE_ROUTE, LATENT_ROUTE)}
    found[ESTIMATE_ROUTE] = through_model(codec, decoder_steps=0)
    for number in iterations:
        found[f"{ESTIMATE_ROUTE}, {number} iterations"] = through_model(codec, decoder_steps=0, griffin_lim=number)
    for start in starts:
        for count in steps:
            name = f"from {start:g}, {count} step{'s' if count > 1 else ''}"
            found[name] = through_model(codec, decoder_start=start, decoder_steps=count)
    return found


def figures(audio: Array, output: Array, onsets: Array, *, whole: bool) -> dict[str, float]:
    """The metrics of one reconstruction; with `whole` also those that need chroma."""
    if whole:
        found = reconstruction_metrics(audio, output, onsets=onsets)
    else:
        found = {"log_mel_distance": log_mel_distance(audio, output), "stft_distance": stft_distance(audio, output)}
    attacks = attack_differences(audio, output, onsets=onsets)
    found["attack_distance"] = float(attacks.mean())
    for name, bands in BANDS.items():
        found[f"attack, {name}"] = float(attacks[bands].mean())
    gaps = np.diff(onsets, append=audio.shape[1] / SAMPLE_RATE)
    quiet = onsets[gaps > 2 * AFTER_ONSETS] + AFTER_ONSETS
    found["away from onsets"] = float(attack_differences(audio, output, onsets=quiet).mean()) if len(quiet) else np.nan
    return found


def measured(
    path: Path, ways: Mapping[str, Callable[[Array], Array]], kept: Path, *, seconds: float, whole: bool
) -> tuple[dict[str, dict[str, float]], dict[str, Any]]:
    """Figures and excerpts of one song by route; those of an earlier run are taken from `kept`."""
    table: dict[str, dict[str, float]] = {}
    arrays: dict[str, Any] = {}
    if kept.is_file():
        about, arrays = load_npz(kept)
        table = about["figures"]
    missing = [name for name in ways if name not in table]
    if missing or not arrays:
        audio = read_audio(path, sample_rate=SAMPLE_RATE, duration=seconds)
        onsets = onset_times(audio)
        arrays["truth"] = cut_excerpts(audio).astype(np.float16)
        for name in missing:
            output = ways[name](audio)
            table[name] = figures(audio, output, onsets, whole=whole)
            arrays[name] = cut_excerpts(output).astype(np.float16)
        save_npz(kept, {"figures": table, "onsets": len(onsets)}, arrays)
    return table, arrays


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of songs")
    parser.add_argument("--model", default=None, help="model folder (default: bundled)")
    parser.add_argument("--songs", type=int, default=24, help="so many of them, drawn from seed 0")
    parser.add_argument(
        "--whole", type=int, default=8, help="songs of which chroma is measured too, which takes longer"
    )
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--start", type=float, nargs="*", default=[0.03])
    parser.add_argument("--steps", type=int, nargs="*", default=[1, 4])
    parser.add_argument("--iterations", type=int, nargs="*", default=[], help="of Griffin-Lim, without diffusion")
    parser.add_argument("--tested", nargs="*", default=None, help="routes of the two-sample test (default: all)")
    parser.add_argument("--windows", action="store_true", help="also a net for each window alone")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    paths = sorted(path for path in args.folder.iterdir() if path.suffix in (".flac", ".wav", ".ogg"))
    random.Random(0).shuffle(paths)
    paths = paths[: args.songs]
    args.out.mkdir(parents=True, exist_ok=True)
    codec = Codec.from_pretrained(args.model)
    codec.set_progress_bar_config(disable=True)
    ways = decoders(codec, args.start, args.steps, args.iterations)
    found = []
    for number, path in enumerate(paths):
        kept = args.out / f"{path.stem}.npz"
        found.append(measured(path, ways, kept, seconds=args.seconds, whole=number < args.whole))
        print(f"{number + 1} of {len(paths)}", flush=True)
    names = list(dict.fromkeys(figure for table, _ in found for way in ways for figure in table[way]))
    print("| route |", " | ".join(names), "|")
    for way in ways:
        medians = [np.nanmedian([table[way].get(name, np.nan) for table, _ in found]) for name in names]
        print(f"| {way} |", " | ".join(f"{value:.3f}" for value in medians), "|", flush=True)
    tested = list(ways) if args.tested is None else args.tested
    views = [WINDOWS, *([(window,) for window in WINDOWS] if args.windows else [])]
    for way in tested:
        true, decoded = (np.stack([arrays[name] for _, arrays in found]).astype(np.float32) for name in ("truth", way))
        for windows in views:
            share = two_sample_test(true, decoded, windows=windows)
            low, high = share["interval"]
            print(
                f"{way}, windows {windows}: {share['value']:.1%} ({low:.1%} to {high:.1%}) of {share['total']}, "
                f"{share['songs']} songs, {share['held_out']} held out",
                flush=True,
            )


if __name__ == "__main__":
    main()
