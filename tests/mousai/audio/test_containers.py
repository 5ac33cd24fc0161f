"""What a header says of a file, and what is really there: the whole sound is read, or the file is named as bad."""

import os
import struct
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mousai.audio.files import audio_info, read_audio, sound_blocks, write_audio
from mousai.audio.opening import AudioError

from .sounds import noise, one_line, tone

RATE = 44100


def changing(seconds: float = 3.0) -> np.ndarray:
    """A quiet tone first and noise then, of which a variable bit rate makes small frames and large ones."""
    sound = 0.4 * tone(RATE, seconds)
    half = sound.shape[1] // 2
    sound[:, half:] += 0.5 * noise(sound.shape[1] - half)
    return sound


def mp3(path: Path, mode: str = "VARIABLE", rate: int = RATE) -> bytes:
    with soundfile.SoundFile(path, "w", rate, 2, format="MP3", bitrate_mode=mode, compression_level=0.5) as file:
        file.write(changing().T)
    return path.read_bytes()


def without_xing(content: bytes) -> bytes:
    """The same without its first frame, which holds the header and no sound."""
    begin = content.index(b"\xff\xfb")
    at = max(content.find(b"Xing"), content.find(b"Info"))
    assert begin < at < begin + 50
    bits, padding = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160)[content[begin + 2] >> 4], content[begin + 2] >> 1 & 1
    return content[begin + 144 * 1000 * bits // RATE + padding :]


def seconds_of(path: Path) -> float:
    """Length, the same for all that read."""
    info = audio_info(path)
    whole = read_audio(path, sample_rate=info.sample_rate)
    assert whole.shape[1] == info.frames == sum(len(block) for block in sound_blocks(path))
    return info.duration


def refused(path: Path, words: str) -> None:
    for use in (read_audio, lambda name: list(sound_blocks(name))):
        with pytest.raises(AudioError, match=words) as caught:
            use(path)
        one_line(caught, path)


# ---- MP3


@pytest.mark.parametrize("mode", ["VARIABLE", "CONSTANT"])
def test_an_mp3_file_without_a_header_of_its_length(tmp_path: Path, mode: str):
    path = tmp_path / "a.mp3"
    path.write_bytes(without_xing(mp3(path, mode)))
    assert seconds_of(path) == pytest.approx(3, abs=0.06)
    found = read_audio(path, sample_rate=RATE)
    loud = np.square(found[:, -RATE:]).mean()  # the end is there, and is the noise
    assert loud > 2 * np.square(found[:, :RATE]).mean()


def test_an_mp3_file_whose_header_states_too_little_is_read_whole(tmp_path: Path):
    path = tmp_path / "a.mp3"
    content = bytearray(mp3(path))
    at = content.find(b"Xing")
    for stated in (1, 30):
        content[at + 8 : at + 12] = stated.to_bytes(4, "big")
        path.write_bytes(content)
        assert seconds_of(path) == pytest.approx(3, abs=0.06)
    content[at + 8 : at + 12] = (1000).to_bytes(4, "big")
    path.write_bytes(content)
    refused(path, r"is cut short: its header promises 26\.12 s of sound and 3\.")


def test_joined_mp3_files_are_read_whole(tmp_path: Path):
    path = tmp_path / "a.mp3"
    variable, constant = mp3(path), mp3(path, "CONSTANT")
    tag = b"ID3\3\0\0\0\0\2\0" + bytes(256) + b"TAG" + bytes(125)
    for content in (
        variable + variable,
        variable + tag + constant,
        without_xing(constant) + variable,
        without_xing(variable) + bytes(2_000_000) + b"\xff" * 2_000_000 + without_xing(variable),
    ):
        path.write_bytes(content)
        start = time.process_time()
        assert seconds_of(path) == pytest.approx(6, abs=0.15)
        assert time.process_time() - start < 2


def test_an_mp3_file_that_goes_on_at_another_rate_is_named(tmp_path: Path):
    path = tmp_path / "a.mp3"
    first = mp3(path)
    path.write_bytes(first + mp3(path, rate=48000))
    refused(path, r"changes its rate or channels 3\.\d\d s from its start; split it there")


def test_a_long_mp3_file_is_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from mousai.data.check import inspect_file

    path = tmp_path / "a.mp3"
    write_audio(path, 0.1 * noise(70 * 8000, channels=1), 8000)
    read = []
    original = soundfile.SoundFile.read

    def counting(self, frames=-1, **settings):
        data = original(self, frames, **settings)
        read.append(len(data))
        return data

    monkeypatch.setattr(soundfile.SoundFile, "read", counting)
    assert inspect_file(path).duration == pytest.approx(70)
    assert sum(read) == 70 * 8000


# ---- Ogg and FLAC


@pytest.mark.parametrize("suffix", [".ogg", ".flac"])
def test_joined_files_of_which_a_decoder_hears_the_first_are_named(tmp_path: Path, suffix: str):
    path = tmp_path / f"a{suffix}"
    write_audio(path, tone(48000), 48000)
    first = path.read_bytes()
    write_audio(path, noise(24000), 48000, overwrite=True)
    for second in (first, path.read_bytes()):
        path.write_bytes(first + second)
        refused(path, rf"one after the other, the second from byte {len(first)} on")
        assert read_audio(path, duration=0.5).shape == (2, 24000)  # a crop reads no more than the crop
    path.write_bytes(first + b"\0" * 1000)
    assert seconds_of(path) == 1


# ---- containers of chunks


def wav(sound: np.ndarray, *, riff: int | None = None, data: int | None = None, behind: bytes = b"") -> bytes:
    body = (sound * 32767).astype("<i2").T.tobytes()
    fmt = struct.pack("<HHIIHH", 1, len(sound), RATE, RATE * 2 * len(sound), 2 * len(sound), 16)
    content = b"WAVEfmt " + struct.pack("<I", 16) + fmt + b"data"
    content += struct.pack("<I", len(body) if data is None else data) + body + behind
    return b"RIFF" + struct.pack("<I", len(content) if riff is None else riff) + content


@pytest.mark.parametrize("off", [-6, -1, 1, 4, 6, 36, 44])
@pytest.mark.parametrize("riff", [None, 0, 0xFFFFFFFF])
def test_a_size_that_is_off_by_a_few_bytes_is_no_reason_to_refuse(tmp_path: Path, off: int, riff: int | None):
    path = tmp_path / "a.wav"
    path.write_bytes(wav(tone(RATE), data=4 * RATE + off, riff=riff))
    assert abs(audio_info(path).frames - RATE) <= 2
    assert seconds_of(path) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000])
