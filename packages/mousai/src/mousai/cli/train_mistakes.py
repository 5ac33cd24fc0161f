"""The setting of `mousai train` that is wrong: found in the settings themselves, by their types.

jsonargparse says in several lines of text what it does not take. Here every setting that was given is looked up, so
that the error names it, its value and what would do.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from mousai.errors import UserError
from mousai.settings import did_you_mean
from mousai.storage.json_files import read_text

_WORDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    bool: "true or false",
    tuple: "a list",
    list: "a list",
}


def find_mistake(config: type, arguments: Sequence[str]) -> UserError | None:
    """The error of the first setting that no key is called, or whose value is not of its type; None if all are right.

    It is asked before jsonargparse reads anything, which would import whatever module a `class_path` names.

    Args:
        config: dataclass of the settings.
        arguments: words of the command line, `--key value` and `--key=value`; `--config` names a YAML file of more.
    """
    known = dict(_types(config))
    groups = {key.rpartition(".")[0] for key in known} - {""}
    for key, value in _given(arguments):
        for name, one in _leaves(key, value, groups):
            if name not in known:
                return UserError(name, one, f"no such key{did_you_mean(name, known) or '; see --print-config'}")
            if not _fits(known[name], one):
                return UserError(name, one, f"must be {in_words(known[name])}")
    return None


def in_words(kind: Any) -> str:
    """A type in words: what would do."""
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(str, get_args(kind)))}"
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(in_words(one) for one in get_args(kind) if one is not NoneType)
    return _WORDS[get_origin(kind) or kind]


def _types(config: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    hints = get_type_hints(config)
    for one in fields(config):
        if is_dataclass(hints[one.name]):
            yield from _types(hints[one.name], f"{prefix}{one.name}.")
        else:
            yield f"{prefix}{one.name}", hints[one.name]


def _given(arguments: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Keys and values of a command line; the values of words are texts, those of a file of any type."""
    for place, word in enumerate(arguments):
        key, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or key == "help" or key.startswith("print-"):
            continue
        if not equals:
            value = arguments[place + 1] if place + 1 < len(arguments) else ""
        if key == "config":
            yield from _of_file(Path(value)).items()
        else:
            yield key, value


def _of_file(path: Path) -> Mapping[str, Any]:
    found = _yaml(path, read_text(path, most=2**20))
    if not isinstance(found, Mapping):
        raise UserError(path, hint=f"must hold keys and their values, found {type(found).__name__}")
    return found


def _leaves(key: str, value: Any, groups: set[str]) -> Iterator[tuple[str, Any]]:
    """A setting itself, or all of a group of settings, {"batch": 3}."""
    if key in groups:
        value = _yaml(f"--{key}", value) if isinstance(value, str) else value
        if isinstance(value, Mapping):
            for name, one in value.items():
                yield from _leaves(f"{key}.{name}", one, groups)
            return
    yield key, value


def _yaml(where: str | Path, text: str) -> Any:
    import yaml

    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):  # a few of them stand for millions
            raise UserError(where, hint="has an alias (*name), which settings do not need; write the value out")
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(where, hint=f"is not YAML: {error}") from error


def _fits(kind: Any, value: Any) -> bool:
    from jsonargparse import ArgumentError, ArgumentParser

    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--value", type=kind)
    try:
        parser.parse_args([f"--value={value if isinstance(value, str) else json.dumps(value)}"])
    except (ArgumentError, OverflowError):  # a whole number of 400 digits is no fraction
        return False
    return True
