"""`mousai reconstruct`: what a recording sounds like after the autoencoder."""

import argparse

from mousai.cli.common.shared import (
    add_compile_argument,
    add_decoder_arguments,
    add_model_arguments,
    add_output_arguments,
    check_decoder_arguments,
    checked_device,
    decode_to_file,
    read_sound,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `reconstruct` takes."""
    parser.add_argument("input", metavar="IN", help="recording, mono or stereo, of any rate: .wav, .flac, .ogg or .mp3")
    add_output_arguments(parser, files=".wav, .flac, .ogg or .mp3, as long as IN, at the model's rate (48 kHz)")
    add_decoder_arguments(parser)
    add_model_arguments(parser)
    add_compile_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Encode and decode one recording."""
    from mousai.audio.outputs import check_output

    path = check_output(args.output, args.overwrite)
    check_decoder_arguments(args)
    device = checked_device(args)

    from mousai.codec import Codec
    from mousai.storage.folders import autoencoder_config, model_folder

    folder = model_folder(args.model, revision=args.revision)
    recording = read_sound(args.input, autoencoder_config(folder))
    codec = Codec.from_pretrained(folder, device=device, dtype=args.dtype, compile=args.compile)
    decode_to_file(
        codec.encode(recording[None].to(device))[0],
        path,
        codec,
        args,
        samples=recording.shape[-1],
        source="reconstructed_from",
    )
    return 0
