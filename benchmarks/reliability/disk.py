"""Full disks and read-only places: an exit code, one line, the old files whole, and the same command goes on later."""

import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.reliability.forks import Ended, Forks
from benchmarks.reliability.jobs import JOBS, Job, fresh, leftovers_in, odd_files, prepare, state
from benchmarks.reliability.mounts import Disk, read_only, small_disk
from benchmarks.reliability.servers import serving
from benchmarks.reliability.table import Row

_MOST = 2**16  # pages; no command of the miniature writes as much
_NAMES, _LIMITS = 8, 8  # at most
_READ = ("model", "music", "0.wav", "done")
"""What commands read and do not write."""


def rows(commands: Sequence[str], *, sizes: int, folder: Path) -> Iterator[Row]:
    """Run each command on disks that are too small, and where it may not write.

    Args:
        commands: names of commands.
        sizes: sizes of a full disk for each command, at least.
        folder: folder to work in.
    """
    (folder / "tmp").mkdir(parents=True)
    closed: list[str] = []
    count = 0
    with Forks(folder / "tmp") as forks, small_disk(folder / "disk") as disk:
        prepare(folder / "template", forks)
        for name in tqdm(commands, desc="full disks", file=sys.stderr):
            if name == "serve":
                if disk is not None:
                    yield _serve(folder, forks, disk)
                    found, more = _serve_closed(folder, forks, disk)
                    closed += [f"{name}: {what}" for what in found]
                    count += more
                continue
            trial = _Trial(name, JOBS[name], folder, forks, disk)
            yield trial.full(sizes)
            found, more = trial.closed()
            closed += [f"{name}: {what}" for what in found]
            count += more
    yield Row(
        "disk", "read-only places", count, "refused in one line; where only what is read lies there, it works", closed
    )


