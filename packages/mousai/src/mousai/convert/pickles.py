"""Pickled checkpoints, opened only where the user says so, and then in a process of their own.

`python -m mousai.convert.pickles IN OUT`: the tensors of a pickle as safetensors.
"""

import pickle
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from mousai.convert.rules import LayoutError
from mousai.storage.leftovers import temporary_folder
from mousai.storage.weights import load_tensors, save_tensors

SUFFIXES = (".bin", ".ckpt", ".pt", ".pth")
WHY = (
    "a pickle can run any program while it is read; --allow-pickle reads tensors alone (weights_only) in a process of "
    "its own, which is safer and not safe: do so only where you trust who made it"
)


def read_pickle(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a pickled state dict, or of a Lightning checkpoint's, with `weights_only`.

    The child process has no way to this one but the safetensors file that it writes.

    Raises:
        LayoutError: it is no such pickle; one line that names it.
    """
    with temporary_folder() as folder:
        out = folder / "tensors.safetensors"
        command = [sys.executable, "-I", "-m", "mousai.convert.pickles", str(path), str(out)]
        if not _is_installed():  # -I ignores PYTHONPATH, which a clone without an installation needs
            command.remove("-I")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = done.stderr.strip().splitlines()
            raise LayoutError(path, hint=lines[-1] if lines else "cannot be read as a pickle")
        return load_tensors(out)[0]


def convert(path: Path, out: Path) -> None:
    """Write the tensors of a pickle as safetensors, each key with its own memory.

    Raises:
        LayoutError: it holds no tensors by name.
    """
    import torch

    try:
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, EOFError) as error:
        # PyTorch's own words recommend to open it without weights_only.
        named = re.search(r"GLOBAL (\S+)", str(error))
        raise LayoutError(
            f"holds more than tensors ({named[1]}), which is not opened; save its state dict as safetensors where it "
            "was made"
            if named
            else "is not a whole pickle of tensors"
        ) from error
    if isinstance(found, Mapping) and isinstance(found.get("state_dict"), Mapping):
        found = found["state_dict"]
    if not isinstance(found, Mapping):
        raise LayoutError(f"is a pickled {type(found).__name__}, not a state dict")
    tensors = {str(key): value.clone() for key, value in found.items() if isinstance(value, Tensor)}
    if not tensors:
        shown = ", ".join(sorted(map(str, found))[:3]) or "nothing"
        raise LayoutError(f"holds no tensors by name, nor a state_dict, but {shown}")
    save_tensors(out, tensors)


def _is_installed() -> bool:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        distribution("mousai-music")
    except PackageNotFoundError:
        return False
    return True


def main() -> int:
    """Convert; 1 and one line on stderr where it fails."""
    try:
        convert(Path(sys.argv[1]), Path(sys.argv[2]))
    except Exception as error:  # of any kind: it is a foreign file, and this process is here to fail
        print(" ".join(str(error).split())[:400] or type(error).__name__, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
