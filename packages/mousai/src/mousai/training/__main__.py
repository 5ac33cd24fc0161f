"""`python -m mousai.training`: how the bundled model was made, step by step."""

import argparse
import sys
from pathlib import Path

from mousai.errors import UserError


def parser() -> argparse.ArgumentParser:
    """The arguments of the four steps."""
    top = argparse.ArgumentParser(prog="python -m mousai.training", description=__doc__)
    steps = top.add_subparsers(dest="step", required=True)

    def step(name: str, help: str) -> argparse.ArgumentParser:
        sub = steps.add_parser(name, help=help, description=help)
        sub.add_argument("--out", type=Path, required=True, help="folder of the run; an interrupted run goes on")
        return sub

    def timed(sub: argparse.ArgumentParser, *, minutes: float, rate: float, batch: int) -> None:
        sub.add_argument("--minutes", type=float, default=minutes, help="of training (default: %(default)s)")
        sub.add_argument("--learning-rate", type=float, default=rate, help="at its highest (default: %(default)s)")
        sub.add_argument("--batch", type=int, default=batch, help="crops per step (default: %(default)s)")
        sub.add_argument("--seed", type=int, default=0, help="of everything drawn (default: %(default)s)")
        sub.add_argument("--threads", type=int, default=None, help="threads to compute with (default: all cores)")

    latent = step("latent", "stage 1, first phase: encoder and prior, on the magnitudes of any audio")
    latent.add_argument("--data", type=Path, nargs="+", required=True, help="folders of audio files")
    timed(latent, minutes=9, rate=4e-4, batch=6)

    decoder = step("decoder", "stage 1, second phase: the decoder's diffusion")
    decoder.add_argument("--data", type=Path, nargs="+", required=True, help="folders of audio files")
    decoder.add_argument("--from", dest="start_from", type=Path, required=True, help="folder of the first phase")
    timed(decoder, minutes=50, rate=8e-4, batch=6)

    generator = step("generator", "stage 2: text to latent")
    generator.add_argument(
        "--data", type=Path, required=True, help="folder of music with captions, as `mousai data check` reads it"
    )
    generator.add_argument(
        "--autoencoder", type=Path, help="folder of a trained stage 1 (default: the bundled model's)"
    )
    generator.add_argument(
        "--from", dest="start_from", type=Path, help='model folder to go on from, or "bundled" (default: from nothing)'
    )
    generator.add_argument("--latents", type=Path, help="what `mousai data encode` made (default: encoded into --out)")
    generator.add_argument("--offsets", type=int, default=1, help="encodings of each song (default: %(default)s)")
    timed(generator, minutes=60, rate=8e-4, batch=16)

    bundle = step("bundle", "the two stages into one model folder")
    bundle.add_argument("--autoencoder", type=Path, help="folder of stage 1 (default: the bundled model's)")
    bundle.add_argument("--generator", type=Path, required=True, help="folder of stage 2")
    for option, kind, what in (
        ("--steps", int, "generator steps"),
        ("--guidance-scale", float, "guidance"),
        ("--decoder-steps", int, "decoder steps"),
        ("--griffin-lim", int, "Griffin-Lim iterations"),
        ("--decoder-start", float, "start time of the decoder"),
        ("--sampler", str, "sampler of the generator"),
        ("--time-grid", str, "grid of its steps"),
    ):
        bundle.add_argument(option, type=kind, help=f"default {what} of the model (default: the bundled model's)")
    bundle.add_argument("--about", default="", help="what `mousai info` says of the model")
    return top


def run(arguments: argparse.Namespace) -> None:
    """Do one step."""
    if arguments.step == "bundle":
        from dataclasses import replace

        from mousai.folders import BUNDLED, describe
        from mousai.training.bundle import bundle

        given = {
            "num_inference_steps": arguments.steps,
            "guidance_scale": arguments.guidance_scale,
            "decoder_steps": arguments.decoder_steps,
            "griffin_lim": arguments.griffin_lim,
            "decoder_start": arguments.decoder_start,
            "sampler": arguments.sampler,
            "time_grid": arguments.time_grid,
        }
        chosen = {key: value for key, value in given.items() if value is not None}
        defaults = replace(describe(BUNDLED).defaults, **chosen)
        autoencoder = arguments.autoencoder or BUNDLED / "autoencoder"
        bundle(autoencoder, arguments.generator, arguments.out, defaults=defaults, about=arguments.about)
        return

    import torch

    from mousai.training.loop import TrainSettings

    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    if arguments.step == "generator":
        from mousai.folders import BUNDLED
        from mousai.training.generator import train_generator

        bundled = arguments.start_from == Path("bundled") and not arguments.start_from.exists()
        settings = TrainSettings(
            minutes=arguments.minutes, learning_rate=arguments.learning_rate, warmup=200, ema=0.9985
        )
        train_generator(
            arguments.data,
            arguments.autoencoder or BUNDLED / "autoencoder",
            arguments.out,
            settings,
            batch=arguments.batch,
            seed=arguments.seed,
            offsets=arguments.offsets,
            start_from=BUNDLED if bundled else arguments.start_from,
            latents=arguments.latents,
        )
        return

    from mousai.training.autoencoder import train_autoencoder

    train_autoencoder(
        arguments.data,
        arguments.out,
        TrainSettings(minutes=arguments.minutes, learning_rate=arguments.learning_rate),
        phase=arguments.step,
        start_from=getattr(arguments, "start_from", None),
        crop_seconds=10.0 if arguments.step == "latent" else 6.0,
        batch=arguments.batch,
        seed=arguments.seed,
    )


def main() -> int:
    """Run; 0 = done, 2 = a message for the user, 130 = interrupted (and saved)."""
    try:
        run(parser().parse_args())
    except UserError as error:
        print(f"mousai.training: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the run is saved and goes on with the same command", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
