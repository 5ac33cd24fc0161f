"""What cannot be read: one line that names the file."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mousai.audio.files import AUDIO_SUFFIXES, audio_info, read_audio, read_metadata, sound_blocks, write_audio
from mousai.audio.opening import AudioError
from mousai.storage.file_parts import FilePart

from .sounds import SETTINGS, noise, one_line, tone


def test_missing_folder_empty_and_special_files(tmp_path: Path):
    missing, empty, pipe = tmp_path / "missing.wav", tmp_path / "empty.wav", tmp_path / "pipe.wav"
    empty.touch()
    os.mkfifo(pipe)
    for path, words in (
        (missing, "does not exist"),
        (tmp_path, "is a folder"),
        (empty, "is empty"),
        (pipe, "not a regular file"),
    ):
        for use in (read_audio, read_metadata, audio_info):
            with pytest.raises(AudioError, match=words) as caught:
                use(path)
            one_line(caught, path)


def test_a_file_of_nothing_inside_another(tmp_path: Path):
    (tmp_path / "a.tar").write_bytes(bytes(100))
    with pytest.raises(AudioError, match=r"^0\.wav: is empty$"):
        read_audio(FilePart(lambda: tmp_path / "a.tar", 10, 0, "0.wav"))


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3", "a.raw", "a"])
@pytest.mark.parametrize(
    "content", [b"This is a text.\n" * 100, b"\0" * 5000, b"RIFF", b"ID3", b"OggS", b"fLaC", b"\n"]
)
def test_a_file_that_is_no_audio(tmp_path: Path, name: str, content: bytes):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(AudioError, match="cannot be read as audio") as caught:
        read_audio(path)
    one_line(caught, path)


@pytest.mark.parametrize("suffix", AUDIO_SUFFIXES)
@pytest.mark.parametrize("share", [0.002, 0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("metadata", [{}, SETTINGS])
def test_a_file_cut_short(tmp_path: Path, suffix: str, share: float, metadata: dict):
    whole, cut = tmp_path / f"whole{suffix}", tmp_path / f"cut{suffix}"
    write_audio(whole, noise(5 * 48000), 48000, metadata=metadata)
    content = whole.read_bytes()
    cut.write_bytes(content[: int(share * len(content))])
    with pytest.raises(AudioError, match=r"cut short|cannot be read") as caught:
        read_audio(cut)
    one_line(caught, cut)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("suffix", AUDIO_SUFFIXES)
def test_a_damaged_file_is_an_audio_error_or_finite_sound(tmp_path: Path, suffix: str, seed: int):
    path = tmp_path / f"a{suffix}"
    write_audio(path, noise(24000), 48000, metadata=SETTINGS)
    content = bytearray(path.read_bytes())
    draw = np.random.default_rng(seed)
    for position in draw.integers(0, len(content) if seed % 2 else 100, 1 + 4 * seed):
        content[position] = draw.integers(256)
    path.write_bytes(content)
    for use in (read_audio, read_metadata):
        try:
            found = use(path)
        except AudioError as error:
            assert "\n" not in str(error)
        else:
            assert isinstance(found, dict) or np.isfinite(found).all()


def test_a_damaged_flac_file_is_noticed(tmp_path: Path):
    path = tmp_path / "a.flac"
    write_audio(path, noise(5 * 48000), 48000)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = bytes(2000)
    path.write_bytes(content)
    with pytest.raises(AudioError) as caught:
        read_audio(path)
    one_line(caught, path)


def test_less_sound_than_the_header_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path, read = tmp_path / "a.wav", soundfile.SoundFile.read
    write_audio(path, noise(48000), 48000)

    def half(self: soundfile.SoundFile, frames: int, **how: object) -> np.ndarray:
        return read(self, max(0, min(frames, 24000 - self.tell())), **how)

    monkeypatch.setattr(soundfile.SoundFile, "read", half)
    for use in (read_audio, lambda name: list(sound_blocks(name))):
        with pytest.raises(AudioError) as caught:
            use(path)
        assert str(caught.value) == f"{path}: is cut short: its sound ends after 0.50 of 1.00 s"


def test_samples_that_are_not_numbers(tmp_path: Path):
    path = tmp_path / "a.wav"
    for bad in (np.nan, np.inf, -np.inf):
        sound = tone(48000).T.copy()
        sound[24000, 1] = bad
        soundfile.write(path, sound, 48000, subtype="FLOAT")
        with pytest.raises(AudioError, match=r"0\.500 s") as caught:
            read_audio(path)
        one_line(caught, path)
        assert read_audio(path, duration=0.4).shape == (2, 19200)  # the good part can still be had


def test_no_sound_and_too_many_channels(tmp_path: Path):
    silent, surround = tmp_path / "silent.wav", tmp_path / "surround.wav"
    soundfile.write(silent, np.zeros((0, 2)), 48000)
    soundfile.write(surround, np.zeros((10, 6)), 48000)
    with pytest.raises(AudioError, match="no sound") as caught:
        read_audio(silent)
    one_line(caught, silent)
    with pytest.raises(AudioError, match="6 channels") as caught:
        read_audio(surround)
    one_line(caught, surround)


def test_float_files_beyond_full_scale_are_read_as_they_are(tmp_path: Path):
    soundfile.write(tmp_path / "a.wav", 3 * tone(48000).T, 48000, subtype="FLOAT")
    assert np.array_equal(read_audio(tmp_path / "a.wav"), 3 * tone(48000))


def test_a_wav_file_from_a_pipe_has_no_size_and_is_read(tmp_path: Path):
    path = tmp_path / "a.wav"
    write_audio(path, noise(1000), 48000, bits=16)
    content = bytearray(path.read_bytes())
    position = content.index(b"data") + 4
    for size in (0xFFFFFFFF, 0x7FFFFFFF - 36):
        content[4:8] = content[position : position + 4] = struct.pack("<I", size)
        path.write_bytes(content)
        assert read_audio(path).shape == (2, 1000)


def test_a_flac_file_without_a_stated_length_is_read(tmp_path: Path):
    path = tmp_path / "a.flac"
    sound = noise(10000)
    write_audio(path, sound, 48000)
    content = bytearray(path.read_bytes())
    # The 36 bits from byte 21.5 on are the number of samples; 0 means unknown.
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    path.write_bytes(content)
    found = read_audio(path)
    assert found.shape == sound.shape and np.abs(found - sound).max() < 1e-6
    assert np.array_equal(read_audio(path, start=0.1, duration=0.05), found[:, 4800:7200])


def test_an_mp3_file_without_a_xing_header_is_read_and_its_end_believed(tmp_path: Path):
    path = tmp_path / "a.mp3"
    write_audio(path, tone(48000, 3.0), 48000)
    content = path.read_bytes()
    position = max(content.find(b"Xing"), content.find(b"Info"))
    assert position > 0
    path.write_bytes(content[:position] + b"\0\0\0\0" + content[position + 4 :])
    found = read_audio(path)
    assert abs(found.shape[1] - 3 * 48000) < 3 * 1152
