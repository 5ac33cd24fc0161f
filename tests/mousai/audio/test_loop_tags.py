"""Loop points and tempo in files."""

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mousai.audio.files import read_audio, read_metadata, write_audio
from mousai.audio.loop_tags import LoopTag, acid_chunk, smpl_chunk

SOUND = (0.3 * np.sin(np.arange(4801) / 20)[None]).astype(np.float32)


def chunks(path: Path) -> dict[bytes, bytes]:
    data = path.read_bytes()
    assert data[:4] == b"RIFF" and data[8:12] == b"WAVE"
    assert int.from_bytes(data[4:8], "little") == len(data) - 8
    found, position = {}, 12
    while position < len(data):
        size = int.from_bytes(data[position + 4 : position + 8], "little")
        found[data[position : position + 4]] = data[position + 8 : position + 8 + size]
        position += 8 + size + size % 2
    assert position == len(data)  # every chunk begins at an even place and ends in the file
    return found


def test_the_bytes_of_a_smpl_chunk() -> None:
    assert smpl_chunk(743226, 48000).hex(" ", 4) == (
        "736d706c 3c000000 "  # smpl, 60 bytes
        "00000000 00000000 61510000 3c000000 00000000 00000000 00000000 01000000 00000000 "  # 20833 ns, C4
        "00000000 00000000 00000000 39570b00 00000000 00000000"  # forward, 0 to 743225, for ever
    )


def test_the_bytes_of_an_acid_chunk() -> None:
    chunk = acid_chunk(LoopTag(tempo=124.0, beats=32))
    assert chunk[:8] == b"acid" + struct.pack("<I", 24) and len(chunk) == 32
    assert struct.unpack("<I", chunk[20:24]) == (32,) and struct.unpack("<HHf", chunk[24:]) == (4, 4, 124.0)


@pytest.mark.parametrize("bits", [16, 24, 32])
def test_a_wav_file_repeats(tmp_path: Path, bits: int) -> None:
    path = tmp_path / "loop.wav"  # 4801 samples of 24 bits are an odd number of bytes
    tag = LoopTag(tempo=120.0, beats=4)
    write_audio(path, SOUND, 48000, bits=bits, loop=tag, metadata={"prompt": "house"})
    found = chunks(path)
    assert b"smpl" + struct.pack("<I", 60) + found[b"smpl"] == smpl_chunk(4801, 48000)
    assert found[b"acid"] == acid_chunk(tag)[8:]
    write_audio(tmp_path / "plain.wav", SOUND, 48000, bits=bits)
    assert np.array_equal(read_audio(path), read_audio(tmp_path / "plain.wav"))
    assert read_metadata(path) == {"prompt": "house"}


def test_without_a_tempo_there_are_loop_points_alone(tmp_path: Path) -> None:
    write_audio(tmp_path / "loop.wav", SOUND, 48000, loop=LoopTag())
    assert b"smpl" in chunks(tmp_path / "loop.wav") and b"acid" not in chunks(tmp_path / "loop.wav")


@pytest.mark.parametrize("metadata", [{}, {"prompt": "house"}])
def test_a_flac_file_has_comments(tmp_path: Path, metadata: dict[str, str]) -> None:
    path = tmp_path / "loop.flac"
    write_audio(path, SOUND, 48000, loop=LoopTag(tempo=124.5, beats=4), metadata=metadata)
    data = path.read_bytes()
    for comment in (b"LOOPSTART=0", b"LOOPLENGTH=4801", b"BPM=124.5"):
        assert struct.pack("<I", len(comment)) + comment in data
    assert read_metadata(path) == metadata
    assert soundfile.info(path).frames == 4801
    write_audio(tmp_path / "plain.flac", SOUND, 48000)
    assert np.array_equal(read_audio(path), read_audio(tmp_path / "plain.flac"))


@pytest.mark.parametrize("name", ["loop.ogg", "loop.mp3"])
def test_other_files_are_as_they_were(tmp_path: Path, name: str) -> None:
    write_audio(tmp_path / name, SOUND, 48000, loop=LoopTag(tempo=120.0, beats=4), metadata={"tempo": "120"})
    assert read_metadata(tmp_path / name) == {"tempo": "120"}
