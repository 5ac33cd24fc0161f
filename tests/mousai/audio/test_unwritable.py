"""What cannot be written: one line, and nothing is left behind."""

import itertools
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mousai.audio import encoding
from mousai.audio.files import audio_info, check_output, read_audio, write_audio
from mousai.audio.opening import AudioError

from .sounds import noise, one_line, tone


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
    for suffix, rate, more in ((".mp3", 44101, ":"), (".mp3", 96000, ":"), (".wav", 0, "; .* can"), (".wav", -1, ";")):
        with pytest.raises(AudioError, match=f"cannot be written at {rate} Hz{more}") as caught:
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


def test_what_the_system_said_counts_and_not_what_libsndfile_makes_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(self: encoding._Recorder, data: bytes) -> int:
        self.error = OSError(28, "No space left on device")
        return len(data)

    monkeypatch.setattr(encoding._Recorder, "write", full)
    with (
        pytest.raises(OSError, match="No space left on device"),
        encoding.encoded_file(tmp_path / "a.wav", 48000, 2, format="WAV"),
    ):
        raise soundfile.LibsndfileError(1)
    assert list(tmp_path.iterdir()) == []


def test_the_file_has_the_permissions_of_any_new_file(tmp_path: Path):
    write_audio(tmp_path / "a.wav", noise(100), 48000)
    (tmp_path / "plain").touch()
    assert (tmp_path / "a.wav").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("suffix", ["ogg", "mp3", "wav", "flac"])
def test_samples_beyond_one_are_kept_where_the_file_holds_them(tmp_path: Path, suffix: str):
    path, sound = tmp_path / f"a.{suffix}", 1.3 / np.abs(tone(48000)).max() * tone(48000)
    if suffix in ("wav", "flac"):  # whole numbers
        with pytest.raises(AudioError, match=r"the audio reaches 1\.300, beyond ±1; turn it down"):
            write_audio(path, sound, 48000, peak="keep")
        assert not path.exists()
        return
    assert write_audio(path, sound, 48000, peak="keep") == 1.0
    assert 1.2 < np.abs(read_audio(path)).max() < 1.4
    with pytest.raises(AudioError, match="beyond ±1"):
        write_audio(path, sound, 48000, overwrite=True)


def test_a_wish_for_the_peak_that_there_is_not(tmp_path: Path):
    with pytest.raises(AudioError, match="peak='foo': must be 'error', 'scale' or 'keep'"):
        write_audio(tmp_path / "a.wav", noise(100), 48000, peak="foo")
    assert not list(tmp_path.iterdir())
