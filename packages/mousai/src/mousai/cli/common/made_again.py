"""The command that makes a piece again, from what its file says of itself; the file may be a stranger's."""

import argparse
import shlex
from collections.abc import Mapping

from mousai.sampling_config import SamplingConfig
from mousai.settings import flags_of
from mousai.verbs import command_line

_NEVER = ("--output", "--overwrite", "--help", "--compile", "--device", "--version")
"""Options that say where and on what it is made, which a file has no say in."""
_FACTS = ("mousai", "prompt", *command_line.BESIDE)
"""What a file states that is no option, and says what kind of piece it is."""
_OF_COMMANDS = ("edit", "extend", "vary", "loop", "play")


def command_of(made: Mapping[str, str], path: str) -> str | None:
    """Return the command line that makes a piece again, quoted for a shell, from what its file stores.

    Args:
        made: what the file stores; keys that are no options of the command are left out.
        path: file to write.

    Returns:
        `None` where the file does not say how it was made, or says it in words that no command takes.
    """
    if "command" in made:
        words = _checked(made["command"])
        return None if words is None else shlex.join(["mousai", *words, "-o", path])
    known = {name for name, action in _options("generate").items() if action.nargs != 0}
    flags = flags_of(SamplingConfig)
    kept = {key: value for key, value in made.items() if key in _FACTS or "--" + key.replace("_", "-") in known}
    kept |= {key: made[key] for key in flags if made.get(key) in ("True", "False")}
    return command_line.command_of(kept, path)


def _checked(command: str) -> list[str] | None:
    """Words of a stored command, if it is one of `_OF_COMMANDS` with options that this one has."""
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    if not words or words[0] not in _OF_COMMANDS:
        return None
    known = _options(words[0])
    options = [word.partition("=")[0] for word in words if word.startswith("-") and not _is_number(word)]
    return words if all(option in known for option in options) else None


def _options(command: str) -> dict[str, argparse.Action]:
    """The long options of a command that a file may name."""
    from importlib import import_module

    from mousai.cli.commands import COMMANDS

    parser = argparse.ArgumentParser(add_help=False)
    import_module(COMMANDS[command].module).add_arguments(parser)
    found = {name: action for action in parser._actions for name in action.option_strings if name.startswith("--")}
    return {name: action for name, action in found.items() if name not in _NEVER}


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
