"""Shards that lie elsewhere: fetched whole into a folder of this machine when they are first needed.

Whatever `webdataset` opens can be named: http(s)://, gs://, hf://, "pipe:aws s3 cp s3://bucket/shard-000000.tar -", ...
All processes of a machine share the folder. Where it would grow beyond its limit, what was not used for longest goes;
a file that a process has open stays readable to it.
"""

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mousai.errors import UserError, install_hint
from mousai.storage.files import atomic_file
from mousai.storage.system import cache_folder, lock

GIGABYTES = 100.0
"""Limit of the folder, unless another is given."""
_BLOCK = 2**20


class ShardError(UserError):
    """A shard that is not there or not whole, which is no fault of a song in it; one line that says what would do."""


@dataclass(frozen=True)
class ShardCache:
    """Folder for fetched shards.

    Args:
        folder: the folder; made if it is missing.
        gigabytes: size that all of them may reach.
    """

    folder: Path
    gigabytes: float = GIGABYTES


def default_folder() -> Path:
    """Default folder, below the user's folder for what can be fetched again."""
    return cache_folder("shards")


@dataclass(frozen=True)
class Remote:
    """One shard that lies elsewhere.

    Args:
        url: URL of the shard.
        size: size in bytes.
        sha256: hash of the shard, which also names it here.
        cache: folder that it goes to.
    """

    url: str
    size: int
    sha256: str
    cache: ShardCache

    def path(self) -> Path:
        """The file on this machine, fetched if it is not here yet.

        Raises:
            ShardError: it cannot be fetched, or is not what the index of its set says.
        """
        if self.size > self.cache.gigabytes * 1e9:
            hint = f"has {self.size} bytes, and the folder for shards may hold {self.cache.gigabytes:g} GB in all"
            raise ShardError(self.url, hint=hint)
        target = self.cache.folder / f"{self.sha256}.tar"
        try:
            if not _used(target):
                with _locked(target.with_suffix(".lock")):  # the other processes wait for the one that fetches it
                    if not _used(target):
                        self._fetch(target)
        except OSError as error:
            raise ShardError(
                self.cache.folder, hint=f"cannot hold shards ({error.strerror}); name another folder"
            ) from error
        return target

    def _fetch(self, target: Path) -> None:
        self._make_room()
        digest, size = hashlib.sha256(), 0
        with atomic_file(target) as partial:
            with opened(self.url) as source, partial.open("wb") as file:
                # Not further than a little beyond its end, because a source may never end.
                while size <= self.size and (block := source.read(_BLOCK)):
                    digest.update(block)
                    size += len(block)
                    file.write(block)
            if (size, digest.hexdigest()) != (self.size, self.sha256):
                found = f"{size} bytes" if size < self.size else "more bytes"
                what = "its hash differs" if size == self.size else f"{found} in place of {self.size}"
                raise ShardError(
                    self.url, hint=f"is not what the index of its shards says ({what}); make or copy it anew"
                )

    def _make_room(self) -> None:
        files = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in self.cache.folder.glob("*.tar"))
        total = sum(size for _, size, _ in files) + self.size
        for _, size, path in files:
            if total <= self.cache.gigabytes * 1e9:
                break
            path.unlink(missing_ok=True)
            total -= size


@contextmanager
def opened(url: str) -> Iterator[BinaryIO]:
    """Content of a URL, as a stream.

    Raises:
        ShardError: it cannot be read.
        UserError: webdataset is missing.
    """
    try:
        from webdataset import gopen
    except ImportError:
        raise UserError(url, hint=f"reading from elsewhere needs webdataset; {install_hint('train')}") from None
    try:
        with gopen(url, "rb") as stream:
            yield stream
    except UserError:
        raise
    except (OSError, ValueError) as error:
        # webdataset adds the processes and options it used; what failed stands before them.
        why = " ".join(str(error).split()).partition(" (read)")[0][:200]
        raise ShardError(url, hint=f"cannot be read ({why})") from error


def _used(path: Path) -> bool:
    """Tell whether it is here; if so, now is when it was used last."""
    now = time.time_ns()
    try:
        os.utime(path, ns=(now, now))
    except FileNotFoundError:
        return False
    return True


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        lock(file, wait=True)
        yield
