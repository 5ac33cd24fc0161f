"""The pages of an Ogg file: whether the last one is there, and whether another stream follows the first.

Specification: RFC 3533.
"""

import os
from typing import BinaryIO

_PAGE_MAX = 27 + 255 + 255 * 255
_FIRST_PAGE, _LAST_PAGE = 0x02, 0x04
_BLOCK = 2**20


def missing_end(file: BinaryIO) -> str:
    """Say that the last page is not there; "" if it is, and where there is no first one either."""
    end = file.seek(0, os.SEEK_END)
    if end < 28:
        return ""
    start = max(0, end - _PAGE_MAX)
    file.seek(start)
    tail = file.read()
    # Looked for from the back, and checked against the end, because sound may happen to hold the four letters as well.
    page = tail.rfind(b"OggS")
    while page >= 0:
        header = tail[page : page + 27]
        if len(header) == 27:
            lacing = tail[page + 27 : page + 27 + header[26]]
            if len(lacing) == header[26] and page + 27 + len(lacing) + sum(lacing) <= len(tail):
                return "" if header[5] & _LAST_PAGE else "is cut short: its last page is missing"
        page = tail.rfind(b"OggS", 0, page)
    return "is cut short: its last page is missing"


def next_stream(file: BinaryIO) -> int:
    """Byte at which a second stream begins behind the first; 0 if there is one alone.

    Streams that run side by side all begin before the first page of sound.
    """
    end = file.seek(0, os.SEEK_END)
    place, sound = 0, False
    while place + 27 <= end:
        file.seek(place)
        header = file.read(27)
        if header[:4] != b"OggS":
            found = _next_page(file, place + 1, end)
            if found is None:
                return 0
            place = found
            continue
        begins = bool(header[5] & _FIRST_PAGE)
        if begins and sound:
            return place
        sound = sound or not begins
        place += 27 + header[26] + sum(file.read(header[26]))
    return 0


def _next_page(file: BinaryIO, place: int, end: int) -> int | None:
    """Place of the next page behind what is damaged."""
    while place < end:
        file.seek(place)
        block = file.read(_BLOCK)
        at = block.find(b"OggS")
        if at >= 0:
            return place + at
        place += max(len(block) - 3, 1)
    return None
