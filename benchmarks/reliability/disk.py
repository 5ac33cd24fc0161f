"""Full disks and read-only places: an exit code, one line, and the old files whole."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from benchmarks.reliability.forks import Ended, Forks
from benchmarks.reliability.jobs import JOBS, Job, fresh, leftovers_in, prepare, state
from benchmarks.reliability.table import Row


def rows(commands: Sequence[str], *, sizes: int, folder: Path) -> list[Row]:
    """Run each command on disks that are too small, and where it may not write.

    Args:
        commands: names of commands; those without a file of their own are left out.
        sizes: sizes of a full disk for each command.
        folder: folder to work in.
    """
    (folder / "tmp").mkdir(parents=True)
    names = [name for name in commands if name in JOBS]
    full: list[str] = []
    limited: list[str] = []
    closed: list[str] = []
    counts = [0, 0, 0]
    with Forks(folder / "tmp") as forks, tqdm(total=len(names), desc="full disks", file=sys.stderr) as bar:
        prepare(folder / "template", forks)
        for name in names:
            for k, (found, count) in enumerate(_of_command(JOBS[name], sizes, folder, forks)):
                (full, limited, closed)[k].extend(f"{name}: {what}" for what in found)
                counts[k] += count
            bar.update()
    line = "a line, an exit code, the old files whole"
    return [
        Row("disk", "disk full", counts[0], line, full),
        Row("disk", "file too large (RLIMIT_FSIZE)", counts[1], line, limited),
        Row("disk", "folder without permission", counts[2], line, closed),
    ]


def _of_command(job: Job, sizes: int, folder: Path, forks: Forks) -> Iterator[tuple[list[str], int]]:
    work = fresh(folder / "template", folder / "work")
    old = state(job, work)
    if forks.run(job.words, work).code:
        raise RuntimeError(f"{job.words} does not run")
    size = _size_of(job, work)
    faults: list[str] = []
    count = 0
    for number in range(sizes):
        with _small_disk(folder / "disk", folder / "template", size * number // sizes) as there:
            if there is None:
                break
            ended = forks.run(job.words, there)
            count += 1
            faults += _faults(f"{number} of {sizes}", job, old, there, ended)
    yield faults, count
    faults = []
    biggest = max(path.stat().st_size for name in job.own for path in _files(work / name))
    for number in range(sizes):
        fresh(folder / "template", work)
        ended = forks.run(job.words, work, file_size=biggest * number // sizes)
        faults += _faults(f"limit {number} of {sizes}", job, old, work, ended)
    yield faults, sizes
    fresh(folder / "template", work)
    forks.tmp.chmod(0o777)
    ended = forks.run(job.words, work, nobody=True)  # who owns nothing here
    yield _faults("as nobody", job, old, work, ended), 1


def _faults(where: str, job: Job, old: dict[str, object], work: Path, ended: Ended) -> list[str]:
    found = []
    if not ended.is_one_line and ended.code != 1:
        found.append(f"{where}: exit code {ended.code}, {ended.err[-300:]!r}")
    if "Traceback" in ended.err:
        found.append(f"{where}: a traceback, {ended.err[-300:]!r}")
    now = state(job, work)
    found += [f"{where}: {path} is not the old one" for path, facts in old.items() if now.get(path) != facts]
    return found + [f"{where}: left behind: {path}" for path in leftovers_in(work)]


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]


def _size_of(job: Job, work: Path) -> int:
    return sum(file.stat().st_size for name in job.own for file in _files(work / name))


@contextmanager
def _small_disk(place: Path, template: Path, more: int) -> Iterator[Path | None]:
    """A copy of a folder on a disk in memory with so many bytes left, a page at least; None where that cannot be."""
    used = sum(-(-path.stat().st_size // 4096) * 4096 for path in _files(template))
    place.mkdir(exist_ok=True)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={used + 2**24}", "none", str(place)], capture_output=True, check=False
    )
    if made.returncode:
        yield None
        return
    try:
        shutil.copytree(template, place / "work", symlinks=True)
        free = shutil.disk_usage(place).free
        with open(place / "filler", "wb") as file:
            file.write(bytes(max(0, free - max(4096, more))))
        yield place / "work"
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
