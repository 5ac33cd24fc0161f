"""The files of a folder of music, and what is skipped: one list for check, encode, shard and train, which must not
disagree about what the data is.
"""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mousai.audio.files import READ_SUFFIXES
from mousai.errors import UserError

HIDDEN = "hidden, or in a folder that a system keeps for itself"
LINKED = "a link to a folder, which is not followed; name that folder, or move it here"
SPECIAL = "no regular file"
OURS = "made by mousai (a run, a model, latents, shards or an evaluation), and no songs"
_TELLS = (".jsonl", ".csv", ".json", ".txt")
"""Endings of files that tell of songs: tables, and files beside them."""
_SYSTEM = {
    *("__macosx", "@eadir", "#recycle", "@recycle", "$recycle.bin", "system volume information", "lost+found"),
    *("@recently-snapshot", "#snapshot", "recycler"),
}
"""Folders in which Macs, Windows and network disks keep thumbnails and what was thrown away; compared in lower case."""
_INDICES = (b'"mousai latents"', b'"mousai shards"')


@dataclass(frozen=True)
class Listing:
    """What lies below a folder.

    Args:
        folder: the folder.
        files: regular files that count, at any depth, sorted.
        skipped: files and folders that do not count, by the reason.
    """

    folder: Path
    files: tuple[Path, ...]
    skipped: Mapping[str, Sequence[Path]]

    @property
    def audio(self) -> list[Path]:
        """Files whose names end as those of audio files that can be read."""
        return [path for path in self.files if is_audio(path)]

    def found(self, path: Path) -> Path | None:
        """The file of that path, whichever way its accents are written (NFC, or NFD as on a Mac); None without one."""
        return self._by_name.get(str(path)) or self._by_name.get(plain(path))

    @cached_property
    def _by_name(self) -> dict[str, Path]:
        return {plain(path): path for path in self.files} | {str(path): path for path in self.files}


def plain(path: Path) -> str:
    """A path as text in which every accent is written in one way, for comparing."""
    return unicodedata.normalize("NFC", str(path))


def is_audio(path: Path) -> bool:
    """Tell whether a name ends as that of an audio file that can be read."""
    return path.suffix.lower() in READ_SUFFIXES


def list_folder(folder: Path) -> Listing:
    """List the files below a folder that count as data.

    Neither hidden files nor folders of a system count, nor links to folders, nor what mousai itself made there (a run
    with its samples, a model, a latent cache, shards, an evaluation), nor folders that cannot be read. Pipes, folders
    and links to nothing in the place of a table or of a file beside a song are named, because what they should tell is
    missing.

    Raises:
        UserError: the folder is missing, or cannot be read itself.
    """
    if not os.path.isdir(folder):
        raise UserError(folder, hint="no such folder; give a folder of audio files")
    files: list[Path] = []
    skipped: dict[str, list[Path]] = defaultdict(list)
    todo = [(folder, False)]
    while todo:
        here, hidden = todo.pop()
        try:
            with os.scandir(here) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            why = f"cannot be read ({error.strerror or error})"
            if here == folder:
                raise UserError(folder, hint=why) from error
            if not hidden:
                skipped[why].append(here)
            continue
        for entry in entries:
            path, away = here / entry.name, hidden or _is_hidden(entry.name)
            if entry.is_dir(follow_symlinks=False):
                if not away and path.suffix.lower() in _TELLS:
                    skipped[SPECIAL].append(path)  # as what its name says; the songs in it count
                if not away and _is_ours(path):
                    skipped[OURS].append(path)
                else:
                    todo.append((path, away))
            elif not away and entry.is_symlink() and os.path.isdir(path):
                skipped[LINKED].append(path)
            elif away:
                if is_audio(path):
                    skipped[HIDDEN].append(path)
            elif os.path.isfile(path):
                files.append(path)
            elif is_audio(path) or path.suffix.lower() in _TELLS:
                skipped[SPECIAL].append(path)
    return Listing(folder, tuple(sorted(files)), {why: sorted(paths) for why, paths in sorted(skipped.items())})


def skipped_lines(listing: Listing) -> Iterator[str]:
    """A line for each reason why something was skipped."""
    for why, paths in listing.skipped.items():
        yield f"{named(paths, listing.folder)} {why}"


def named(paths: Sequence[Path], folder: Path) -> str:
    """How many they are, and the first few of them."""
    names = first_names([os.fsencode(path.relative_to(folder)).decode(errors="backslashreplace") for path in paths])
    return f"{len(paths)} {'file' if len(paths) == 1 else 'files'} ({names})"


def first_names(names: Sequence[str], count: int = 3) -> str:
    """The first few of some names."""
    return ", ".join([*names[:count], *(["..."] if len(names) > count else [])])


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _SYSTEM


def _is_ours(folder: Path) -> bool:
    """Tell whether a folder is what a command made, whose sounds nobody wants to learn from."""

    def has(*names: str) -> bool:
        return all(os.path.exists(folder / name) for name in names)

    if has("training.lock") or has("config.json", "checkpoints") or has("model_index.json"):
        return True
    if has("report.json", "report.html"):
        return True
    if not os.path.isfile(folder / "index.json"):  # a pipe would hang
        return False
    try:
        with (folder / "index.json").open("rb") as file:
            head = file.read(4096)
    except OSError:
        return False
    return any(kind in head for kind in _INDICES)
