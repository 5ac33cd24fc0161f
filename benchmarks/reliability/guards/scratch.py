"""A copy of a package's sources with a switch at each guard; the tree itself is never written to."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmarks.reliability.guards.find import SWITCHES, Guard, switchable

FIRED = "GUARDS_FIRED"
"""Variable of the environment that names the file to which guards are written when they fire."""
REMOVED = "GUARDS_REMOVED"
"""Variable of the environment that holds the key of the guard that is not heeded."""
_SWITCHES = f'''"""Whether guards are heeded; asked in this process and in those that tests start."""

import os


def is_heeded(key):
    return os.environ.get("{REMOVED}") != key


def fires(key):
    if "{FIRED}" in os.environ:
        try:
            file = os.open(os.environ["{FIRED}"], os.O_WRONLY | os.O_APPEND)
            os.write(file, (key + "\\n").encode("utf-8", "backslashreplace"))
            os.close(file)
        except OSError:
            pass  # a test of full disks, or of files that may not be opened
    return is_heeded(key)
'''


def copy_with_switches(sources: Path, folder: Path, guards: Sequence[Guard]) -> None:
    """Copy a package and put a switch at guards.

    Args:
        sources: folder of sources, `src` of a package.
        folder: folder that is made.
        guards: guards of the modules that get switches; all guards of these modules do.
    """
    shutil.copytree(sources, folder, copy_function=_copy, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    (folder / f"{SWITCHES}.py").write_text(_SWITCHES, encoding="utf-8")
    for name in sorted({guard.module for guard in guards}):
        text = switchable((sources / name).read_text(encoding="utf-8"), name)
        (folder / name).write_text(text, encoding="utf-8")


def _copy(source: str, target: str) -> None:
    """Copy sources, link what is large: weights are only read."""
    if source.endswith(".safetensors"):
        os.symlink(os.path.abspath(source), target)
    else:
        shutil.copy2(source, target)
