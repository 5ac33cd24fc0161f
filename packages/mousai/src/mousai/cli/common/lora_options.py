"""`--lora` and `--lora-scale`, for commands that sample."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mousai.errors import UserError

if TYPE_CHECKING:
    from mousai.pipeline import Mousai

MOST = 10.0
"""Greatest scale of an adapter."""


def add_lora_arguments(parser: argparse.ArgumentParser) -> None:
    """Add both."""
    parser.add_argument(
        "--lora",
        metavar="FILE",
        help="adapter that `mousai train latent-diffusion --lora.rank` made, added to the model",
    )
    parser.add_argument("--lora-scale", type=float, metavar="X", help="how much of it (default 1, as it was trained)")


def check_lora(args: argparse.Namespace) -> None:
    """Refuse an adapter that is not there, and an impossible scale, before any model is read."""
    if args.lora_scale is not None and args.lora is None:
        raise UserError("lora_scale", args.lora_scale, "says how much of an adapter is added; give --lora too")
    if args.lora_scale is not None and not 0 <= args.lora_scale <= MOST:
        raise UserError("lora_scale", args.lora_scale, f"must be 0 to {MOST:g}")
    if args.lora is not None:
        from mousai.diffusion.lora import check_adapter

        if not Path(args.lora).exists():
            raise UserError("lora", args.lora, "no such file")
        check_adapter(args.lora)


def check_lora_fits(args: argparse.Namespace, folder: Path) -> None:
    """Refuse an adapter of another model than that of a folder, before its weights are read.

    Raises:
        UserError: it does not fit.
    """
    from mousai.storage.weights import WEIGHTS_NAME

    weights = folder / "latent_diffusion" / WEIGHTS_NAME
    if args.lora is not None and weights.is_file():  # a part of its maker's own has weights of another kind
        from mousai.diffusion.lora import check_fits

        check_fits(args.lora, weights)


def load_lora(pipeline: "Mousai", args: argparse.Namespace) -> None:
    """Add the adapter that the parsed options name to a model."""
    if args.lora is not None:
        pipeline.load_lora_weights(args.lora, scale=1.0 if args.lora_scale is None else args.lora_scale)


def lora_record(args: argparse.Namespace) -> Mapping[str, str]:
    """Return the options as a file stores them."""
    given = {"lora": args.lora, "lora_scale": args.lora_scale}
    return {name: str(value) for name, value in given.items() if value is not None}
