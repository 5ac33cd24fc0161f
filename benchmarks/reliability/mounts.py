"""Disks in memory whose room is known to the page, for those who may mount; and places where nobody may write."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PAGE = 4096
_ROOM = 2**30  # bytes that such a disk has while nothing is tried on it


class Disk:
    """A disk in memory; see `small_disk`.

    Args:
        place: folder that it is mounted at.
    """

    def __init__(self, place: Path) -> None:
        self.place = place

    def leave(self, pages: int) -> None:
        """Leave room for so many pages of files."""
        self._remount(f"size={shutil.disk_usage(self.place).used + pages * PAGE}")

    def leave_names(self, names: int) -> None:
        """Leave room for so many more files and folders."""
        self._remount(f"nr_inodes={1 + sum(1 for _ in self.place.rglob('*')) + names}")

    def leave_all(self) -> None:
        """Leave room for all that the trials write."""
        self._remount(f"size={_ROOM},nr_inodes=1000000")

    def close(self) -> None:
        """Let nobody write."""
        self._remount("ro")

    def open(self) -> None:
        """Let those write who may."""
        self._remount("rw")

    def _remount(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.place)], check=True, capture_output=True)


@contextmanager
def small_disk(place: Path) -> Iterator[Disk | None]:
    """An empty disk in memory; None where this user may mount none.

    Args:
        place: folder to mount it at; made where it is missing.
    """
    place.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={_ROOM}", "none", str(place)]
    try:
        made = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:  # no such program
        made = False
    if not made:
        yield None
        return
    try:
        yield Disk(place)
    finally:
        _unmount(place)


@contextmanager
def read_only(folder: Path, names: tuple[str, ...]) -> Iterator[None]:
    """Let nobody write into some folders and files of a folder, which themselves stay where they are.

    Args:
        folder: the folder.
        names: what lies in it.
    """
    bound = []
    try:
        for path in (folder / name for name in names):
            subprocess.run(["mount", "--bind", str(path), str(path)], check=True, capture_output=True)
            bound.append(path)
            subprocess.run(["mount", "-o", "remount,bind,ro", str(path)], check=True, capture_output=True)
        yield
    finally:
        for path in bound:
            _unmount(path)


def _unmount(place: Path) -> None:
    subprocess.run(["umount", "-l", str(place)], check=True, capture_output=True)
