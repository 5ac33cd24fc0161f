"""How much of the music survives the autoencoder: the sound that comes out beside the one that went in.

    python benchmarks/reconstruction.py FILES… [--model DIR] [--songs N --seed S] [--out DIR]

Every file, and each of N songs composed afresh from seeds of no data set, is encoded and decoded and measured. The same
figures stand beside it for Griffin-Lim from the true magnitudes (2048/512, 32 iterations): what losing only the phase
costs. With `--out` the sounds are written as FLAC and their spectrograms as PNG.
"""

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from metrics import (
    RATE,
    Array,
    centred_chroma,
    chroma_agreement,
    griffin_lim,
    levels,
    log_mel_correlation,
    log_mel_distance,
    spectrogram_png,
    stft_distance,
)

from mousai.audio import read_audio, write_audio

FIGURES = ("log_mel_correlation", "chroma_cosine", "log_mel_distance", "stft_distance", "width_change")
"""Of a pair; the last is how much wider (dB) the output is."""

Codec = Callable[[Array], Array]


def measure(original: Array, output: Array, *, chroma: Array | None = None) -> dict[str, float]:
    """The figures of an output beside its original, both `[2, samples]` at 48 kHz; `chroma` is the original's."""
    known = centred_chroma(original) if chroma is None else chroma
    return {
        "log_mel_correlation": log_mel_correlation(original, output),
        "chroma_cosine": chroma_agreement(known, centred_chroma(output)),
        "log_mel_distance": log_mel_distance(original, output),
        "stft_distance": stft_distance(original, output),
        "width_change": levels(output).width - levels(original).width,
    }


def load_codec(args: argparse.Namespace) -> Codec:
    """The way there and back through a model folder, or through the folder of an autoencoder alone."""
    import torch

    if args.autoencoder is None:
        from mousai.pipeline import Mousai

        pipeline = Mousai.from_pretrained(args.model)

        def through_pipeline(audio: Array) -> Array:
            wave = torch.from_numpy(np.ascontiguousarray(audio))[None]
            found: Array = (
                pipeline.decode(pipeline.encode(wave), length=audio.shape[1], decoder_steps=args.decoder_steps)[0]
                .float()
                .numpy()
            )
            return found

        return through_pipeline

    from dmae import DMAE, DMAEConfig
    from mousai.checkpoint import load_config, load_state

    model = DMAE(DMAEConfig.from_dict(load_config(args.autoencoder)))
    load_state(args.autoencoder, model)
    model.eval()
    settings = {"num_steps": args.decoder_steps, "griffin_lim": args.griffin_lim, "start": args.decoder_start}
    settings = {name: value for name, value in settings.items() if value is not None}

    def through_autoencoder(audio: Array) -> Array:
        with torch.no_grad():
            latent = model.encode(torch.from_numpy(np.ascontiguousarray(audio))[None])
            found: Array = model.decode(latent, length=audio.shape[1], **settings)[0].float().numpy()
        return found / max(float(np.abs(found).max()) / 0.99, 1.0)

    return through_autoencoder


def sources(args: argparse.Namespace) -> Iterator[tuple[str, Array]]:
    """Names and sounds: the files first, then the songs."""
    for path in args.files:
        yield path.stem, read_audio(path, sample_rate=RATE, start=args.start, duration=args.seconds)
    if args.songs:
        from mousai.compose import GENRES, compose_song, render_song

        for number in range(args.songs):
            digest = hashlib.sha256(f"mousai/benchmarks/reconstruction/{args.seed}/{number}".encode()).hexdigest()[:12]
            genre = GENRES[number % len(GENRES)]
            song = compose_song(int(digest, 16), genre=genre, duration=args.seconds or 20.0)
            yield f"{genre.replace(' ', '-')}-{digest}", render_song(song)


