"""Files that are a row of chunks, each with its name and its size: WAV, RF64, W64, AIFF, CAF, and AU, which has one.

Specifications: "Multimedia Programming Interface and Data Specifications 1.0" of 1991 (RIFF, RIFX), EBU Tech 3306
(RF64), Sony's "Sound Forge Wave 64", Apple's "Audio Interchange File Format 1.3" and "Core Audio Format", Sun's `.snd`.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal

# Programs that write into a pipe do not know the size and put a very large number there.
_STREAMED_SIZE = 0x7FFF0000
# A size field that is off by less is a program's mistake in counting (its header, say), no interrupted copy.
_FEW_BYTES = 128
_MOST_CHUNKS = 4096
_LONG_END = 2**16
_TAGS = (b"ID3", b"TAG", b"APETAGEX", b"LYRICS")
_FORMS = (b"RIFF", b"RIFX", b"RF64", b"FORM", b"caff")


@dataclass(frozen=True)
class Grammar:
    """How the chunks of one kind of file are written.

    Args:
        kind: name of the container.
        start: byte at which the first chunk begins.
        sound: name of the chunk that holds the sound.
        order: byte order of the sizes.
        name_size: bytes of a name.
        size_size: bytes of a size.
        align: of which number every chunk's start is a multiple.
        counts_itself: whether a size counts name and size too.
    """

    kind: str
    start: int
    sound: bytes
    order: Literal["little", "big"]
    name_size: int = 4
    size_size: int = 4
    align: int = 2
    counts_itself: bool = False


_W64_SOUND = b"data" + bytes.fromhex("f3acd3118cd100c04f8edb8a")
GRAMMARS = {
    b"RIFF": Grammar("WAV", 12, b"data", "little"),
    b"RIFX": Grammar("RIFX", 12, b"data", "big"),
    b"RF64": Grammar("RF64", 12, b"data", "little"),
    b"riff": Grammar("W64", 40, _W64_SOUND, "little", name_size=16, size_size=8, align=8, counts_itself=True),
    b"FORM": Grammar("AIFF", 12, b"SSND", "big"),
    b"caff": Grammar("CAF", 8, b"data", "big", size_size=8, align=1),
}
"""The first four bytes of a file -> how it is written."""


@dataclass(frozen=True)
class Chunk:
    """One chunk: its name, where its content begins, and the size that it states."""

    name: bytes
    offset: int
    size: int


def chunks(file: BinaryIO, grammar: Grammar) -> Iterator[Chunk]:
    """The chunks of a file, up to what is none; a file of thousands of them is not read to its end."""
    end = file.seek(0, os.SEEK_END)
    head = grammar.name_size + grammar.size_size
    position, long_size = grammar.start, 0
    for _ in range(_MOST_CHUNKS):
        if position + head > end:
            return
        file.seek(position)
        name = file.read(grammar.name_size)
        size = int.from_bytes(file.read(grammar.size_size), grammar.order)
        if not all(32 <= letter < 127 for letter in name[:4]):
            return
        if grammar.counts_itself:
            size -= head
        if grammar.kind == "RF64" and name == b"ds64":
            file.seek(position + head + 8)
            long_size = int.from_bytes(file.read(8), "little")
        if grammar.kind == "RF64" and name == b"data" and size == 0xFFFFFFFF:
            size = long_size
        if size < 0:
            return
        yield Chunk(name, position + head, size)
        position += head + size
        position += -position % grammar.align


@dataclass(frozen=True)
class Sound:
    """Where the sound of a file lies.

    Args:
        wrong: what shows that the file is not whole, "" if nothing.
        size_at: place of the size field that a reader has to be told otherwise; 0 where it may be believed.
        size: bytes of sound that are there.
        end: byte up to which the file is worth reading.
    """

    wrong: str = ""
    size_at: int = 0
    size: int = 0
    end: int = 0


def find_sound(file: BinaryIO, grammar: Grammar) -> Sound | None:
    """Find the chunk of sound and compare its size with what is there; None where there is no such chunk."""
    end = file.seek(0, os.SEEK_END)
    found: Chunk | None = None
    last = grammar.start
    for chunk in chunks(file, grammar):
        if found is not None and chunk.name in _FORMS:
            return Sound(f"holds another file behind its sound, from byte {chunk.offset - 8} on; split it there")
        last = min(end, chunk.offset + chunk.size)
        if found is None and chunk.name == grammar.sound:
            found = chunk
            if _is_streamed(file, chunk, grammar, end):
                streamed = end - chunk.offset
                # libsndfile takes a large number of 32 bits for what it is, and believes all others.
                is_known = chunk.size >= _STREAMED_SIZE and grammar.size_size == 4
                streamed += (grammar.name_size + grammar.size_size) * grammar.counts_itself
                return Sound(size_at=0 if is_known else chunk.offset - grammar.size_size, size=streamed, end=end)
    if found is None:
        return None
    there = end - found.offset
    if found.size - there > min(_FEW_BYTES, found.size // 32):
        return Sound(f"is cut short: its header promises {found.size} bytes of sound and {there} are there")
    if end - last > _LONG_END and last == found.offset + found.size and _is_sound(file, last, end):
        return Sound(
            f"holds more than its header says: {found.size} bytes of sound, and {end - last} that are no chunk"
        )
    return Sound(size=min(found.size, there), end=last if end - last > _LONG_END else end)


def _is_sound(file: BinaryIO, begin: int, end: int) -> bool:
    """Tell whether bytes may be sound: they are no tag, and not all of them are zero, as far as three samples tell."""
    samples = []
    for place in (begin, (begin + end) // 2, end - 4096):
        file.seek(place)
        samples.append(file.read(4096))
    return any(sample.strip(b"\0") for sample in samples) and not samples[0].lstrip(b"\0").startswith(_TAGS)


def _is_streamed(file: BinaryIO, chunk: Chunk, grammar: Grammar, end: int) -> bool:
    """Tell whether the size of the sound was not known when it was written, and the sound goes on to the end."""
    there = end - chunk.offset
    if grammar.kind == "RF64":
        return False  # which is for files whose size is known
    if chunk.size == 0:
        return there > 0 and not _are_chunks(file, chunk, grammar, end)
    return chunk.size >= _STREAMED_SIZE and chunk.size > there and (grammar.size_size == 4 or chunk.size >= 2**62)


def _are_chunks(file: BinaryIO, chunk: Chunk, grammar: Grammar, end: int) -> bool:
    """Tell whether an empty chunk is followed by others and not by sound."""
    rest = Grammar(**{**vars(grammar), "start": chunk.offset})
    return any(one.offset + one.size <= end for one in chunks(file, rest))


def find_au_sound(file: BinaryIO, order: Literal["little", "big"]) -> Sound:
    """The sound of an AU file: its head states where it begins and, perhaps, how long it is."""
    end = file.seek(0, os.SEEK_END)
    file.seek(4)
    begin, size = (int.from_bytes(file.read(4), order) for _ in range(2))
    there = max(0, end - begin)
    if size == 0xFFFFFFFF or not there:
        return Sound(size=there, end=end)
    if size == 0 or size >= _STREAMED_SIZE > there:
        return Sound(size_at=8, size=there, end=end)
    if size - there > min(_FEW_BYTES, size // 32):
        return Sound(f"is cut short: its header promises {size} bytes of sound and {there} are there")
    return Sound(size=size, end=end)
