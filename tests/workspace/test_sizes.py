"""Files of a size that one reads in a sitting, folders of a size that one takes in at a glance."""

from collections import Counter
from pathlib import Path, PurePosixPath

import pytest

LONGEST, SHORTEST, FULLEST = 300, 30, 19
FOLDERS = ("packages", "tests", "benchmarks", "tools", ".ci")

LONG = {}
SHORT = {
    "packages/dmae/src/dmae/representation/waveform.py": "one of three representations, the simplest",
    "packages/mousai/src/mousai/cli/broken_torchaudio.py": "must be imported before anything heavy",
    "packages/mousai/src/mousai/cli/server/ui.py": "`mousai serve` with a browser",
    "packages/mousai/src/mousai/compose/errors.py": "an error that modules raise which do not import each other",
    "packages/mousai/src/mousai/compose/production/buses.py": "a table",
    "packages/mousai/src/mousai/compose/production/vinyl.py": "one effect of several",
    "packages/mousai/src/mousai/compose/rendering/layers.py": "a table",
    "packages/mousai/src/mousai/evaluation/features/extraction.py": "the one place that knows all features",
    "packages/mousai/src/mousai/evaluation/judges/tempo.py": "one of several judges",
    "packages/mousai/src/mousai/training/data/audio_files.py": "lists files, for both stages",
    "packages/mousai/src/mousai/training/data/split.py": "divides songs, for both stages",
}
# A package says its public names there, and a program begins there, in as few lines as it takes.
ALWAYS_SHORT = ("__init__.py", "__main__.py")


@pytest.fixture(scope="module")
def lines(root: Path) -> dict[str, int]:
    """Number of lines of each Python file."""
    found = (path for folder in FOLDERS for path in (root / folder).rglob("*.py"))
    return {path.relative_to(root).as_posix(): len(path.read_text(encoding="utf-8").splitlines()) for path in found}


def test_no_file_is_longer_than_one_reads_in_a_sitting(lines: dict[str, int]):
    assert {name for name, count in lines.items() if count > LONGEST} == set(LONG)


def test_no_file_is_too_short_to_exist(lines: dict[str, int]):
    short = {name for name, count in lines.items() if count < SHORTEST and not name.endswith(ALWAYS_SHORT)}
    assert {name for name in short if name.startswith("packages/")} == set(SHORT)


def test_no_folder_holds_more_than_one_takes_in_at_a_glance(lines: dict[str, int]):
    files = Counter(PurePosixPath(name).parent.as_posix() for name in lines)
    assert {folder: count for folder, count in files.items() if count > FULLEST} == {}
