"""A look at a file before libsndfile has it: what it is, whether it is whole, and what of it is worth reading."""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from mousai.audio.containers import mpeg, ogg
from mousai.audio.containers.chunks import GRAMMARS, Sound, chunks, find_au_sound, find_sound
from mousai.audio.containers.splice import Part
from mousai.storage.file_parts import FilePart

# Longer comments are no metadata of ours, which have 16384 characters at most.
_COMMENT_LIMIT = 2**16
_BLOCK = 2**20
_SPLIT = "convert the pieces one by one, or split it"


@dataclass(frozen=True)
class Container:
    """What a file is.

    Args:
        wrong: what shows that it is not whole, as the end of a sentence that begins with its name; "" if nothing.
        parts: what is to be read instead of the file, where its header is not to be believed.
        is_counted: whether the number of samples that libsndfile then tells is what the file holds, and no guess.
    """

    wrong: str = ""
    parts: tuple[Part, ...] = ()
    is_counted: bool = True


def examine(path: Path | FilePart) -> Container:
    """Read the container of a file; once for every state of the file.

    Raises:
        OSError: it cannot be read.
    """
    return _examined(path, state_of(path))


def what_follows(path: Path | FilePart) -> str:
    """Say that other sound follows the sound that a header tells of, as in files that were joined; "" if not.

    This reads the whole file, and so it is asked by those who read it to the end.
    """
    return _followed(path, state_of(path))


def wav_comment(path: Path) -> str:
    """The comment (ICMT) of the INFO list of a WAV file; empty if there is none, or one that is no metadata of ours."""
    with path.open("rb") as file:
        if file.read(4) != b"RIFF":
            return ""
        for chunk in chunks(file, GRAMMARS[b"RIFF"]):
            if chunk.name != b"LIST":
                continue
            file.seek(chunk.offset)
            body = file.read(min(chunk.size, 2 * _COMMENT_LIMIT))
            position = 4 if body[:4] == b"INFO" else len(body)
            while position + 8 <= len(body):
                length = int.from_bytes(body[position + 4 : position + 8], "little")
                if body[position : position + 4] == b"ICMT":
                    text = body[position + 8 : position + 8 + length]
                    return "" if length > _COMMENT_LIMIT else text.split(b"\0", 1)[0].decode("utf-8", "replace")
                position += 8 + length + length % 2
    return ""


def state_of(path: Path | FilePart) -> tuple[int, ...]:
    """A mark that changes when the file does."""
    if isinstance(path, FilePart):
        return ()
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=4096)
def _examined(path: Path | FilePart, _: tuple[int, ...]) -> Container:
    with path.open("rb") as file:
        magic = _magic(file)
        if (grammar := GRAMMARS.get(magic)) is not None:
            found = find_sound(file, grammar)
            return Container() if found is None else _of_sound(file, found, grammar.size_size, grammar.order == "big")
        if magic in (b".snd", b"dns."):
            return _of_sound(file, find_au_sound(file, "big" if magic == b".snd" else "little"), 4, magic == b".snd")
        if magic == b"OggS":
            return Container(ogg.missing_end(file))
        if magic[:3] == b"ID3" or (magic[:1] == b"\xff" and magic[1:2] >= b"\xe0"):
            frames = mpeg.find_frames(file)
            return Container(frames.wrong, frames.parts, frames.is_counted)
    return Container()


def _magic(file: BinaryIO) -> bytes:
    """The first four bytes; those behind a tag where a FLAC file begins with one."""
    head = file.read(10)
    if head[:3] == b"ID3" and len(head) == 10:
        file.seek(10 + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]))
        if file.read(4) == b"fLaC":
            return b"fLaC"
    return head[:4]


def _of_sound(file: BinaryIO, found: Sound, size_size: int, is_big: bool) -> Container:
    end = file.seek(0, os.SEEK_END)
    if found.wrong or (not found.size_at and found.end == end):
        return Container(found.wrong)
    if not found.size_at:
        return Container(parts=((0, found.end),))
    size = min(found.size, 2 ** (8 * size_size) - 1).to_bytes(size_size, "big" if is_big else "little")
    return Container(parts=((0, found.size_at), size, (found.size_at + size_size, found.end)))


@lru_cache(maxsize=4096)
def _followed(path: Path | FilePart, _: tuple[int, ...]) -> str:
    with path.open("rb") as file:
        magic = _magic(file)
        if magic == b"OggS" and (place := ogg.next_stream(file)):
            return f"holds several pieces one after the other, the second from byte {place} on; {_SPLIT}"
        if magic == b"fLaC" and (place := _second_flac(file)):
            return f"holds several files one after the other, the second from byte {place} on; {_SPLIT}"
    return ""


def _second_flac(file: BinaryIO) -> int:
    """Byte at which a second FLAC file begins: its four letters, and the head of the block that comes first in one."""
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(_BLOCK).find(b"fLaC") + 4
    file.seek(start)
    while start + 4 <= end and len(head := file.read(4)) == 4:  # metadata, which may hold a picture of anything
        start += 4 + int.from_bytes(head[1:], "big")
        file.seek(start)
        if head[0] & 0x80:
            break
    while start < end:
        file.seek(start)
        block = file.read(_BLOCK)
        for first in (b"\x00", b"\x80"):
            at = block.find(b"fLaC" + first + b"\0\0\x22")
            if at >= 0:
                return start + at
        start += max(len(block) - 7, 1)
    return 0
