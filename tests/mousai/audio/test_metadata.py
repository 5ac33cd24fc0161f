"""What is stored beside the sound."""

import json
import struct
from pathlib import Path

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from mousai.audio.files import AUDIO_SUFFIXES, read_audio, read_metadata, write_audio
from mousai.audio.opening import AudioError

from .sounds import SETTINGS, noise, one_line, tone


@pytest.mark.parametrize("suffix", AUDIO_SUFFIXES)
def test_metadata_is_read_back(tmp_path: Path, suffix: str):
    for number, metadata in enumerate(({}, SETTINGS, {"prompt": "la " * 4000}, {"": ""}, {"a": "x" * 1000})):
        path = tmp_path / f"{number}{suffix}"
        sound = tone(48000, 0.3)
        write_audio(path, sound, 48000, metadata=metadata)
        assert read_metadata(path) == metadata
        assert read_audio(path).shape == sound.shape


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_a_wav_comment_after_chunks_of_odd_size(tmp_path: Path, size: int):
    def chunk(name: bytes, body: bytes) -> bytes:
        return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)

    comment = {"prompt": "x" * 3000}
    tags = chunk(b"IART", b"a" * size) + chunk(b"ICMT", json.dumps(comment).encode())
    kind = struct.pack("<HHIIHH", 1, 1, 48000, 96000, 2, 16)
    chunks = (
        chunk(b"fmt ", kind) + chunk(b"junk", bytes(size)) + chunk(b"LIST", b"adtl") + chunk(b"LIST", b"INFO" + tags)
    )
    (tmp_path / "a.wav").write_bytes(chunk(b"RIFF", b"WAVE" + chunks + chunk(b"data", bytes(200))))
    assert read_metadata(tmp_path / "a.wav") == comment
    assert read_audio(tmp_path / "a.wav").shape == (2, 100)


@given(
    metadata=st.dictionaries(st.text(max_size=20), st.text(max_size=80), max_size=5),
    suffix=st.sampled_from(AUDIO_SUFFIXES),
)
def test_any_text_is_read_back(tmp_path_factory: pytest.TempPathFactory, metadata: dict[str, str], suffix: str):
    path = tmp_path_factory.mktemp("metadata") / f"a{suffix}"
    write_audio(path, tone(8000, 0.05), 8000, metadata=metadata)
    assert read_metadata(path) == metadata


def test_the_comment_is_json_that_other_programs_see(tmp_path: Path):
    for suffix in AUDIO_SUFFIXES:
        path = tmp_path / f"a{suffix}"
        write_audio(path, tone(48000, 0.3), 48000, metadata=SETTINGS)
        with soundfile.SoundFile(path) as file:
            assert json.loads(file.comment) == SETTINGS


@pytest.mark.parametrize("comment", ["", "Ripped by hand", "[1, 2]", '{"seed": 7}', "{", "7"])
@pytest.mark.parametrize("suffix", AUDIO_SUFFIXES)
def test_comments_of_others_are_no_metadata(tmp_path: Path, suffix: str, comment: str):
    path = tmp_path / f"a{suffix}"
    with soundfile.SoundFile(path, "w", 48000, 2) as file:
        if comment:
            file.comment = comment
        file.write(tone(48000, 0.3).T)
    assert read_metadata(path) == {}


def test_metadata_that_cannot_be_stored(tmp_path: Path):
    for metadata, words in (
        ({"prompt": "x" * 20000}, "16384 fit"),
        ({"seed": 7}, "text to text"),
        ({1: "a"}, "text to text"),
    ):
        with pytest.raises(AudioError, match=words) as caught:
            write_audio(tmp_path / "a.wav", noise(100), 48000, metadata=metadata)
        one_line(caught, tmp_path / "a.wav")
    assert list(tmp_path.iterdir()) == []
