"""Header of a safetensors file, read before the file is mapped: regular, bounded, no key twice, nothing that lies."""

import math
import os
import struct
from pathlib import Path

from mousai.errors import UserError
from mousai.storage.json_files import open_regular, parse_json

MOST_HEADER = 16 * 2**20
"""Size of a header, in bytes; that of the paper's largest model has 200,000."""


def check_header(path: Path, *, error: type[UserError] = UserError) -> None:
    """Refuse a safetensors file whose header is not as it must be.

    The library that maps the file checks types and places of the tensors. Here is what it leaves: a pipe that would
    hang, a header of 100 MB, a key that stands twice, of which it would take the last.

    Args:
        path: the file.
        error: class of the errors.

    Raises:
        UserError: one line that names the file and what is wrong.
    """
    try:
        with open_regular(path, error=error) as file:
            begin = file.read(8)
            size = struct.unpack("<Q", begin)[0] if len(begin) == 8 else 0
            if not 2 <= size <= os.fstat(file.fileno()).st_size - 8:
                raise error(path, hint="is not a whole safetensors file: its header is longer than it, or missing")
            if size > MOST_HEADER:
                raise error(path, hint=f"has a header of {size} bytes; {MOST_HEADER} are the most")
            text = file.read(size)
    except OSError as reason:
        raise error(path, hint=f"cannot be read: {reason.strerror}") from reason
    try:
        header = parse_json(text)
        if not isinstance(header, dict):
            raise ValueError("no object")
        for key, about in header.items():
            if key != "__metadata__":
                _check_tensor(key, about)
    except ValueError as reason:
        raise error(path, hint=f"is not a whole safetensors file: its header says {reason}") from reason


def _check_tensor(key: str, about: object) -> None:
    shape = about.get("shape") if isinstance(about, dict) else None
    if not isinstance(shape, list) or not all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in shape):
        raise ValueError(f"no shape of {key[:80]!r}")
    if len(shape) > 8 or math.prod(shape) >= 2**48:
        raise ValueError(f"an impossible shape of {key[:80]!r}")
