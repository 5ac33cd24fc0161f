"""`mousai export`: a run of training as a model, or a part of a model in the layout of the authors' library."""

import argparse
import os
from pathlib import Path

from mousai.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `export` takes."""
    parser.add_argument("source", metavar="RUN_OR_MODEL", help="folder of a run (`mousai train --out`), or of a model")
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="of a run: the model folder to make, or a .safetensors if it has lora.rank; of a model: a .safetensors",
    )
    parser.add_argument(
        "--layout",
        choices=("audio-diffusion-pytorch",),
        help="of a model: whose; audio-diffusion-pytorch is the authors' library, version 0.1.x",
    )
    parser.add_argument(
        "--part", choices=("autoencoder", "latent_diffusion"), help="which one, where the folder has both"
    )
    parser.add_argument(
        "--compact",
        action="store_true",
        help="write the U-Net once, where their state dict has it under three names: a third of the size, to be loaded "
        "with load_state_dict(..., strict=False)",
    )
    parser.add_argument("--dtype", choices=("float32", "float16", "bfloat16"), help="dtype to store (default: float32)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="settings",
        help="of a run: how its model is best run, such as guidance_scale=4 (default: as the model it started from)",
    )
    parser.add_argument("--about", metavar="TEXT", help="of a run: what `mousai info` says of the model")
    parser.add_argument("--overwrite", action="store_true", help="replace the file, or the model folder, if it exists")


def run(args: argparse.Namespace) -> int:
    """Export a run, or one part of a model."""
    if args.layout or args.output.endswith(".safetensors"):
        for option, value in (("settings", args.settings), ("about", args.about)):
            if value:
                raise UserError(option, hint="is for a run that becomes a model folder")
    return _model_part(args) if args.layout else _run(args)


def _run(args: argparse.Namespace) -> int:
    for option in ("part", "compact"):
        if getattr(args, option):
            raise UserError(option, hint="is for a model, beside --layout audio-diffusion-pytorch")
    source = Path(args.source)
    if (source / "model_index.json").is_file():
        raise UserError(source, hint="is a model; say in which --layout to export a part of it")

    if args.output.endswith(".safetensors"):
        return _adapter(args, source)

    import torch

    from mousai.training.export import export_run

    dtype = None if args.dtype is None else getattr(torch, args.dtype)
    stands_in_it = os.path.realpath(args.output) == os.path.realpath(os.curdir)
    parts = export_run(
        source, Path(args.output), dtype=dtype, about=args.about, settings=args.settings, overwrite=args.overwrite
    )
    print(f"{args.output}: a model of {' and '.join(parts)}; its README.md says how it was trained")
    if stands_in_it:
        print("the folder that you stood in was replaced by a new one; cd . enters it")
    return 0


def _adapter(args: argparse.Namespace, source: Path) -> int:
    from mousai.audio.outputs import check_output

    path = check_output(args.output, args.overwrite, suffixes=(".safetensors",))

    from mousai.training.export import export_adapter

    count = export_adapter(source, path)
    print(f"{path}: an adapter for {count} weights; mousai generate PROMPT --lora {path} -o OUT")
    return 0


def _model_part(args: argparse.Namespace) -> int:
    from mousai.audio.outputs import check_output

    path = check_output(args.output, args.overwrite, suffixes=(".safetensors",))

    import torch

    from mousai.convert.exporting import export_model

    settings = export_model(
        Path(args.source),
        path,
        part=args.part,
        compact=args.compact,
        dtype=None if args.dtype is None else getattr(torch, args.dtype),
    )
    again = " ".join(f"--set {name}={value}" for name, value in settings.items())
    print(f"{path}: read again by\n  mousai import {path} -o MODEL_DIR {again}".rstrip())
    return 0
