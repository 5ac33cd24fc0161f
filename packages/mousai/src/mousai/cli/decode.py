"""`mousai decode`: a latent, as `mousai encode` writes it, as sound."""

import argparse

from mousai.cli.latents import LATENT_SUFFIX, check_latent, read_latent
from mousai.cli.progress import Progress
from mousai.cli.shared import (
    add_decoder_arguments,
    add_model_arguments,
    add_output_arguments,
    check_decoder_arguments,
    model_name,
    number_format,
    write_sound,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `decode` takes."""
    parser.add_argument("input", metavar="LATENT", help=f"what `mousai encode` wrote: {LATENT_SUFFIX}")
    add_output_arguments(parser, files=".wav, .flac, .ogg or .mp3, as long as what was encoded")
    add_decoder_arguments(parser)
    add_model_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Decode one latent."""
    from mousai.audio import check_output

    path = check_output(args.output, args.overwrite)
    check_decoder_arguments(args)

    from mousai.pipeline import Mousai, describe, model_folder

    found = read_latent(args.input)
    folder = model_folder(args.model, revision=args.revision)
    model = describe(folder)
    check_latent(args.input, found, folder, model.autoencoder)
    pipeline = Mousai.from_pretrained(folder, dtype=args.dtype)
    steps = model.defaults.decoder_steps if args.decoder_steps is None else args.decoder_steps
    with Progress({"decoder": steps}, name=path.name) as progress:
        sound = pipeline.decode(
            found.latent[None],
            length=found.samples,
            decoder_steps=steps,
            seed=args.seed,
            callback_on_step_end=progress,
        )
    made = {
        "decoded_from": args.input,
        "seed": str(args.seed),
        "decoder_steps": str(steps),
        "model": model_name(args),
        "dtype": number_format(pipeline),
    }
    write_sound(path, sound[0], pipeline, made, overwrite=args.overwrite)
    return 0
