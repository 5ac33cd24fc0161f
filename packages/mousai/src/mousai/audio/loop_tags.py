"""Loop points and tempo in audio files, where samplers and sequencers look for them.

    WAV      chunk "smpl": the whole file repeats; chunk "acid": beats and tempo
    FLAC     Vorbis comments BPM, LOOPSTART, LOOPLENGTH

The "smpl" chunk is specified in "Multimedia Data Standards Update" of 1994 (RIFFNEW), FLAC's blocks in RFC 9639. The
"acid" chunk was never published; its layout is the one that libsndfile and sequencers read.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

_MIDDLE_C = 60
_ACID_STRETCH = 4  # may be stretched to another tempo
_COMMENTS = 4  # type of FLAC's block of Vorbis comments


@dataclass(frozen=True, kw_only=True)
class LoopTag:
    """Tag of a loop, as samplers and sequencers read it from the file: the whole file repeats.

    Args:
        tempo: beats per minute; `None` where it is unknown.
        beats: number of beats; 0 where it is unknown.
    """

    tempo: float | None = None
    beats: int = 0


def smpl_chunk(samples: int, sample_rate: int) -> bytes:
    """Chunk of a WAV file that repeats from its first to its last sample, for ever."""
    period = round(1e9 / sample_rate)  # nanoseconds
    head = (0, 0, period, _MIDDLE_C, 0, 0, 0, 1, 0)  # one loop, nothing of the maker's own
    forward = (0, 0, 0, samples - 1, 0, 0)
    return _chunk(b"smpl", struct.pack("<15I", *head, *forward))


def acid_chunk(tag: LoopTag) -> bytes:
    """Chunk of a WAV file with beats and tempo, in 4/4."""
    body = struct.pack("<IHHfIHHf", _ACID_STRETCH, _MIDDLE_C, 0x8000, 0.0, tag.beats, 4, 4, tag.tempo or 0.0)
    return _chunk(b"acid", body)


def tag_file(path: Path, tag: LoopTag, *, samples: int, sample_rate: int) -> None:
    """Say in a WAV or FLAC file that it loops; other files, told by their suffix, have no place for it."""
    if path.suffix.lower() == ".wav":
        tag_wav(path, tag, samples=samples, sample_rate=sample_rate)
    elif path.suffix.lower() == ".flac":
        tag_flac(path, tag, samples=samples)


def tag_wav(path: Path, tag: LoopTag, *, samples: int, sample_rate: int) -> None:
    """Append the chunks of a loop to a WAV file."""
    with path.open("r+b") as file:
        end = file.seek(0, 2)
        file.write(b"\0" * (end % 2) + smpl_chunk(samples, sample_rate))
        if tag.tempo and tag.beats:
            file.write(acid_chunk(tag))
        size = file.tell() - 8
        file.seek(4)
        file.write(struct.pack("<I", size))


def tag_flac(path: Path, tag: LoopTag, *, samples: int) -> None:
    """Add the comments of a loop to a FLAC file that has a block of Vorbis comments."""
    data = path.read_bytes()
    position, last = 4, False
    while not last:
        last, kind = bool(data[position] & 0x80), data[position] & 0x7F
        size = int.from_bytes(data[position + 1 : position + 4], "big")
        if kind == _COMMENTS:
            block = _with_comments(data[position + 4 : position + 4 + size], tag, samples)
            head = data[position : position + 1] + len(block).to_bytes(3, "big")
            path.write_bytes(data[:position] + head + block + data[position + 4 + size :])
            return
        position += 4 + size


def _with_comments(block: bytes, tag: LoopTag, samples: int) -> bytes:
    vendor = int.from_bytes(block[:4], "little")
    count = int.from_bytes(block[4 + vendor : 8 + vendor], "little")
    more = ["LOOPSTART=0", f"LOOPLENGTH={samples}"] + [f"BPM={tag.tempo:.10g}"] * (tag.tempo is not None)
    added = b"".join(struct.pack("<I", len(one)) + one.encode() for one in more)
    return block[: 4 + vendor] + struct.pack("<I", count + len(more)) + block[8 + vendor :] + added


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
