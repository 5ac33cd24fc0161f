"""Soundfonts of format 3 unpacked to format 2: the same samples, no longer compressed.

FluidSynth decodes the Ogg Vorbis samples of an .sf3 file at every start, which took 2 s. Unpacked once into the cache,
a soundfont of 86 MB (490 MB there) starts as fast as any other. Format: SoundFont Technical Specification 2.04; in
format 3 the `start` and `end` of a sample count bytes of its Ogg file, and its loop counts from its own first sample.
"""

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ...storage.files import atomic_file
from ...storage.system import cache_folder as cache_below
from ..errors import ComposeError

_HEADER = struct.Struct("<20sIIIIIBbHH")  # name, start, end, loop start, loop end, rate, pitch, correction, link, type
_COMPRESSED = 0x10
_GAP = bytes(2 * 46)  # silence that the specification asks for after every sample


def cache_folder() -> Path:
    """Folder of unpacked soundfonts: below $XDG_CACHE_HOME, or ~/.cache."""
    return cache_below("soundfonts")


def unpacked(font: Path) -> Path:
    """The soundfont itself, or for an .sf3 file its unpacked copy, which is made where there is none yet.

    Raises ComposeError where the file is damaged or the cache cannot be written.
    """
    if font.suffix.lower() != ".sf3":
        return font
    status = font.stat()
    copy = cache_folder() / f"{font.stem}-{status.st_size}-{status.st_mtime_ns}.sf2"
    if not copy.is_file():
        try:
            copy.parent.mkdir(parents=True, exist_ok=True)
            with atomic_file(copy) as partial, partial.open("wb") as file:
                unpack(font.read_bytes(), file)
        except OSError as error:
            raise ComposeError(
                font, hint=f"cannot be unpacked to {copy} ({error.strerror}); make room there or set XDG_CACHE_HOME"
            ) from None
        except (struct.error, ValueError, KeyError) as error:
            raise ComposeError(font, hint=f"is a damaged soundfont ({error}); install it again") from None
    return copy


def unpack(data: bytes, file: BinaryIO) -> None:
    """Write the soundfont of format 3 in `data` as one of format 2. Raises ValueError or KeyError for a damaged one."""
    lists = {kind: (start, end) for kind, start, end in _chunks(data, 12, len(data))}
    info, pdta = (dict(_items(data, *lists[kind])) for kind in (b"INFO", b"pdta"))
    (smpl,) = (range_ for name, *range_ in _chunks(data, *lists[b"sdta"]) if name == b"smpl")
    headers = bytearray()
    file.write(b"RIFF\0\0\0\0sfbk")
    info[b"ifil"] = struct.pack("<HH", 2, 1)
    _write_list(file, b"INFO", info)
    start_of_list = file.tell()
    file.write(b"LIST\0\0\0\0sdtasmpl\0\0\0\0")
    first = 0  # of the sample, in samples from the start of all of them
    for fields in _HEADER.iter_unpack(pdta[b"shdr"]):
        name, start, end, loop_start, loop_end, rate, pitch, correction, link, kind = fields
        if kind & _COMPRESSED:
            pcm = _decode(data[smpl[0] + start : smpl[0] + end])
        elif name.rstrip(b"\0") == b"EOS":
            headers += _HEADER.pack(*fields)
            continue
        else:
            pcm = data[smpl[0] + 2 * start : smpl[0] + 2 * end]
            loop_start, loop_end = loop_start - start, loop_end - start
        file.write(pcm + _GAP)
        count = len(pcm) // 2
        headers += _HEADER.pack(
            name, first, first + count, first + loop_start, first + loop_end, rate, pitch, correction, link,
            kind & ~_COMPRESSED,
        )  # fmt: skip
        first += count + len(_GAP) // 2
    end_of_list = file.tell()
    pdta[b"shdr"] = bytes(headers)
    _write_list(file, b"pdta", pdta)
    for place, size in (
        (4, file.tell() - 8),
        (start_of_list + 4, end_of_list - start_of_list - 8),
        (start_of_list + 16, 2 * first),
    ):
        file.seek(place)
        file.write(struct.pack("<I", size))


def _decode(ogg: bytes) -> bytes:
    """16-bit samples of a mono Ogg Vorbis file. Raises ValueError where it cannot be read."""
    import soundfile

    try:
        pcm, _ = soundfile.read(io.BytesIO(ogg), dtype="int16")
    except soundfile.LibsndfileError as error:
        raise ValueError(f"a sample cannot be decoded: {error}") from None
    return bytes(pcm.astype("<i2").tobytes())


def _chunks(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of the chunks between two places; a LIST goes by the name of what it lists."""
    while start + 8 <= end:
        name, size = data[start : start + 4], struct.unpack_from("<I", data, start + 4)[0]
        if start + 8 + size > end:
            raise ValueError("it ends early")
        is_list = name == b"LIST"
        yield data[start + 8 : start + 12] if is_list else name, start + (12 if is_list else 8), start + 8 + size
        start += 8 + size + size % 2


def _items(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, bytes]]:
    for name, first, last in _chunks(data, start, end):
        yield name, data[first:last]


def _write_list(file: BinaryIO, name: bytes, items: dict[bytes, bytes]) -> None:
    body = b"".join(key + struct.pack("<I", len(value)) + value + bytes(len(value) % 2) for key, value in items.items())
    file.write(b"LIST" + struct.pack("<I", len(body) + 4) + name + body)
