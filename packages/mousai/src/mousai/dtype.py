"""The dtype to compute in: the one that this machine multiplies fastest in, measured once and not assumed."""

import json
import platform
import time
from functools import cache
from pathlib import Path

import torch

from mousai.errors import UserError
from mousai.storage.files import write_text
from mousai.storage.system import cache_folder

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def resolve_dtype(dtype: str | torch.dtype, device: torch.device) -> torch.dtype:
    """The dtype that is meant; `"auto"` is bfloat16 where it is measured to be clearly faster on the device.

    Args:
        dtype: "auto", "float32" or "bfloat16", or `torch.float32` or `torch.bfloat16`.
        device: where it is computed.

    Raises:
        UserError: another one.
    """
    if dtype == "auto":
        return torch.bfloat16 if bfloat16_gain(device) > 1.3 else torch.float32
    found = DTYPES.get(dtype) if isinstance(dtype, str) else dtype
    if found is None or found not in DTYPES.values():
        raise UserError("dtype", dtype, "must be 'auto', 'float32' or 'bfloat16'")
    return found


def cache_path() -> Path:
    """File in which the measurement is remembered: below $XDG_CACHE_HOME, or ~/.cache."""
    return cache_folder("precision.json")


@cache
def bfloat16_gain(device: torch.device) -> float:
    """Ratio of the speeds of a matrix product in bfloat16 and in float32 on a device.

    Measured once for each device and version of PyTorch and then remembered in a file, so that a busy moment cannot
    make "auto" choose otherwise, and the same seed give another sound, tomorrow. Where no file can be written it is
    measured by every process.
    """
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else cpu_name()
    key = f"{device.type} {name} torch {torch.__version__}"
    path = cache_path()
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    known = known if isinstance(known, dict) else {}
    if not isinstance(known.get(key), float):
        known[key] = _measured_gain(device)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, json.dumps(known))
        except OSError:
            pass  # a read-only home: measured again next time, as the docstring says
    return float(known[key])


@cache
def cpu_name() -> str:
    """Name that tells this CPU from others, for home folders that several machines share and disks that move.

    The instructions count, and the name alone does not tell them: of two machines that call themselves "AMD EPYC" one
    multiplied 2.2 times as fast in bfloat16, the other 0.01 times.
    """
    parts = [platform.processor() or platform.machine(), torch.backends.cpu.get_cpu_capability()]
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return " ".join(parts)  # another system than Linux, whose platform.processor() says more
    told = dict(line.split(":", 1) for line in reversed(lines) if ":" in line)
    told = {key.strip(): value.strip() for key, value in told.items()}
    return " ".join([*parts, *(told.get(key, "") for key in ("model name", "cpu family", "model", "stepping"))])


def _measured_gain(device: torch.device) -> float:
    """Gain of small products and, where these leave any hope for bfloat16, of large ones; best of five of each kind."""
    gain = _gain_at(128, device)
    return gain if gain < 0.5 else _gain_at(768, device)


def _gain_at(size: int, device: torch.device) -> float:
    best = {}
    for dtype in (torch.float32, torch.bfloat16):
        a = torch.ones(size, size, dtype=dtype, device=device)
        times = []
        for _ in range(6):
            began = time.perf_counter()
            (a @ a).flatten()[0].item()
            times.append(time.perf_counter() - began)
        best[dtype] = min(times[1:])
    return best[torch.float32] / best[torch.bfloat16]
