"""`mousai encode`: a recording as a latent, in a safetensors file."""

import argparse

from mousai.cli.common.latents import LATENT_SUFFIX, LatentFile, fingerprint, write_latent
from mousai.cli.common.shared import add_model_arguments, add_output_arguments, checked_device, read_sound


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `encode` takes."""
    parser.add_argument("input", metavar="IN", help="recording, mono or stereo, of any rate: .wav, .flac, .ogg or .mp3")
    add_output_arguments(parser, files=f"{LATENT_SUFFIX}, with a tensor `latent` [channels, frames]")
    add_model_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Encode one recording."""
    from mousai.audio.outputs import check_output

    path = check_output(args.output, args.overwrite, suffixes=(LATENT_SUFFIX,))

    device = checked_device(args)

    from mousai.codec import Codec
    from mousai.storage.folders import autoencoder_config, model_folder

    folder = model_folder(args.model, revision=args.revision)
    config = autoencoder_config(folder)
    recording = read_sound(args.input, config)
    latent = Codec.from_pretrained(folder, device=device, dtype=args.dtype).encode(recording[None].to(device))[0]
    samples = recording.shape[-1]
    found = LatentFile(
        latent=latent,
        samples=samples,
        sample_rate=config.sample_rate,
        hop_length=config.hop_length,
        autoencoder=fingerprint(folder),
    )
    write_latent(path, found, source=args.input)
    print(f"{path}: latent {list(latent.shape)}, {samples / config.sample_rate:.2f} s")
    return 0
