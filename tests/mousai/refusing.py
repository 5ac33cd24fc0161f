"""The one line of an error that a user can correct."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from mousai import UserError
from mousai.cli import main


def refused(function, *args, **settings) -> str:
    with pytest.raises(UserError) as caught:
        function(*args, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def refused_command(
    words: Sequence[str], folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    """Run a command in an empty folder, which it leaves empty, and return the one line with which it is refused."""
    monkeypatch.chdir(folder)
    try:
        code = main(list(words))
    except SystemExit as stopped:  # as argparse does
        code = int(str(stopped.code))
    said = capsys.readouterr().err
    assert code == 2 and said.count("\n") == 1
    assert list(folder.iterdir()) == []
    return said
