"""`mousai train`: either stage on the user's own music, or a text encoder on the user's own words."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mousai.errors import UserError, install_hint

if TYPE_CHECKING:
    from mousai.training.config import TrainingConfig

STAGES = ("autoencoder", "latent-diffusion", "text-encoder")
OPTIONS = {"start_from": "--from", "distill_from": "--distill-from", "config": "--config"}
"""Names of settings on this command line; the others are called as in Python and in a file (`loop.batch`)."""
_KEYS = {"--from": "--start_from", "--distill-from": "--distill_from"}
RECIPES = Path(__file__).parents[1] / "training" / "recipes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `train` takes; the keys of a stage belong to the parser of that stage."""
    parser.usage = (
        "mousai train autoencoder|latent-diffusion|text-encoder [--config RECIPE_OR_FILE] --data DIR_OR_TABLE "
        "--out RUN [--from MODEL] [--key.sub VALUE ...]"
    )
    parser.set_defaults(options=OPTIONS)
    parser.add_argument(
        "stage",
        choices=STAGES,
        help="autoencoder: sound to latent and back; latent-diffusion: text to latent; text-encoder: other words for "
        "what a model knows",
    )
    parser.add_argument(
        "rest",
        nargs=argparse.REMAINDER,
        metavar="KEYS",
        help="settings, see `mousai train STAGE --help`; `mousai train STAGE --print-config` explains every key, and "
        f"recipes for --config are {', '.join(recipe_names())}",
    )


def recipe_names(stage: str = "*") -> list[str]:
    """Names that `--config` takes beside files, of a stage or of all."""
    return sorted({path.stem.rpartition("-")[2] for path in RECIPES.glob(f"{stage}-*.yaml")})


def run(args: argparse.Namespace) -> int:
    """Train, or go on."""
    config = read_config(args.stage, args.rest)
    from mousai.training.run import train

    return train(config)


def read_config(stage: str, arguments: Sequence[str]) -> "TrainingConfig":
    """The config of a run from the command line: `--config`, and keys that count more than it.

    Raises:
        UserError: one is unknown, missing or impossible; one line names it.
    """
    from importlib.metadata import PackageNotFoundError, version

    try:
        for needed in ("jsonargparse", "lightning"):
            version(needed)
    except PackageNotFoundError:
        raise UserError(f"training needs {needed}; {install_hint('train')}") from None
    from jsonargparse import ArgumentError, ArgumentParser

    from mousai.cli.train_mistakes import find_mistake
    from mousai.training import config as settings

    kind: Any = settings.STAGES[stage]
    parser = ArgumentParser(
        prog=f"mousai train {stage}",
        description=f"{kind.__doc__.splitlines()[0]} --from is --start_from"
        + (", --distill-from is --distill_from." if stage == "latent-diffusion" else "."),
        exit_on_error=False,
        allow_abbrev=False,
        print_config="--print-%s",
    )
    parser.add_argument("--config", action="config", help=f"a YAML file, or a recipe: {', '.join(recipe_names(stage))}")
    parser.add_class_arguments(kind)
    full = _in_full(stage, arguments)
    if mistake := find_mistake(kind, full):
        raise mistake
    try:
        found = vars(parser.instantiate(parser.parse_args(full)))
    except ArgumentError as error:
        raise UserError(f"{error}; see --print-config for every key") from error
    found.pop("config")
    config: TrainingConfig = kind(**found)
    return config


def _in_full(stage: str, arguments: Sequence[str]) -> list[str]:
    """--from is --start_from, a recipe's name is its file, and --print-config comes with comments."""
    full: list[str] = []
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if name in _KEYS:
            argument = f"{_KEYS[name]}{equals}{value}"
        elif argument == "--print-config":
            argument = "--print-config=comments"
        elif name == "--config" and equals:
            argument = f"--config={_recipe(stage, value)}"
        elif full and full[-1] == "--config":
            argument = _recipe(stage, argument)
        full.append(argument)
    return full


def _recipe(stage: str, name: str) -> str:
    if name in recipe_names(stage):
        return str(RECIPES / f"{stage}-{name}.yaml")
    if not Path(name).is_file():
        raise UserError("config", name, f"no such file; give one, or a recipe: {', '.join(recipe_names(stage))}")
    return name
