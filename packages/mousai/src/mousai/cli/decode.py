"""`mousai decode`: a latent, as `mousai encode` writes it, as sound."""

import argparse

from mousai.cli.common.latents import LATENT_SUFFIX, check_latent, read_latent
from mousai.cli.common.shared import (
    add_compile_argument,
    add_decoder_arguments,
    add_model_arguments,
    add_output_arguments,
    check_decoder_arguments,
    checked_device,
    decode_to_file,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `decode` takes."""
    parser.add_argument("input", metavar="LATENT", help=f"what `mousai encode` wrote: {LATENT_SUFFIX}")
    add_output_arguments(parser, files=".wav, .flac, .ogg or .mp3, as long as what was encoded")
    add_decoder_arguments(parser)
    add_model_arguments(parser)
    add_compile_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Decode one latent."""
    from mousai.audio.outputs import check_output

    path = check_output(args.output, args.overwrite)
    check_decoder_arguments(args)
    device = checked_device(args)

    from mousai.codec import Codec
    from mousai.storage.folders import autoencoder_config, model_folder

    found = read_latent(args.input)
    folder = model_folder(args.model, revision=args.revision)
    check_latent(args.input, found, folder, autoencoder_config(folder))
    codec = Codec.from_pretrained(folder, device=device, dtype=args.dtype, compile=args.compile)
    decode_to_file(found.latent.to(device), path, codec, args, samples=found.samples, source="decoded_from")
    return 0
