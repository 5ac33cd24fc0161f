import itertools
import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from mousai.audio.files import (
    AUDIO_SUFFIXES,
    AudioError,
    audio_info,
    check_output,
    read_audio,
    read_metadata,
    write_audio,
)

SETTINGS = {"prompt": 'calm "piano" — ÿ 音楽\n100 bpm; a=b', "seed": "7", "steps": "50"}


def tone(rate: int, seconds: float = 1.0, *, hertz: float = 440.0, channels: int = 2) -> np.ndarray:
    """A sine on the left, its double frequency on the right, computed at any rate."""
    time = np.arange(round(rate * seconds)) / rate
    return np.stack([0.5 * np.sin(2 * np.pi * hertz * (1 + c) * time) for c in range(channels)]).astype(np.float32)


def noise(samples: int, *, channels: int = 2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.9, 0.9, (channels, samples)).astype(np.float32)


def one_line(caught: pytest.ExceptionInfo[BaseException], path: Path | None = None) -> str:
    message = str(caught.value)
    assert "\n" not in message
    assert path is None or str(path) in message
    return message


# ---- writing and reading back


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
@pytest.mark.parametrize("bits", [16, 24])
@pytest.mark.parametrize("samples", [1, 4095, 65536, 65537])
def test_lossless_formats_keep_every_sample(tmp_path: Path, suffix: str, bits: int, samples: int):
    path = tmp_path / f"sound{suffix}"
    sound = noise(samples)
    assert write_audio(path, sound, 48000, bits=bits) == 1.0
    found = read_audio(path)
    assert found.shape == (2, samples) and found.dtype == np.float32 and found.flags["C_CONTIGUOUS"]
    assert np.abs(found - sound).max() <= 2.0 ** (1 - bits)


@pytest.mark.parametrize("suffix", [".ogg", ".mp3"])
def test_lossy_formats_keep_the_sound_and_its_length(tmp_path: Path, suffix: str):
    path = tmp_path / f"sound{suffix}"
    sound = tone(48000, 3.0)
    write_audio(path, sound, 48000)
    found = read_audio(path)
    assert found.shape == sound.shape
    middle = slice(4800, -4800)
    assert np.abs(found - sound)[:, middle].max() < 0.02


@pytest.mark.parametrize("suffix", AUDIO_SUFFIXES)
def test_full_scale_and_both_channels_survive(tmp_path: Path, suffix: str):
    path = tmp_path / f"sound{suffix}"
    sound = np.stack([np.ones(48000), -np.ones(48000)]).astype(np.float32)
    write_audio(path, sound, 48000)
    found = read_audio(path)
    assert found.shape == sound.shape
    if suffix in (".wav", ".flac"):
        assert np.abs(found - sound).max() < 1e-6  # neither wrapped around nor swapped


def test_upper_case_suffix_and_any_float_type(tmp_path: Path):
    for kind in (np.float16, np.float32, np.float64):
        path = tmp_path / f"{kind.__name__}.WAV"
        write_audio(path, tone(8000).astype(kind), 8000)
        assert audio_info(path).duration == 1.0
        assert np.abs(read_audio(path, sample_rate=8000) - tone(8000)).max() < 1e-3


def test_a_torch_tensor_is_written(tmp_path: Path):
    torch = pytest.importorskip("torch")
    write_audio(tmp_path / "a.wav", torch.from_numpy(tone(8000)), 8000)
    assert np.abs(read_audio(tmp_path / "a.wav", sample_rate=8000) - tone(8000)).max() < 1e-6


def test_the_same_sound_gives_the_same_file(tmp_path: Path):
    for suffix in (".wav", ".flac", ".mp3"):
        for name in ("a", "b"):
            write_audio(tmp_path / f"{name}{suffix}", tone(48000), 48000, metadata=SETTINGS)
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_info(tmp_path: Path):
    write_audio(tmp_path / "a.flac", tone(44100, 0.5, channels=1), 44100)
    info = audio_info(tmp_path / "a.flac")
    assert (info.sample_rate, info.channels, info.frames, info.duration) == (44100, 1, 22050, 0.5)


