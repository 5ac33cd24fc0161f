"""A check of songs that was interrupted goes on where it ended."""

from pathlib import Path
from typing import Any

import pytest

import mousai.data.check
from mousai.data.check import check_records
from mousai.data.records import find_records

from .conftest import music


def test_an_interrupted_check_goes_on(songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    records, journal = find_records(songs), tmp_path / ".report.json.files"
    expected = check_records(records).to_dict()
    inspect_file, calls = mousai.data.check.inspect_file, []

    def interrupted(path: Path) -> Any:
        calls.append(path)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return inspect_file(path)

    monkeypatch.setattr(mousai.data.check, "inspect_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        check_records(records, journal=journal)
    with journal.open("a") as file:
        file.write('[[1, 2], {"path": "cut in the mid')
    calls[1].unlink()
    music(calls[1], seed=9, seconds=0.7)
    calls.clear()
    monkeypatch.setattr(mousai.data.check, "inspect_file", lambda path: (calls.append(path), inspect_file(path))[1])
    found = check_records(records, journal=journal)
    assert len(calls) == 5 and records[1].path in calls  # the one that has changed, and those that were not read
    assert found.files[1].duration == 0.7
    assert found.to_dict()["good"][2:] == expected["good"][2:]
