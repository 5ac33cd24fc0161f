"""What Linux tells of other processes."""

import os
from pathlib import Path


def stat_of(process: int) -> list[str]:
    """Fields of `/proc/PID/stat` from the state on: state, parent, group, …; none where there is no such process."""
    try:
        return Path(f"/proc/{process}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def cpu_of(process: int) -> float:
    """Seconds of CPU time that a process has used, its threads included."""
    user, system = stat_of(process)[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