# ---- rates and channels


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 44101, 96000])
def test_resampling_gives_the_same_tone_at_the_wanted_rate(tmp_path: Path, rate: int):
    path = tmp_path / "a.wav"
    write_audio(path, tone(rate, 0.7), rate)
    found = read_audio(path, sample_rate=48000)
    assert found.shape == (2, round(round(0.7 * rate) * 48000 / rate))
    middle = slice(2400, -2400)
    assert np.abs(found - tone(48000, 0.7)[:, : found.shape[1]])[:, middle].max() < 1e-4


def test_resampling_removes_what_the_lower_rate_cannot_hold(tmp_path: Path):
    path = tmp_path / "a.wav"
    write_audio(path, tone(48000, 0.5, hertz=7000, channels=1), 48000)
    assert np.abs(read_audio(path, sample_rate=8000)[:, 400:-400]).max() < 1e-4


def test_mono_and_stereo(tmp_path: Path):
    stereo, mono = tone(8000), tone(8000, channels=1)
    write_audio(tmp_path / "stereo.wav", stereo, 8000)
    write_audio(tmp_path / "mono.wav", mono, 8000)
    as_mono = read_audio(tmp_path / "stereo.wav", sample_rate=8000, channels=1)
    as_stereo = read_audio(tmp_path / "mono.wav", sample_rate=8000, channels=2)
    assert np.allclose(as_mono, stereo.mean(axis=0, keepdims=True), atol=1e-6)
    assert np.allclose(as_stereo, np.repeat(mono, 2, axis=0), atol=1e-6)
    as_stereo[0] = 0  # the channels are separate memory
    assert as_stereo[1].any()


@given(
    frames=st.integers(1, 3000),
    rate=st.sampled_from([7999, 8000, 11025, 16000, 48000]),
    wanted=st.sampled_from([8000, 22050, 48000]),
)
def test_the_whole_file_has_the_rounded_number_of_samples(
    tmp_path_factory: pytest.TempPathFactory, frames: int, rate: int, wanted: int
):
    path = tmp_path_factory.mktemp("length") / "a.wav"
    write_audio(path, noise(frames), rate)
    expected = int(frames * wanted / rate + 0.5)
    if expected == 0:
        with pytest.raises(AudioError):
            read_audio(path, sample_rate=wanted)
    else:
        assert read_audio(path, sample_rate=wanted).shape == (2, expected)


# ---- crops


@pytest.mark.parametrize("suffix", AUDIO_SUFFIXES)
@pytest.mark.parametrize("rate", [44100, 48000])
def test_a_crop_is_that_part_of_the_whole(tmp_path: Path, suffix: str, rate: int):
    path = tmp_path / f"a{suffix}"
    write_audio(path, noise(4 * rate), rate)
    whole = read_audio(path)
    for start, duration in ((0.0, 0.1), (0.01, 0.2), (1.23456, 0.5), (3.3, 0.7), (2.0, None)):
        crop = read_audio(path, start=start, duration=duration)
        first = round(start * 48000)
        last = whole.shape[1] if duration is None else first + round(duration * 48000)
        assert crop.shape == (2, last - first)
        assert np.abs(crop - whole[:, first:last]).max() < 2e-6


@given(start=st.floats(0, 1.99), duration=st.floats(1e-5, 3), wanted=st.sampled_from([8000, 11025, 44100]))
def test_crops_anywhere(tmp_path_factory: pytest.TempPathFactory, start: float, duration: float, wanted: int):
    path = tmp_path_factory.getbasetemp() / "crops-anywhere.wav"
    if not path.exists():
        write_audio(path, noise(2 * 11025), 11025)
    whole = read_audio(path, sample_rate=wanted)
    crop = read_audio(path, sample_rate=wanted, start=start, duration=duration)
    first = round(start * wanted)
    last = min(whole.shape[1], first + max(1, round(duration * wanted)))
    assert crop.shape == (2, last - first)
    assert np.abs(crop - whole[:, first:last]).max() < 2e-6


