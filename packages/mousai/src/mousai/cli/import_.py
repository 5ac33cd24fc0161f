"""`mousai import`: a checkpoint of the authors' library as a model folder."""

import argparse
from pathlib import Path

from mousai.cli.common.shared import say
from mousai.errors import UserError

_SETTINGS_HELP = (
    "what the file does not tell, for example attention_heads=12 or bottleneck=tanh; may be given several times, and "
    "where one is missing the message names it"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `import` takes."""
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="checkpoint of audio-diffusion-pytorch 0.1.x: a .safetensors file, a folder with one, or an id on the "
        "Hugging Face hub, owner/name (archinetai/dmae1d-ATC64-v2 is known by name)",
    )
    parser.add_argument("-o", "--output", required=True, metavar="MODEL_DIR", help="model folder to make")
    parser.add_argument("--revision", metavar="R", help="commit of a checkpoint on the hub, needed for one")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", dest="settings", help=_SETTINGS_HELP
    )
    parser.add_argument(
        "--prefix", metavar="P", help="which of several models in the file, such as model_ema.ema_model."
    )
    parser.add_argument(
        "--allow-pickle",
        action="store_true",
        help="read .ckpt, .pt, .pth and .bin too. Such a file can run any program while it is read; here only its "
        "tensors are read, in a process of its own, which is safer and not safe: for files of people you trust",
    )
    parser.add_argument(
        "--dtype", choices=("float32", "float16", "bfloat16"), help="dtype to store (default: as it is)"
    )
    group = parser.add_argument_group("for latent diffusion with text")
    group.add_argument(
        "--text-encoder", metavar="DIR_OR_ID", help="the T5 model that it reads with, such as google-t5/t5-base"
    )
    group.add_argument("--text-encoder-revision", metavar="R", help="its commit on the hub")
    group.add_argument(
        "--autoencoder", metavar="DIR", help="model folder whose autoencoder turns its latents into sound"
    )


def run(args: argparse.Namespace) -> int:
    """Import one checkpoint."""
    settings = {}
    for text in args.settings:
        name, equals, value = text.partition("=")
        if not equals:
            raise UserError("settings", text, "must be NAME=VALUE")
        settings[name] = value

    import torch

    from mousai.convert.importing import import_model
    from mousai.convert.settings import Settings

    Settings(settings)  # an unknown name is refused before anything is read
    out = Path(args.output)
    made = import_model(
        args.source,
        out,
        revision=args.revision,
        prefix=args.prefix,
        settings=settings,
        allow_pickle=args.allow_pickle,
        text_encoder=args.text_encoder,
        text_encoder_revision=args.text_encoder_revision,
        autoencoder=None if args.autoencoder is None else Path(args.autoencoder),
        dtype=None if args.dtype is None else getattr(torch, args.dtype),
    )
    lines = [f"{out}: {' and '.join(made.parts)}, {made.parameters:,} parameters"]
    if made.prefix:
        lines.append(f"  the keys began with {made.prefix!r}")
    if made.left_out:
        lines.append(f"  left out, outside of that: {len(made.left_out)} keys, such as {made.left_out[0]}")
    if made.assumed:
        assumed = ", ".join(f"{name}={value}" for name, value in made.assumed.items())
        lines.append(f"  assumed, for the file does not tell: {assumed} (otherwise: --set NAME=VALUE)")
    if made.lacks:
        lines.append(f"  to make music from text it lacks {made.lacks}")
    say(lines)
    return 0
