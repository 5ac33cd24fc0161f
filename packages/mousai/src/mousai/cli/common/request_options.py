"""Options of every verb that makes music: file, seed, clock, adapter; their checks, and the model that they name."""

import argparse
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mousai.cli.common.lora_options import check_lora, load_lora, lora_record
from mousai.cli.common.sampling_options import check_settings, given_settings
from mousai.cli.common.shared import AUDIO_FILES, check_text, checked_device, described_model, model_name
from mousai.errors import UserError
from mousai.verbs import command_line

if TYPE_CHECKING:
    from mousai.conditioning.attributes import MusicAttributes
    from mousai.pipeline import Mousai


def add_request_arguments(parser: argparse.ArgumentParser) -> None:
    """`-o`, `--overwrite`, `--negative-prompt` and `--seed`, for verbs that make one file."""
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help=f"file to write: {AUDIO_FILES}")
    parser.add_argument("--overwrite", action="store_true", help="replace the file if it exists")
    parser.add_argument("--negative-prompt", metavar="P", help="a sentence to stay away from")
    parser.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="the same number makes the same music again (default: drawn at random, and printed)",
    )


def add_clock_arguments(parser: argparse.ArgumentParser) -> None:
    """`--tempo`, `--first-downbeat` and `--key` of a recording."""
    group = parser.add_argument_group(
        "the recording's clock and key (by default as the prompt, the recording's own prompt or an estimate tells)"
    )
    group.add_argument("--tempo", type=float, metavar="BPM", help="beats per minute")
    group.add_argument("--first-downbeat", type=float, metavar="S", help="second at which a bar begins")
    group.add_argument("--key", metavar="KEY", help='such as "A minor"')
    group.add_argument(
        "--no-estimates", action="store_true", help="estimate none of them: what nothing tells stays unknown"
    )


def check_request(args: argparse.Namespace) -> None:
    """Refuse what cannot be done whatever the music is: file to write, texts, seed, clock, settings, adapter."""
    from mousai.arguments import check_seed
    from mousai.audio.files import check_output
    from mousai.conditioning.attributes import FASTEST, SLOWEST, parse_attributes

    check_output(args.output, args.overwrite)
    for field in ("prompt", "negative_prompt"):
        check_text(field, getattr(args, field) or "")
    if args.seed is not None:
        check_seed(args.seed)
    if args.tempo is not None and not SLOWEST <= args.tempo <= FASTEST:
        raise UserError("tempo", args.tempo, f"must be {SLOWEST:g} to {FASTEST:g} beats per minute")
    if args.first_downbeat is not None and not 0 <= args.first_downbeat < 1e5:
        raise UserError("first_downbeat", args.first_downbeat, "must be 0 s or more")
    if args.key is not None and parse_attributes(args.key).key is None:
        raise UserError("key", args.key, 'must be a note and major or minor, such as "A minor"')
    check_settings(args)
    check_lora(args)


def loaded(args: argparse.Namespace) -> "Mousai":
    """Load the model that the options name, with its adapter, once everything that needs no weights is checked."""
    from mousai.pipeline import Mousai

    device = checked_device(args)
    folder, described = described_model(args)
    exact = described.defaults.updated(given_settings(args)).exact
    dtype = "float32" if exact and args.dtype == "auto" else args.dtype
    pipeline = Mousai.from_pretrained(folder, dtype=dtype, device=device)
    load_lora(pipeline, args)
    return pipeline.compile() if args.compile else pipeline


def drawn_seed(args: argparse.Namespace) -> int:
    """The seed that was given, or one drawn at random."""
    return secrets.randbelow(2**32) if args.seed is None else int(args.seed)


def model_facts(args: argparse.Namespace) -> dict[str, str]:
    """Facts about the model for a file's metadata."""
    facts = {"model": model_name(args), "revision": args.revision, **lora_record(args)}
    return {name: str(value) for name, value in facts.items() if value is not None}


def model_words(args: argparse.Namespace) -> list[str]:
    """Options of the model, the adapter and the negative prompt, as given, for the command that a file stores."""
    given = {name: getattr(args, name) for name in ("model", "revision", "negative_prompt")}
    given |= {"dtype": None if args.dtype == "auto" else args.dtype, **lora_record(args)}
    return command_line.option_words(given)


def stored_command(words: Sequence[str], dtype: str | None) -> dict[str, str]:
    """The command that makes a result again, for its file; empty where it would take most of the room there.

    Args:
        words: command and options, as given.
        dtype: dtype that "auto" was.
    """
    given = dtype is None or any(word.startswith("--dtype") for word in words)
    command = command_line.stored_command([*words, *([] if given else ["--dtype", str(dtype)])])
    return {} if command is None else {"command": command}


def key_name(attributes: "MusicAttributes") -> str:
    """Name of a key, such as "A minor"; empty where it is unknown."""
    from mousai.conditioning.attributes import key_name as name_of

    return name_of(attributes.key) if attributes.key else ""
