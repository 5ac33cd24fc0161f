"""A full disk while sound is written: an error, and the old file whole."""

import subprocess
import sys

import pytest

# The limit on the size of a file stands for a full disk: writing beyond it fails in the same calls.
SCRIPT = """
import resource, sys
from pathlib import Path
import numpy as np
from mousai import UserError, write_audio
folder, suffix = Path(sys.argv[1]), sys.argv[2]
sound = (0.1 * np.random.default_rng(0).standard_normal((2, 24000))).astype(np.float32)
write_audio(folder / f"whole{suffix}", sound, 48000)
size = (folder / f"whole{suffix}").stat().st_size
path = folder / f"a{suffix}"
for limit in (size - 1, size // 2, 100, 0):
    path.write_bytes(b"old") if not path.exists() else None
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        write_audio(path, sound, 48000, overwrite=True)
    except UserError as error:
        assert "cannot be written: File too large" in str(error), error
    else:
        raise SystemExit(f"{limit} of {size} bytes: no error")
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert path.read_bytes() == b"old"
assert sorted(path.name for path in folder.iterdir()) == [f"a{suffix}", f"whole{suffix}"]
"""


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3"])
def test_a_full_disk_is_an_error_and_the_old_file_stays(tmp_path, suffix):
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path), suffix], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # nothing of libsndfile's callbacks
