"""Files that are written whole or not at all."""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to; it takes the place of `path` when the block ends without an error.

    The temporary file has the suffix of `path` and lies in the same folder, because a rename is atomic only within one
    file system. When the block fails, the temporary file is removed and whatever stood at `path` is untouched.

    Raises:
        OSError: The folder is missing or cannot be written.
    """
    temporary = path.with_name(f".mousai-{secrets.token_hex(6)}{path.suffix}")
    # Created here, and not by `tempfile`, which would leave the finished file readable by its owner alone.
    with temporary.open("xb"):
        pass
    mode = stat.S_IMODE(temporary.stat().st_mode)
    try:
        yield temporary
        temporary.chmod(mode)  # some writers (safetensors) make their file anew, readable by its owner alone
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)  # still there only after a failure