def compare(name: str, audio: Array, codec: Codec, args: argparse.Namespace) -> dict[str, Any]:
    """Send one sound through the codec; measure and write what is wanted."""
    started = time.process_time()
    output = codec(audio)
    seconds = audio.shape[1] / RATE
    row: dict[str, Any] = {"name": name, "seconds": seconds, "cpu": (time.process_time() - started) / seconds}
    if not args.decode_only:
        chroma = centred_chroma(audio)
        row["model"] = measure(audio, output, chroma=chroma)
        started = time.process_time()
        ceiling = griffin_lim(audio)
        row["griffin_lim_cpu"] = (time.process_time() - started) / seconds
        row["griffin_lim"] = measure(audio, ceiling, chroma=chroma)
        if args.out is not None:
            write_audio(args.out / f"{name}.original.flac", audio, RATE, overwrite=True, peak="scale")
            write_audio(args.out / f"{name}.griffin-lim.flac", ceiling, RATE, overwrite=True, peak="scale")
            spectrogram_png(args.out / f"{name}.png", audio, output, titles=(name, "through the model"))
    if args.out is not None:
        write_audio(args.out / f"{name}.flac", output, RATE, overwrite=True, peak="scale")
    return row


def show(row: dict[str, Any]) -> None:
    """Print a line: each figure of the model, and behind a stroke that of Griffin-Lim."""
    cells = [f"{row['name'][:30]:30} {row['cpu']:6.2f}"]
    if "model" in row:
        cells += [f"{row['model'][figure]:7.3f} /{row['griffin_lim'][figure]:7.3f}" for figure in FIGURES]
    print("   ".join(cells), flush=True)


def medians(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A row of the figures' medians."""
    middle: dict[str, Any] = {"name": f"median of {len(rows)}", "cpu": float(np.median([row["cpu"] for row in rows]))}
    if "model" in rows[0]:
        middle["griffin_lim_cpu"] = float(np.median([row["griffin_lim_cpu"] for row in rows]))
        for side in ("model", "griffin_lim"):
            middle[side] = {figure: float(np.nanmedian([row[side][figure] for row in rows])) for figure in FIGURES}
    return middle


def main() -> int:
    """Measure files and songs and print the table."""
    parser = argparse.ArgumentParser(description="How much of the music survives the autoencoder?")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--model", default=None, help="model folder (default: the bundled model)")
    parser.add_argument("--songs", type=int, default=0, metavar="N", help="also N songs composed afresh")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other songs")
    parser.add_argument("--start", type=float, default=0.0, help="where in each file to begin, in seconds")
    parser.add_argument("--seconds", type=float, default=20.0, help="at most so much of each file, and of each song")
    parser.add_argument("--out", type=Path, default=None, help="write FLAC, PNG and results.json into this folder")
    parser.add_argument("--decode-only", action="store_true", help="write the FLACs and measure nothing but the time")
    parser.add_argument("--decoder-steps", type=int, default=None, help="default: what the model is best run with")
    alone = parser.add_argument_group("an autoencoder without a generator, instead of --model")
    alone.add_argument("--autoencoder", type=Path, default=None, metavar="DIR", help="its config.json and weights")
    alone.add_argument("--griffin-lim", type=int, default=None, help="iterations")
    alone.add_argument("--decoder-start", type=float, default=None, help="diffusion time to start from")
    args = parser.parse_args()
    try:
        names = [path.stem for path in args.files]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two files are called {min(twice)}; their outputs would have one name")
        if not names and args.songs < 1:
            raise ValueError("nothing to measure; name files, or ask for --songs")
        if args.out is not None:
            args.out.mkdir(parents=True, exist_ok=True)
        codec = load_codec(args)
        if not args.decode_only:
            print(f"{'each: model / Griffin-Lim':30} {'cpu':>6}   " + "   ".join(f"{name:>16}" for name in FIGURES))
        else:
            print(f"{'':30} {'cpu':>6}")
        rows = []
        for name, audio in sources(args):
            rows.append(compare(name, audio, codec, args))
            show(rows[-1])
        show(medians(rows))
        print("cpu: seconds of CPU for each second of sound, there and back; the first row has the warming up in it")
        if args.out is not None:
            result = {"medians": medians(rows), "rows": rows}
            (args.out / "results.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    except (OSError, ValueError) as error:
        print(f"reconstruction: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
