"""Differences between the config of a run and the one it is asked to go on with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mousai.errors import UserError

SHOWN = 8


def differences(stored: Mapping[str, Any], given: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Every field that differs, as "net.levels.0.channels: 256 in the run, 512 given"."""
    found: list[str] = []
    for key in [*stored, *(key for key in given if key not in stored)]:
        name = f"{prefix}{key}"
        if key not in given:
            found.append(f"{name}: {stored[key]!r} in the run, not given")
        elif key not in stored:
            found.append(f"{name}: not in the run, {given[key]!r} given")
        else:
            old, new = _as_mapping(stored[key]), _as_mapping(given[key])
            if isinstance(old, Mapping) and isinstance(new, Mapping):
                found += differences(old, new, f"{name}.")
            elif old != new:
                found.append(f"{name}: {old!r} in the run, {new!r} given")
    return found


def refuse_changes(stored: Mapping[str, Any], given: Mapping[str, Any], path: Path) -> None:
    """Raise a UserError that names every field in which two configs differ; `path` is where the first stand."""
    if found := differences(stored, given):
        more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise UserError(
            path,
            hint=f"the run was begun otherwise ({'; '.join(found[:SHOWN])}{more}); give these as they were, or "
            "another --out",
        )


def _as_mapping(value: Any) -> Any:
    if isinstance(value, list | tuple) and any(isinstance(entry, Mapping | list | tuple) for entry in value):
        return {str(index): entry for index, entry in enumerate(value)}
    return list(value) if isinstance(value, tuple) else value
