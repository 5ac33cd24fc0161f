"""The command line `mousai`: one module for each command, imported when that command is asked for.

What this module imports is light, so that `mousai --help` waits for neither PyTorch nor transformers.
"""

import argparse
import dis
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import NoReturn

from mousai import __version__
from mousai.errors import UserError

OUR_PACKAGES = ("mousai", "dmae", "unet1d", "vdiffusion")


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command.

    Args:
        module: has `add_arguments(parser)` and `run(arguments) -> exit code`.
        summary: its line in `mousai --help`.
        examples: shown below its own help.
    """

    module: str
    summary: str
    examples: tuple[str, ...]


COMMANDS = {
    "generate": Command(
        module="mousai.cli.generate",
        summary="make music from a sentence",
        examples=(
            'mousai generate "calm piano pop, 100 bpm" -o song.wav',
            'mousai generate "fast metal in A minor" --duration 60 --seed 7 --count 3 -o metal.flac',
            'mousai generate "jazz trio" --init-audio demo.wav --strength 0.6 -o jazz.wav',
        ),
    ),
    "reconstruct": Command(
        module="mousai.cli.reconstruct",
        summary="send a recording through the autoencoder and back, to hear what it keeps",
        examples=("mousai reconstruct recording.mp3 -o again.wav",),
    ),
    "encode": Command(
        module="mousai.cli.encode",
        summary="turn a recording into the small latent that the generator works on",
        examples=("mousai encode recording.wav -o recording.safetensors",),
    ),
    "decode": Command(
        module="mousai.cli.decode",
        summary="turn a latent back into sound",
        examples=("mousai decode recording.safetensors -o again.wav",),
    ),
    "info": Command(
        module="mousai.cli.info",
        summary="say what a model is, or how a file was made",
        examples=("mousai info", "mousai info song.wav"),
    ),
    "data": Command(
        module="mousai.cli.data",
        summary="look through a folder of music before training on it, encode it, and pack it for training at scale",
        examples=(
            "mousai data check songs",
            "mousai data encode songs -o latents",
            "mousai data shard latents -o shards",
        ),
    ),
    "train": Command(
        module="mousai.cli.train",
        summary="train either stage on your own music",
        examples=(
            "mousai train latent-diffusion --config tiny --data songs --from bundled --out run --loop.max_steps 500",
            "mousai train latent-diffusion --print-config",
        ),
    ),
    "import": Command(
        module="mousai.cli.import_",
        summary="make a model folder from a checkpoint of the authors' library",
        examples=(
            "mousai import archinetai/dmae1d-ATC64-v2 -o dmae",
            "mousai import generator.safetensors --set attention_heads=12 --text-encoder google-t5/t5-base "
            "--text-encoder-revision COMMIT --autoencoder dmae -o model",
        ),
    ),
    "export": Command(
        module="mousai.cli.export",
        summary="make a model folder of a training run, or write a part of a model for the authors' library",
        examples=(
            "mousai export run -o model",
            "mousai export model --part autoencoder --layout audio-diffusion-pytorch -o dmae.safetensors",
        ),
    ),
    "evaluate": Command(
        module="mousai.cli.evaluate",
        summary="judge how well a model, or a folder of clips, follows its prompts and how it sounds",
        examples=(
            "mousai evaluate -o evaluation",
            "mousai evaluate my-model --clips clips-of-another-model -o side-by-side",
        ),
    ),
    "compose": Command(
        module="mousai.compose.command",
        summary="write practice music with captions, to train on",
        examples=("mousai compose --songs 400 --out songs --seed 0",),
    ),
}


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, like all others, and which takes no abbreviated option."""

    def __init__(self, **settings: object) -> None:
        settings = {"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False, **settings}
        super().__init__(**settings)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"mousai: error: {_one_line(message)}; see {self.prog} --help\n")


def build_parser(command: str | None) -> argparse.ArgumentParser:
    """The parser of everything; of the commands, only the one that is asked for knows its arguments."""
    parser = _Parser(
        prog="mousai",
        description="From a sentence to minutes of stereo music, on your own computer.",
        epilog=_examples(COMMANDS["generate"].examples[:1]) + "\n\nmousai COMMAND --help says more about a command.",
    )
    parser.add_argument("--version", action="version", version=f"mousai {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, title="commands")
    for name, about in COMMANDS.items():
        description = f"{about.summary[0].upper()}{about.summary[1:]}."
        below = commands.add_parser(name, help=about.summary, description=description, epilog=_examples(about.examples))
        if name == command:
            module = import_module(about.module)
            module.add_arguments(below)
            below.set_defaults(run=module.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code: 0, 2 for a mistake that one line on stderr names, 130 after Ctrl-C.

    A fault of the program itself keeps its traceback.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name that the terminal cannot show is no reason to fail
    try:
        parser = build_parser(next((word for word in arguments if not word.startswith("-")), None))
        if not arguments:
            parser.print_help(sys.stderr)
            return 2
        parsed = parser.parse_args(arguments)
        return int(parsed.run(parsed))
    except KeyboardInterrupt:
        print("mousai: stopped; what was not finished has not been written", file=sys.stderr)
        return 130
    except ValueError as error:
        if not isinstance(error, UserError) and not _is_check_of_ours(error):
            raise
        print(f"mousai: error: {_one_line(str(error))}", file=sys.stderr)
        return 2


def _is_check_of_ours(error: ValueError) -> bool:
    """Whether a `raise` statement of our own packages made this error.

    The packages below raise a plain `ValueError` with a line for the user. One that Python or a library raises, as in
    `int("x")` in a line of ours, is a fault of the program, whose traceback must not be hidden.
    """
    trace = error.__traceback__
    if trace is None:
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    frame = trace.tb_frame
    package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    return package in OUR_PACKAGES and dis.opname[frame.f_code.co_code[trace.tb_lasti]] == "RAISE_VARARGS"


def _one_line(message: str) -> str:
    return " ".join(message.split())


def _examples(lines: Sequence[str]) -> str:
    return "\n  ".join(["example:" if len(lines) == 1 else "examples:", *lines])
