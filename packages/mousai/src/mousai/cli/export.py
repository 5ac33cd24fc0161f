"""`mousai export`: a part of a model in the layout of the authors' library."""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `export` takes."""
    parser.add_argument("model", metavar="MODEL_DIR", help="folder of a model")
    parser.add_argument(
        "--layout",
        required=True,
        choices=("audio-diffusion-pytorch",),
        help="whose: audio-diffusion-pytorch is the authors' library, version 0.1.x",
    )
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="file to write: .safetensors")
    parser.add_argument("--part", choices=("autoencoder", "generator"), help="which one, where the folder has both")
    parser.add_argument(
        "--compact",
        action="store_true",
        help="write the U-Net once, where their state dict has it under three names: a third of the size, to be loaded "
        "with load_state_dict(..., strict=False)",
    )
    parser.add_argument(
        "--dtype", choices=("float32", "float16", "bfloat16"), help="number format to store (default: float32)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the file if it exists")


def run(args: argparse.Namespace) -> int:
    """Export one part."""
    from mousai.audio import check_output

    path = check_output(args.output, args.overwrite, suffixes=(".safetensors",))

    import torch

    from mousai.foreign.exporting import export_model

    settings = export_model(
        Path(args.model),
        path,
        part=args.part,
        compact=args.compact,
        dtype=None if args.dtype is None else getattr(torch, args.dtype),
    )
    again = " ".join(f"--set {name}={value}" for name, value in settings.items())
    print(f"{path}: read again by\n  mousai import {path} -o MODEL_DIR {again}".rstrip())
    return 0
