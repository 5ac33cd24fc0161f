"""Paths in the config of a run: they still lead to the same files when the run is moved along with what it began from.

Each is stored twice in RUN/config.json, absolute and relative to the run. They are no settings: what counts is that a
run began from a model, not where that lies.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RELATIVE = "relative"
"""Key of RUN/config.json with the relative paths by setting."""
KEYS = ("start_from", "distill_from", "autoencoder", "model", "text")
"""Settings that may be paths, and may be names such as "bundled" and "tiny"."""


def relative_paths(values: Mapping[str, Any], run: Path) -> dict[str, str]:
    """Paths among the settings of a run, relative to its folder."""
    run = Path(os.path.realpath(run))
    paths = {key: values.get(key) for key in KEYS}
    return {
        key: os.path.relpath(os.path.realpath(path), run)
        for key, path in paths.items()
        if isinstance(path, str) and os.path.isabs(path) and os.path.exists(path)
    }


def found_path(values: Mapping[str, Any], key: str, run: Path) -> Any:
    """A path of a run's config where it lies today: relative to the run if it is there, else where it was.

    Args:
        values: content of RUN/config.json.
        key: name of the setting.
        run: folder of the run as it is called today.
    """
    value, beside = values.get(key), values.get(RELATIVE)
    if isinstance(value, str) and os.path.isabs(value) and isinstance(beside, Mapping) and beside.get(key):
        moved = os.path.join(os.path.realpath(run), str(beside[key]))
        if os.path.exists(moved):
            return os.path.normpath(moved)
    return value


def with_paths_of(stored: Mapping[str, Any], given: Mapping[str, Any], run: Path) -> dict[str, Any]:
    """The stored config with the given paths in the place of its own, wherever both mean the same file.

    That is so where they lead to one file, and where the stored one leads to none any more.

    Args:
        stored: content of RUN/config.json.
        given: settings of the command that goes on.
        run: folder of the run.
    """
    changed = {key: value for key, value in stored.items() if key != RELATIVE}
    for key in KEYS:
        before, now = stored.get(key), given.get(key)
        if not (isinstance(before, str) and os.path.isabs(before) and isinstance(now, str) and os.path.exists(now)):
            continue
        found = found_path(stored, key, run)
        same = [path for path in (before, found) if os.path.exists(path) and os.path.samefile(path, now)]
        if same or not (os.path.exists(before) or os.path.exists(found)):
            changed[key] = now
    return changed