def test_a_crop_of_an_mp3_file_of_variable_rate(tmp_path: Path):
    # The table of a variable rate is coarse: whoever seeks by it lands elsewhere.
    path = tmp_path / "a.mp3"
    rate, seconds = 48000, 30
    loud = np.sin(2 * np.arange(seconds * rate) / rate) > 0
    sound = tone(rate, seconds) + 0.3 * loud * noise(seconds * rate)
    with soundfile.SoundFile(path, "w", rate, 2, format="MP3", bitrate_mode="VARIABLE", compression_level=0.5) as file:
        file.write(sound.T)
    whole, _ = soundfile.read(path, dtype="float32")  # one call, so one pass without a seek
    assert np.array_equal(read_audio(path), whole.T)
    for start in range(1, seconds, 4):
        crop = read_audio(path, start=start, duration=0.1)
        assert np.array_equal(crop, whole.T[:, start * rate :][:, :4800])


def test_a_crop_reads_only_the_crop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.wav"
    write_audio(path, noise(20 * 44100), 44100)
    read = []
    original = soundfile.SoundFile.read

    def counting(self, frames=-1, **settings):
        data = original(self, frames, **settings)
        read.append(len(data))
        return data

    monkeypatch.setattr(soundfile.SoundFile, "read", counting)
    assert read_audio(path, start=10.0, duration=0.5).shape == (2, 24000)
    assert sum(read) < 0.55 * 44100


def test_a_crop_past_the_end_gives_what_is_there(tmp_path: Path):
    path = tmp_path / "a.wav"
    write_audio(path, noise(48000), 48000)
    for duration in (0.5, 1e30):
        assert read_audio(path, start=0.75, duration=duration).shape == (2, 12000)
    for start in (1.0, 17.0, 1e30):
        with pytest.raises(AudioError, match=r"1\.00 s long") as caught:
            read_audio(path, start=start)
        one_line(caught, path)


@pytest.mark.parametrize(
    "arguments",
    [
        {"start": -1.0},
        {"start": float("nan")},
        {"start": float("inf")},
        {"duration": 0.0},
        {"duration": -2.0},
        {"duration": float("nan")},
        {"duration": float("inf")},
        {"sample_rate": 0},
        {"sample_rate": -48000},
        {"channels": 0},
        {"channels": 3},
    ],
)
def test_impossible_arguments(tmp_path: Path, arguments: dict):
    write_audio(tmp_path / "a.wav", noise(100), 48000)
    with pytest.raises(AudioError) as caught:
        read_audio(tmp_path / "a.wav", **arguments)
    assert f"{next(iter(arguments.values())):g}" in one_line(caught, tmp_path / "a.wav")


# ---- what cannot be read


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


# ---- what cannot be written


def test_an_existing_file_is_replaced_only_when_asked(tmp_path: Path):
    path = tmp_path / "a.wav"
    write_audio(path, noise(100), 48000)
    before = path.read_bytes()
    with pytest.raises(AudioError, match="--overwrite") as caught:
        write_audio(path, noise(200), 48000)
    one_line(caught, path)
    assert path.read_bytes() == before
    write_audio(path, noise(200), 48000, overwrite=True)
    assert audio_info(path).frames == 200


