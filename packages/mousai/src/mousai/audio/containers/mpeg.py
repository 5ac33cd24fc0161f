"""The frames of an MPEG audio file (MP3), counted, because its header need not be there or right.

Specifications: ISO/IEC 11172-3 and 13818-3 (frame headers), the Xing and VBRI headers of a first frame, ID3v2 and APE
tags. A decoder goes by the count of the header or guesses one from the size; what lies behind it is never heard.
"""

import os
import re
from dataclasses import dataclass
from typing import BinaryIO

from mousai.audio.containers.splice import Part

_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_V1 = {
    3: (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    2: (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    1: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
}
_V2 = {
    3: (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    1: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_HEAD = 48  # bytes that hold the header, the side information and the name of a Xing header
_BLOCK = 2**20
# What may be the head of a frame: eleven ones, a version and a layer that exist, a bit rate.
_LIKELY = re.compile(rb"\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff][\x10-\xef]", re.DOTALL)
_MOST_TRIED = 100_000  # places in one stretch of junk
_SAME = 3  # frames in a row that are no accident


@dataclass(frozen=True)
class _Frame:
    kind: tuple[int, int, int, bool]  # version, layer, rate, mono: what cannot change within one piece of sound
    size: int
    samples: int
    info: int  # place of the name of a Xing header within the frame


@dataclass(frozen=True)
class Frames:
    """What a file holds.

    Args:
        wrong: what shows that the file is not whole, "" if nothing.
        parts: what a decoder is to read instead of the file, so that it hears all of it; empty where it may read it.
        is_counted: whether a decoder then knows the right length.
    """

    wrong: str = ""
    parts: tuple[Part, ...] = ()
    is_counted: bool = False


def find_frames(file: BinaryIO) -> Frames:
    """Walk through all frames of a file."""
    end = file.seek(0, os.SEEK_END)
    place = _next_frame(file, 0, end)
    first = None if place is None else _frame_at(file, place)
    if place is None or first is None:
        return Frames()  # which the decoder will say in its words
    stated = _stated(file, place, first)
    parts: list[tuple[int, int]] = []
    count = infos = 0
    while place is not None and place + 4 <= end:
        file.seek(place)
        head = file.read(_HEAD)
        frame = _parsed(head)
        if frame is None or frame.kind != first.kind:
            if frame is not None and _is_row(file, place, frame, end):
                seconds = count * first.samples / first.kind[2]
                return Frames(f"changes its rate or channels {seconds:.2f} s from its start; split it there")
            place = _next_frame(file, place, end, kind=first.kind)
            continue
        if place + frame.size > end:
            break
        if _names_count(head, frame):
            infos += 1
        else:
            count += 1
            if parts and parts[-1][1] == place:
                parts[-1] = (parts[-1][0], place + frame.size)
            else:
                parts.append((place, place + frame.size))
        place += frame.size
    seconds = first.samples / first.kind[2]
    if stated is not None and count < stated - 1:
        return Frames(
            f"is cut short: its header promises {stated * seconds:.2f} s of sound and {count * seconds:.2f} are there"
        )
    if first.kind[1] != 1:  # layers I and II have a constant rate and no such header
        return Frames(is_counted=False)
    if stated is not None and count <= stated + 1 and infos <= 1:
        return Frames(is_counted=True)
    return Frames(parts=(_info_frame(first, count), *parts), is_counted=True)


def _parsed(head: bytes) -> _Frame | None:
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    rate_index, bits_index, padding = head[2] >> 2 & 3, head[2] >> 4, head[2] >> 1 & 1
    if version == 1 or layer == 0 or rate_index == 3 or bits_index in (0, 15):
        return None
    rate = _RATES[version][rate_index]
    bits = 1000 * (_V1 if version == 3 else _V2)[layer][bits_index - 1]
    mono = head[3] >> 6 == 3
    if layer == 3:
        size, samples = (12 * bits // rate + padding) * 4, 384
    else:
        samples = 576 if layer == 1 and version != 3 else 1152
        size = samples // 8 * bits // rate + padding
    side = (17 if mono else 32) if version == 3 else (9 if mono else 17)
    return _Frame((version, layer, rate, mono), size, samples, 4 + side + (0 if head[1] & 1 else 2))


def _frame_at(file: BinaryIO, place: int) -> _Frame | None:
    file.seek(place)
    return _parsed(file.read(4))


def _names_count(head: bytes, frame: _Frame) -> bool:
    return head[frame.info : frame.info + 4] in (b"Xing", b"Info") or head[36:40] == b"VBRI"


def _stated(file: BinaryIO, place: int, frame: _Frame) -> int | None:
    """Number of frames that the header in the first frame states."""
    file.seek(place)
    head = file.read(frame.size)
    at = frame.info
    if head[at : at + 4] in (b"Xing", b"Info") and head[at + 7 : at + 8] and head[at + 7] & 1:
        return int.from_bytes(head[at + 8 : at + 12], "big") or None
    if head[36:40] == b"VBRI":
        return int.from_bytes(head[50:54], "big") or None
    return None


def _is_row(file: BinaryIO, place: int, frame: _Frame, end: int) -> bool:
    """Tell whether this frame begins a row of frames of its kind, and is no accident."""
    after: _Frame | None = frame
    for _ in range(_SAME):
        if after is None or after.kind != frame.kind or place + after.size > end:
            return False
        place += after.size
        after = _frame_at(file, place)
    return True


def _next_frame(file: BinaryIO, place: int, end: int, kind: tuple[int, int, int, bool] | None = None) -> int | None:
    """Place of the next frame from a place on that is none: behind tags, or behind what is damaged."""
    place = _behind_tags(file, place, end)
    first, tried = place, 0
    while place < end and tried < _MOST_TRIED:
        file.seek(place)
        block = file.read(_BLOCK)
        for found in _LIKELY.finditer(block):
            at, tried = place + found.start(), tried + 1
            frame = _frame_at(file, at)
            if frame is not None and (at > first or kind is None or frame.kind == kind):
                follows = _frame_at(file, at + frame.size)
                if at + frame.size >= end - 128 or (follows is not None and follows.kind == frame.kind):
                    return at
        place += max(len(block) - 2, 1)
    return None


def _behind_tags(file: BinaryIO, place: int, end: int) -> int:
    """Place behind ID3v2, ID3v1 and APE tags."""
    while place < end:
        file.seek(place)
        head = file.read(16)
        if head[:3] == b"ID3" and len(head) >= 10:
            # The size of an ID3v2 tag is four bytes of seven bits each; a footer has ten bytes more.
            place += 10 + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]) + 10 * (head[5] >> 4 & 1)
        elif head[:8] == b"APETAGEX":
            place += 32 + int.from_bytes(head[12:16], "little")
        elif head[:3] == b"TAG":
            place += 128
        else:
            return place
    return place


def _info_frame(like: _Frame, count: int) -> bytes:
    """A silent frame of the same kind whose Xing header states the number of frames behind it."""
    version, layer, rate, mono = like.kind
    bits_index = 5 if version == 3 else 8  # 64 kbit/s
    head = bytes(
        [
            0xFF,
            0xE1 | version << 3 | layer << 1,
            bits_index << 4 | _RATES[version].index(rate) << 2,
            0xC0 if mono else 0x40,
        ]
    )
    frame = _parsed(head)
    assert frame is not None
    body = bytes(frame.info - 4) + b"Info" + (1).to_bytes(4, "big") + count.to_bytes(4, "big")
    return (head + body).ljust(frame.size, b"\0")