@pytest.mark.parametrize("name", ["a.wav", "a.au"])
def test_a_file_that_was_written_into_a_pipe(tmp_path: Path, size: int, name: str):
    path = tmp_path / name
    if name == "a.wav":
        path.write_bytes(wav(tone(RATE), riff=size, data=size))
    else:
        body = (tone(RATE) * 32767).astype(">i2").T.tobytes()
        path.write_bytes(struct.pack(">4s5I", b".snd", 24, size, 3, RATE, 2) + body)
    assert audio_info(path).frames == RATE
    assert np.abs(read_audio(path, sample_rate=RATE) - tone(RATE)).max() < 1e-3


@pytest.mark.parametrize("kind", ["CAF", "W64"])
def test_long_sizes_that_were_not_known(tmp_path: Path, kind: str):
    path = tmp_path / f"a.{kind.lower()}"
    soundfile.write(path, tone(RATE).T, RATE, format=kind, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    if kind == "CAF":
        at = content.index(b"data") + 4
        content[at : at + 8] = (2**64 - 1).to_bytes(8, "big")
    else:
        at = content.index(b"data\xf3\xac\xd3\x11") + 16
        content[at : at + 8] = (2**63 - 1).to_bytes(8, "little")
    path.write_bytes(content)
    assert seconds_of(path) == 1


@pytest.mark.parametrize("kind", ["WAV", "RIFX", "RF64", "W64", "AIFF", "AU", "CAF"])
@pytest.mark.parametrize("share", [0.01, 0.5, 0.98])
def test_every_container_that_was_cut_short_is_named(tmp_path: Path, kind: str, share: float):
    path = tmp_path / f"a.{kind.lower()}"
    settings = {"format": "WAV", "endian": "BIG"} if kind == "RIFX" else {"format": kind}
    soundfile.write(path, tone(RATE).T, RATE, subtype="PCM_16", **settings)
    content = path.read_bytes()
    assert content[:4] in (b"RIFF", b"RIFX", b"RF64", b"riff", b"FORM", b".snd", b"caff")
    assert seconds_of(path) == 1
    path.write_bytes(content[: max(5000, int(share * len(content)))])
    refused(path, r"is cut short: its header promises \d+ bytes of sound and \d+ are there")
    with pytest.raises(AudioError, match="cut short"):
        audio_info(path)


def test_sound_that_no_header_tells_of_is_named(tmp_path: Path):
    path = tmp_path / "a.wav"
    one = wav(tone(RATE))
    for content, words in (
        (one + one, "holds another file behind its sound"),
        (wav(noise(4 * RATE), data=1000), "holds more than its header says: 1000 bytes of sound, and 704600"),
    ):
        path.write_bytes(content)
        refused(path, words)


@pytest.mark.parametrize("behind", ["zeros", "empty chunks"])
def test_what_lies_behind_the_sound_costs_nothing(tmp_path: Path, behind: str):
    path = tmp_path / "a.wav"
    path.write_bytes(wav(tone(RATE)) + (b"" if behind == "zeros" else b"junk\0\0\0\0" * 2_500_000))
    if behind == "zeros":
        os.truncate(path, 200_000_000)
    start = time.process_time()
    assert seconds_of(path) == 1
    assert time.process_time() - start < 0.5


def test_an_empty_file_with_chunks_behind_is_empty(tmp_path: Path):
    path = tmp_path / "a.wav"
    path.write_bytes(wav(np.zeros((2, 0)), behind=b"LIST" + struct.pack("<I", 4) + b"INFO"))
    refused(path, "holds no sound")


# ---- numbers in headers


@pytest.mark.parametrize("rate", [1, 10, 999, 768_001, 2**31 - 1])
def test_rates_that_no_sound_has(tmp_path: Path, rate: int):
    path = tmp_path / "a.wav"
    content = bytearray(wav(tone(RATE)))
    content[24:28] = struct.pack("<I", rate)
    path.write_bytes(content)
    refused(path, rf"has {rate} samples a second; 1,000 to 768,000 Hz can be read")
    with pytest.raises(AudioError, match="can be read"):
        audio_info(path)
    with pytest.raises(AudioError, match="1,000 to 768,000 Hz can"):
        write_audio(tmp_path / "b.wav", tone(RATE), rate)
    path.write_bytes(wav(tone(RATE)))
    with pytest.raises(AudioError, match=f"at {rate} Hz"):
        read_audio(path, sample_rate=rate)


def test_a_length_that_the_bytes_cannot_hold(tmp_path: Path):
    path = tmp_path / "a.flac"
    write_audio(path, tone(RATE), RATE)
    content = bytearray(path.read_bytes())
    content[21] |= 0x0F
    content[22:26] = b"\xff" * 4
    path.write_bytes(content)
    refused(path, r"promises 68719476735 samples, which \d+ bytes cannot hold")


def test_a_length_that_is_not_stated_is_counted(tmp_path: Path):
    path = tmp_path / "a.flac"
    write_audio(path, tone(RATE), RATE)
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    path.write_bytes(content)
    assert audio_info(path).frames == RATE and seconds_of(path) == 1


@pytest.mark.parametrize("peak", [9.0, 32767.0])
def test_floats_far_beyond_full_scale_are_refused_by_all_alike(tmp_path: Path, peak: float):
    path = tmp_path / "a.wav"
    soundfile.write(path, (2 * peak * tone(RATE)).T, RATE, subtype="FLOAT")
    refused(path, r"far beyond ±1; turn it down to within ±1 first")


def test_a_comment_that_is_deep_or_long_is_no_metadata(tmp_path: Path):
    from mousai.audio.files import read_metadata

    path = tmp_path / "a.wav"
    deep = b"[" * 60_000
    for text in (deep, b'{"a": ' * 10_000, b'{"a": "' + b"x" * 200_000 + b'"}'):
        tag = b"ICMT" + struct.pack("<I", len(text)) + text
        path.write_bytes(wav(tone(RATE), behind=b"LIST" + struct.pack("<I", 4 + len(tag)) + b"INFO" + tag))
        assert read_metadata(path) == {}
    with soundfile.SoundFile(tmp_path / "a.flac", "w", RATE, 2) as file:
        file.comment = deep.decode()
        file.write(tone(RATE).T)
    assert read_metadata(tmp_path / "a.flac") == {}
