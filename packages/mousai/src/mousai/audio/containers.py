"""Two things that libsndfile does not tell of a file: whether it is whole, and long comments of a WAV file.

libsndfile reads a WAV or Ogg file that was cut short as if it were simply shorter, and drops a WAV comment of 2048
bytes or more. Both are read here from the container itself. Specifications: "Multimedia Programming Interface and Data
Specifications 1.0" of 1991 (RIFF), RFC 3533 (Ogg pages), and the Xing header of an MP3 file's first frame.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from mousai.storage.file_parts import FilePart

# Programs that write a WAV file into a pipe do not know its size and put a very large number there.
_STREAMED_SIZE = 0x7FFF0000
_OGG_PAGE_MAX = 27 + 255 + 255 * 255
_OGG_LAST_PAGE = 0x04


def missing_end(path: Path | FilePart, container: str) -> str:
    """Say what shows that the file was cut short, or return an empty string where nothing does.

    Args:
        path: An audio file that can be opened.
        container: libsndfile's name of its format: "WAV", "OGG", ...
    """
    with path.open("rb") as file:
        if container in ("WAV", "WAVEX"):
            return _missing_wav_end(file)
        if container == "OGG":
            return _missing_ogg_end(file)
    return ""


def states_length(path: Path | FilePart, container: str) -> bool:
    """Tell whether the file says how many samples it holds; an MP3 file without a Xing header does not."""
    if container != "MP3":
        return True
    with path.open("rb") as file:
        head = file.read(10)
        if head[:3] == b"ID3" and len(head) == 10:
            # The size of an ID3v2 tag is four bytes of seven bits each.
            tag = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
            file.seek(10 + tag)
        else:
            file.seek(0)
        first_frame = file.read(512)
    return b"Xing" in first_frame or b"Info" in first_frame


def wav_comment(path: Path) -> str:
    """The comment (ICMT) of the INFO list of a WAV file, of any length; empty if there is none."""
    with path.open("rb") as file:
        for name, offset, size in _riff_chunks(file):
            if name != b"LIST":
                continue
            file.seek(offset)
            body = file.read(size)
            if body[:4] != b"INFO":
                continue
            position = 4
            while position + 8 <= len(body):
                length = int.from_bytes(body[position + 4 : position + 8], "little")
                if body[position : position + 4] == b"ICMT":
                    text = body[position + 8 : position + 8 + length]
                    return text.split(b"\0", 1)[0].decode("utf-8", "replace")
                position += 8 + length + length % 2
    return ""


def _riff_chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Name, offset and stated size of every chunk of a RIFF/WAVE file."""
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return
    position = 12
    while position + 8 <= end:
        file.seek(position)
        head = file.read(8)
        size = int.from_bytes(head[4:], "little")
        yield head[:4], position + 8, size
        position += 8 + size + size % 2  # chunks begin at even offsets


def _missing_wav_end(file: BinaryIO) -> str:
    end = file.seek(0, os.SEEK_END)
    for name, offset, size in _riff_chunks(file):
        if name == b"data" and size < _STREAMED_SIZE and offset + size > end:
            return f"its header promises {size} bytes of sound and {end - offset} are there"
    return ""


def _missing_ogg_end(file: BinaryIO) -> str:
    end = file.seek(0, os.SEEK_END)
    start = max(0, end - _OGG_PAGE_MAX)
    file.seek(start)
    tail = file.read()
    # Looked for from the back, and checked against the end, because sound may happen to hold the four letters as well.
    page = tail.rfind(b"OggS")
    while page >= 0:
        header = tail[page : page + 27]
        if len(header) == 27:
            lacing = tail[page + 27 : page + 27 + header[26]]
            if len(lacing) == header[26] and page + 27 + len(lacing) + sum(lacing) <= len(tail):
                return "" if header[5] & _OGG_LAST_PAGE else "its last page is missing"
        page = tail.rfind(b"OggS", 0, page)
    return "its last page is missing"
