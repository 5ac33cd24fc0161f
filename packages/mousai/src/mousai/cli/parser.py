"""The parser of everything, and its one-line errors."""

import argparse
import os
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

from mousai import __version__
from mousai.cli.commands import COMMANDS
from mousai.errors import UserError, printable
from mousai.settings import did_you_mean

_MAY_BE_EMPTY = ("prompt", "negative_prompt", "about", "prefix", "rest", "chords", "melody", "form")
"""Arguments that are texts, and those that say themselves what is wrong with an empty one."""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, like all others, and which takes no abbreviated option.

    What it parses says, as `parser`, which of the parsers below was the last.
    """

    def __init__(self, **settings: object) -> None:
        settings = {"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False, **settings}
        super().__init__(**settings)  # type: ignore[arg-type]
        self.set_defaults(parser=self)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Parse as argparse does, but take the optional word `late` of a command after options too.

        argparse takes it only right after the word before it; `edit FILE --region 8:12 PROMPT` has it later.
        """
        parsed, unknown = super().parse_known_args(args, namespace)
        late: str | None = getattr(parsed, "late", None)
        if late is not None and getattr(parsed, late) is None and unknown and not unknown[0].startswith("-"):
            setattr(parsed, late, unknown.pop(0))
        return parsed, unknown

    def error(self, message: str) -> NoReturn:
        end = "" if message.endswith("?") else ";"
        self.exit(2, f"mousai: error: {printable(' '.join(message.split()))}{end} see {self.prog} --help\n")


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


def parse(parser: argparse.ArgumentParser, command: str | None, arguments: Sequence[str]) -> argparse.Namespace:
    """Parse a command line; a misspelt command or option is refused with the one that was probably meant.

    Args:
        parser: the result of `build_parser(command)`.
        command: the first word that is no option.
        arguments: all words.

    Raises:
        SystemExit: after a line on stderr, or the help.
        UserError: a word is none that a system could hand to a program, as a call in Python may give it; or a value is
            empty that must not be, such as the name of a folder: "" would mean the current one.
    """
    if command is not None and command not in COMMANDS:
        parser.error(f"{command}: no such command{did_you_mean(command, COMMANDS)}")
    for word in arguments:
        _check_word(word)
    for word in arguments[: arguments.index("--") if "--" in arguments else None]:
        option, equals, value = word.partition("=")
        if option.startswith("--") and equals and value == "--":  # which argparse takes out of its own hands
            parser.error(f"argument {option}: -- is no value")
    parsed, unknown = parser.parse_known_args(arguments)
    if unknown:
        last: argparse.ArgumentParser = parsed.parser
        word = unknown[0]
        if not word.startswith("-"):
            last.error(f"{word}: one word too many; put a value of several words in quotes")
        option = word.partition("=")[0]
        known = [name for action in last._actions for name in action.option_strings]
        last.error(f"{option}: no such option{did_you_mean(option, known)}")
    for name, value in vars(parsed).items():
        if name not in _MAY_BE_EMPTY and (value == "" or (isinstance(value, list) and "" in value)):
            raise UserError(name, "", "is empty, and not the current folder; give a value, or leave it out")
    return parsed


def _check_word(word: str) -> None:
    """Refuse a word with a NUL or with half of a character, which is neither the name of a file nor a text."""
    try:
        is_word = b"\0" not in os.fsencode(word)
    except UnicodeEncodeError:
        is_word = False
    if not is_word:
        raise UserError("a word", word, "has a letter that is none; give text, or the name of a file")


def _examples(lines: Sequence[str]) -> str:
    return "\n  ".join(["example:" if len(lines) == 1 else "examples:", *lines])
