"""What is printed into a pipe that nobody reads, or onto a full disk: no traceback."""

import os
import subprocess
import sys

import numpy as np
import pytest

from mousai.audio.files import write_audio


def run(to: int, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mousai", *words], stdout=to, stderr=subprocess.PIPE, text=True, check=False
    )


@pytest.fixture
def words(tmp_path, request):
    """Command lines that print: one flushes what it prints, the other does not."""
    write_audio(tmp_path / "a.wav", np.zeros((2, 480), np.float32), 48000)
    return [word.format(folder=tmp_path) for word in request.param]


COMMANDS = pytest.mark.parametrize("words", [["info", "{folder}/a.wav"], ["data", "check", "{folder}"]], indirect=True)


@COMMANDS
def test_a_reader_who_leaves_early_is_no_error(words):
    reading, writing = os.pipe()
    os.close(reading)
    done = run(writing, *words)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
@COMMANDS
def test_output_that_has_no_room_is_one_line(words):
    with open("/dev/full", "w") as full:
        done = run(full.fileno(), *words)
    assert (done.returncode, done.stderr) == (2, "mousai: error: No space left on device\n")
