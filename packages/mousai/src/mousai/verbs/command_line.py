"""Command lines that make a piece again: as a file stores them, and from what else it stores."""

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from mousai.conditioning.attributes import MusicAttributes, key_name
from mousai.conditioning.control_plan import NOT_STORED
from mousai.sampling_config import SamplingConfig
from mousai.settings import flags_of, number_word, settings_of

LONGEST_COMMAND = 6000
"""Characters of a command, as JSON, up to which a file stores it: the prompts that it repeats need room there too."""
BESIDE = ("regions", "beside_prompt", "init_audio", "strength", "bars", "region")
"""Facts about a piece that no option of `mousai generate` tells: of edits, variations, loops, and calls in Python."""


def span_word(start: float, end: float) -> str:
    """Return a region in seconds as options take it, to the last bit."""
    return f"{number_word(start)}:{number_word(end)}"


def option_words(values: Mapping[str, Any]) -> list[str]:
    """Return options by the names of their fields; those that are `None` are left out."""
    given = {name: value for name, value in values.items() if value is not None}
    return [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]


def clock_words(known: MusicAttributes) -> list[str]:
    """Return the clock and the key of a recording as options, so that nothing of them is estimated again."""
    words: list[str] = []
    if known.tempo is not None:
        words += ["--tempo", number_word(known.tempo), "--first-downbeat", number_word(known.first_downbeat)]
    if known.key is not None:
        words += ["--key", key_name(known.key)]
    return words if known.tempo is not None and known.key is not None else [*words, "--no-estimates"]


def setting_words(settings: Mapping[str, Any]) -> list[str]:
    """Return settings of sampling, by field, as options and their values."""
    known = settings_of(SamplingConfig)
    return [word for name, value in settings.items() for word in known[name].words(name, value)]


def stored_command(words: Sequence[str]) -> str | None:
    """Return the words after `mousai`, quoted for a shell; None where they would take most of a file's room."""
    command = shlex.join(words)
    return command if len(json.dumps(command)) <= LONGEST_COMMAND else None


def command_of(made: Mapping[str, str], path: str) -> str | None:
    """Return the command line that makes a piece again, from what its file stores; None where that is too little."""
    if "prompt" not in made or any(made.get(name, "").endswith(NOT_STORED) for name in ("chords", "melody")):
        return None
    if "command" not in made and any(name in made for name in BESIDE):
        return None
    if "command" in made:
        return f"mousai {made['command']} -o {shlex.quote(path)}"
    words = ["mousai", "generate", "-o", path]
    flags = flags_of(SamplingConfig)
    for key, value in made.items():
        if key in flags:
            words += flags[key].words(key, value)
        elif key not in ("mousai", "prompt", "verdict", "tempo") and (key, value) != ("model", "bundled"):
            option = "--" + key.replace("_", "-")
            words += [f"{option}={value}"] if value.startswith("-") else [option, value]
    return shlex.join([*words, "--", made["prompt"]])