class _Trial:
    """One command on bad disks.

    Args:
        name: name of the command.
        job: the command.
        folder: folder that holds the template.
        forks: runs it.
        disk: disk to run it on; without one, files are limited alone.
    """

    def __init__(self, name: str, job: Job, folder: Path, forks: Forks, disk: Disk | None) -> None:
        self.name, self.job, self.forks, self.disk = name, job, forks, disk
        self.template = folder / "template"
        self.work = (disk.place if disk is not None else folder) / "work"
        self.tmp = self.work.with_name("temporary")
        self.faults: list[str] = []
        self._fresh()
        self.old = state(job, self.work)
        ended = self._run()
        self.new = state(job, self.work)
        if ended.code or not self.new:
            raise RuntimeError(f"{name} does not run: {ended}")
        files = [file for own in job.own for file in [self.work / own, *(self.work / own).rglob("*")] if file.is_file()]
        self.largest = max(file.stat().st_size for file in files)

    def full(self, sizes: int) -> Row:
        """Try too little room of every kind."""
        by_room = by_names = 0
        if self.disk is not None:
            pages, disk = 0, self.disk
            while self._fails_with(f"{pages} pages left", partial(disk.leave, pages)) and pages < _MOST:
                by_room, pages = by_room + 1, max(1, 2 * pages)
            between = sorted({pages * number // sizes for number in range(1, sizes)} - {2**k for k in range(17)})
            for some in between:
                by_room += self._fails_with(f"{some} pages left", partial(disk.leave, some))
            for names in range(min(sizes, _NAMES)):
                by_names += self._fails_with(f"{names} files left", partial(disk.leave_names, names))
        limits, most = 0, min(sizes, _LIMITS)
        for number in range(most):
            limit = self.largest * number // most
            limits += self._fails_with(f"files of {limit} bytes", lambda: None, file_size=limit)
        found = f"{by_room} by room, {by_names} by the number of files, {limits} by the size of a file"
        if self.disk is None:
            found += "; this user may mount no disk"
        return Row("disk", f"disk full during `{self.name}`", by_room + by_names + limits, found, self.faults)

    def closed(self) -> tuple[list[str], int]:
        """Try places that cannot be written; what must not be, and how many there were."""
        self.faults = []
        self._fresh()
        self._look("as a user who owns nothing", self.forks.run(self.job.words, self.work, nobody=True), True)
        if self.disk is None:
            return self.faults, 1
        self._fresh()
        self.disk.close()
        ended = self.forks.run(self.job.words, self.work)
        self.disk.open()
        self._look("on a disk that cannot be written", ended, True)
        self._fresh()
        with read_only(self.work, _READ):
            ended = self._run()
        if ended.code or state(self.job, self.work) != self.new:
            self.faults.append(f"reads from where it may not write: {ended.code}, {ended.err[-400:]!r}, or other files")
        return self.faults, 3

    def _fails_with(self, what: str, limit: Callable[[], None], **given: Any) -> bool:
        """Run the command under a limit, and once more without it; tell whether the limit was met."""
        self._fresh()
        limit()
        ended = self._run(**given)
        self._look(what, ended, False)
        if self.disk is not None:
            self.disk.leave_all()
        if not ended.code:
            return False
        ended = self._run()
        if ended.code:
            self.faults.append(f"{what}: the next command fails: {ended.err[-400:]!r}")
        elif state(self.job, self.work) != self.new:
            self.faults.append(f"{what}: the next command makes other files")
        self.faults += [f"{what}: left behind by both: {path}" for path in leftovers_in(self.work, self.tmp)]
        return True

    def _look(self, what: str, ended: Ended, must_fail: bool) -> None:
        """Note what must not be after a command that had no room."""
        found = [] if ended.is_one_line or not (ended.code or must_fail) else [f"{ended.code}, {ended.err[-400:]!r}"]
        if "Traceback" in ended.err:
            found.append(f"a traceback: {ended.err[-600:]!r}")
        now = state(self.job, self.work)
        found += odd_files(self.job, now, self.old, self.new)
        if not ended.code and now != self.new:
            found.append("ends well, with other files")
        found += [f"left behind: {path}" for path in leftovers_in(self.work, self.tmp)]
        self.faults += [f"{what}: {one}" for one in found]

    def _fresh(self) -> None:
        fresh(self.template, self.work)
        shutil.rmtree(self.tmp, ignore_errors=True)
        self.tmp.mkdir()

    def _run(self, **given: Any) -> Ended:
        return self.forks.run(self.job.words, self.work, tmp=str(self.tmp), **given)


def _serve(folder: Path, forks: Forks, disk: Disk) -> Row:
    """Ask a server whose disk is full: an error that says so, and the next request with room works."""
    tmp = disk.place / "temporary"
    tmp.mkdir(exist_ok=True)
    faults: list[str] = []
    count = 0
    sound = (folder / "template" / "0.wav").read_bytes()
    with serving(folder / "template", forks, tmp=str(tmp)) as server:
        for pages in (0, 1, 2, 3, 5, 8, 13, 20):
            for what, ask in (
                ("a piece", lambda: server.ask(1.0, wait=True)),
                ("an upload", lambda: server.upload(sound)),
            ):
                disk.leave(pages)
                status, said = ask()
                disk.leave_all()
                count += 1
                if not _is_named(status, said):
                    faults.append(f"{what} with {pages} pages left: {status}, {str(said)[:300]!r}")
                status, said = ask()
                if status >= 300 or _is_named(status, said):
                    faults.append(f"{what} after {pages} pages left: {status}, {str(said)[:300]!r}")
        ended = server.send(signal.SIGTERM)
    if ended.code or "Traceback" in ended.err:
        faults.append(f"it ends with {ended.code}: {ended.err[-600:]!r}")
    return Row("disk", "disk full during `serve`", count, "an answer that says so; the next request works", faults)


def _serve_closed(folder: Path, forks: Forks, disk: Disk) -> tuple[list[str], int]:
    """Serve where only temporary files can be written, and with a disk for these that turns read-only for a while."""
    faults: list[str] = []
    count = 0
    sound = (folder / "template" / "0.wav").read_bytes()
    tmp = folder / "open"
    tmp.mkdir()
    work = fresh(folder / "template", disk.place / "work")
    disk.close()
    with serving(work, forks, tmp=str(tmp)) as server:
        answers = (server.ask(1.0, wait=True), server.upload(sound))
        ended = server.send(signal.SIGTERM)
    disk.open()
    where = "from a disk that cannot be written"
    faults += [f"{where}: {status}, {str(said)[:300]!r}" for status, said in answers if _failed(status, said)]
    faults += [f"{where}: it ends with {ended.code}: {ended.err[-400:]!r}"] * bool(ended.code)
    count += len(answers)
    tmp = disk.place / "temporary"
    tmp.mkdir(exist_ok=True)
    with serving(folder / "template", forks, tmp=str(tmp)) as server:
        for what, ask in (
            ("a piece", lambda: server.ask(1.0, wait=True)),
            ("an upload", lambda: server.upload(sound)),
        ):
            disk.close()
            status, said = ask()
            disk.open()
            if not _failed(status, said) or not any(word in str(said) for word in ("cannot be written", "Read-only")):
                faults.append(f"{what} on a read-only disk: {status}, {str(said)[:300]!r}")
            status, said = ask()
            if _failed(status, said):
                faults.append(f"{what} after a read-only disk: {status}, {str(said)[:300]!r}")
            count += 1
        ended = server.send(signal.SIGTERM)
    if ended.code or "Traceback" in ended.err:
        faults.append(f"it ends with {ended.code}: {ended.err[-600:]!r}")
    return faults, count


def _failed(status: int, said: Any) -> bool:
    """Tell whether an answer is an error, or that of a job that failed."""
    return status >= 400 or (isinstance(said, dict) and said.get("status") == "failed")


def _is_named(status: int, said: Any) -> bool:
    """Tell whether an answer, or the job in it, says that the disk is full."""
    return _failed(status, said) and any(word in str(said).lower() for word in ("disk", "space left"))
