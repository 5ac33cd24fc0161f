"""Soundfont -> the same with its samples in Ogg Vorbis, for `unpack_font.c`: python pack_font.py FONT.sf2 OUT.

Little-endian: sizes of what stands before the samples, of the samples and of what stands behind them, and the number of
samples; the first and the third; then for each sample its place, length and size, and its Ogg Vorbis file.
"""

import io
import struct
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile

COMPRESSION = 0.6
"""Of libsndfile, 0 to 1."""
RECORD = 46
"""Bytes of a sample's header in the chunk `shdr`."""

font = Path(sys.argv[1]).read_bytes()
begin = font.index(b"smpl") + 8
size = struct.unpack("<I", font[begin - 4 : begin])[0]
head, samples, tail = font[:begin], np.frombuffer(font[begin : begin + size], "<i2"), font[begin + size :]
headers = tail[tail.index(b"shdr") + 8 :]
# A name of 20 bytes, first sample, the one after the last, both ends of the loop, rate; the last record ends the list.
records = [struct.unpack_from("<20x5I", headers, at) for at in range(0, len(headers) - RECORD, RECORD)]
spans = sorted({(first, last, rate) for first, last, _, _, rate in records if last > first})


def encoded(span: tuple[int, int, int]) -> bytes:
    """One sample as a file."""
    first, last, rate = span
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", rate, 1, "VORBIS", format="OGG", compression_level=COMPRESSION) as sound:
        sound.write(samples[first:last].astype(np.float32) / 32768)
    return file.getvalue()


with ThreadPoolExecutor() as pool, open(sys.argv[2], "wb") as out:
    out.write(struct.pack("<4I", len(head), size, len(tail), len(spans)) + head + tail)
    for (first, last, _), file in zip(spans, pool.map(encoded, spans), strict=True):
        out.write(struct.pack("<3I", first, last - first, len(file)) + file)