def test_where_nothing_can_be_written(tmp_path: Path):
    sound = noise(100)
    for path, words in (
        (tmp_path / "song.mp4", r"\.wav or \.flac or \.ogg or \.mp3"),
        (tmp_path / "song", "must end in"),
        (tmp_path / "no" / "such" / "song.wav", "does not exist"),
        (tmp_path, "is a folder"),
        (Path("/proc/song.wav"), "cannot be written"),
    ):
        with pytest.raises(AudioError, match=words) as caught:
            write_audio(path, sound, 48000)
        one_line(caught)
        with pytest.raises(AudioError, match=words):
            check_output(path, False)
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(AudioError, match="is a folder"):
        check_output(tmp_path / "folder.wav", True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder.wav"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(tmp_path: Path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(AudioError, match="cannot be written: Permission denied"):
            check_output(tmp_path / "a.wav", False)
    finally:
        tmp_path.chmod(0o700)


def test_check_output_leaves_nothing_and_knows_other_suffixes(tmp_path: Path):
    assert check_output(tmp_path / "a.wav", False) == tmp_path / "a.wav"
    assert check_output(str(tmp_path / "a.safetensors"), False, suffixes=(".safetensors",)).suffix == ".safetensors"
    with pytest.raises(AudioError, match=r"must end in \.safetensors"):
        check_output(tmp_path / "a.wav", False, suffixes=(".safetensors",))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("sound", "words"),
    [
        (np.zeros(100), "1 or 2 channels"),
        (np.zeros((3, 100)), "1 or 2 channels"),
        (np.zeros((1, 2, 100)), "1 or 2 channels"),
        (np.zeros((2, 100), np.int16), "int16"),
        (np.zeros((2, 0)), "no sound"),
        (np.full((2, 100), np.nan), "not numbers"),
        (np.full((2, 100), -np.inf), "not numbers"),
        (np.full((2, 100), 1.01), "1.010"),
        (np.full((2, 100), -1.5), "1.500"),
    ],
)
def test_sound_that_cannot_be_written(tmp_path: Path, sound: np.ndarray, words: str):
    with pytest.raises(AudioError, match=words) as caught:
        write_audio(tmp_path / "a.wav", sound, 48000)
    one_line(caught, tmp_path / "a.wav")
    assert list(tmp_path.iterdir()) == []


def test_loud_sound_is_turned_down_when_asked(tmp_path: Path):
    path = tmp_path / "a.wav"
    sound = 4 * tone(48000)
    gain = write_audio(path, sound, 48000, peak="scale")
    found = read_audio(path)
    assert gain == pytest.approx(1 / np.abs(sound).max())
    assert np.abs(found).max() == pytest.approx(1, abs=1e-6)
    assert np.allclose(found, sound * gain, atol=1e-6)
    assert write_audio(path, tone(48000), 48000, peak="scale", overwrite=True) == 1.0  # quiet sound is not turned up


def test_rates_that_a_format_cannot_hold(tmp_path: Path):
    for suffix, rate in ((".mp3", 44101), (".mp3", 96000), (".wav", 0), (".wav", -1)):
        with pytest.raises(AudioError, match=str(rate)) as caught:
            write_audio(tmp_path / f"a{suffix}", noise(1000), rate)
        one_line(caught, tmp_path / f"a{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_more_than_a_wav_file_can_hold(tmp_path: Path):
    four_hours = np.broadcast_to(np.float32(0), (2, 4 * 3600 * 48000 + 48000 * 600))
    with pytest.raises(AudioError, match=r"write \.flac") as caught:
        write_audio(tmp_path / "a.wav", four_hours, 48000)
    one_line(caught)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_in_the_middle_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
):
    path = tmp_path / "a.wav"
    write_audio(path, noise(100), 48000)
    before = path.read_bytes()
    blocks = itertools.count()
    original = soundfile.SoundFile.write

    def failing(self, data):
        if next(blocks) == 1:
            raise failure
        original(self, data)

    monkeypatch.setattr(soundfile.SoundFile, "write", failing)
    expected = AudioError if isinstance(failure, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        write_audio(path, noise(200_000), 48000, overwrite=True)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_file_has_the_permissions_of_any_new_file(tmp_path: Path):
    write_audio(tmp_path / "a.wav", noise(100), 48000)
    (tmp_path / "plain").touch()
    assert (tmp_path / "a.wav").stat().st_mode == (tmp_path / "plain").stat().st_mode


# ---- metadata


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
