"""Audio files in and out: any rate, mono or stereo, as float32 waveforms `[channels, samples]` in [-1, 1].

soundfile (libsndfile) reads and writes WAV, FLAC, Ogg Vorbis and MP3, soxr resamples. Whatever is wrong with a file is
an `AudioError` whose one line names the file and says what would do.
"""

import json
import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import soxr

from mousai.audio.containers import wav_comment
from mousai.audio.opening import BLOCK, AudioError, is_length_stated, opened, read_frames
from mousai.audio.writing import AUDIO_SUFFIXES, AudioWriter
from mousai.storage.file_parts import FilePart

READ_SUFFIXES = (*AUDIO_SUFFIXES, ".aiff", ".aif", ".opus", ".oga", ".caf", ".au", ".w64", ".rf64")
"""Endings of files that are looked for in folders of music."""

_BITS: dict[str, Literal[16, 24, 32]] = {"PCM_S8": 16, "PCM_U8": 16, "PCM_16": 16, "PCM_24": 24}
_LONGEST = 1e9  # seconds; a number that every file ends before, and that is still exact in samples
# How far soxr's HQ filter reaches to either side, in samples of the lower rate (measured: below -120 dB from 128 on).
_FILTER_REACH = 256


@dataclass(frozen=True, kw_only=True)
class AudioInfo:
    """Header of an audio file."""

    sample_rate: int
    """Samples per second and channel."""
    channels: int
    frames: int
    """Samples per channel; an estimate for MP3 without a Xing header, 2^63 - 1 for a stream of unstated length."""
    bits: Literal[16, 24, 32] = 32
    """Resolution in which `write_audio` keeps every sample that `read_audio` gives: 16 or 24, or 32 for floats."""

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.frames / self.sample_rate


def audio_info(path: str | PathLike[str] | FilePart) -> AudioInfo:
    """Read the header of an audio file.

    Raises:
        AudioError: The file is missing, a folder, empty, or not audio.
    """
    with opened(path if isinstance(path, FilePart) else Path(path)) as file:
        bits = _BITS.get(file.subtype, 32)
        return AudioInfo(sample_rate=file.samplerate, channels=file.channels, frames=file.frames, bits=bits)


def read_audio(
    path: str | PathLike[str] | FilePart,
    *,
    sample_rate: int = 48000,
    channels: int = 2,
    start: float = 0.0,
    duration: float | None = None,
) -> npt.NDArray[np.float32]:
    """Read an audio file, or a crop of it, at the wanted rate and number of channels.

    A crop holds the same samples as the same part of the whole file, resampled: what the filter needs to either side is
    read along, and only that. (In MP3 files everything before the crop is decoded too.)

    Args:
        path: A WAV, FLAC, Ogg or MP3 file, or what else libsndfile knows; told by content, not by suffix. It may lie
            inside another file.
        sample_rate: Wanted samples per second.
        channels: 1 or 2. Mono becomes stereo by repeating it, stereo becomes mono by the mean.
        start: Where the crop begins, in seconds.
        duration: How long the crop is at most, in seconds; None reads to the end. A file that ends earlier gives less.

    Returns:
        float32 `[channels, samples]`; the whole file has round(frames · sample_rate / its rate) samples, a crop
        round(duration · sample_rate). A float file may exceed [-1, 1].

    Raises:
        AudioError: The file is missing, a folder, empty, cut short, corrupt or not audio; it holds no sound, or samples
            that are not finite; it has more than two channels; it ends before `start`; or an argument makes no sense.
    """
    if sample_rate < 1 or channels not in (1, 2):
        raise AudioError(
            str(path), hint=f"cannot be read as {channels} channels at {sample_rate} Hz: 1 or 2, at 1 Hz or more"
        )
    if not (math.isfinite(start) and start >= 0):
        raise AudioError("start", start, f"must be 0 s or more, for {path}")
    if duration is not None and not (math.isfinite(duration) and duration > 0):
        raise AudioError("duration", duration, f"must be more than 0 s, for {path}")

    path = path if isinstance(path, FilePart) else Path(path)
    with opened(path) as file:
        rate, frames = file.samplerate, file.frames
        if file.channels > 2:
            raise AudioError(str(path), hint=f"has {file.channels} channels; mix it down to stereo or mono first")
        if frames == 0:
            raise AudioError(str(path), hint="holds no sound (0 samples)")

        # Times in samples of the wanted rate. A block is the shortest stretch that is whole in both rates, at most a
        # second: resampling that starts at a block gives the very samples that resampling the whole file gives.
        first = round(min(start, _LONGEST) * sample_rate)
        last = None if duration is None else first + max(1, round(min(duration, _LONGEST) * sample_rate))
        divisor = math.gcd(rate, sample_rate)
        block_in, block_out = rate // divisor, sample_rate // divisor
        reach = 0 if rate == sample_rate else math.ceil(_FILTER_REACH * rate / min(rate, sample_rate))
        block = max(0, first * block_in // block_out - reach) // block_in
        skip = block * block_in
        stop = frames if last is None else min(frames, -(-last * block_in // block_out) + reach)
        if skip >= frames:
            raise _starts_too_late(path, start, frames / rate)
        audio = read_frames(file, skip, stop)
        stated = is_length_stated(path, file)

    if stated and len(audio) < stop - skip:
        ends = (skip + len(audio)) / rate
        raise AudioError(str(path), hint=f"is cut short: its sound ends after {ends:.2f} of {frames / rate:.2f} s")
    whole = skip + len(audio)  # as if everything before had been read too
    total = (2 * whole * sample_rate + rate) // (2 * rate)
    begin = first - block * block_out
    end = (total if last is None else min(last, total)) - block * block_out
    if begin >= end:
        raise _starts_too_late(path, start, whole / rate)
    if not np.isfinite(audio).all():
        where = int(np.argmin(np.isfinite(audio).all(axis=1)))
        raise AudioError(
            str(path), hint=f"holds a sample that is not a number, {(skip + where) / rate:.3f} s from its start"
        )
    if audio.shape[1] > channels:
        audio = audio.mean(axis=1, keepdims=True)
    if rate != sample_rate:
        audio = _resampled(audio, rate, sample_rate, end)
    audio = audio[begin:end].T
    return np.repeat(audio, channels // len(audio), axis=0)  # always an array of its own, which can be written to


def write_audio(
    path: str | PathLike[str],
    audio: npt.ArrayLike,
    sample_rate: int,
    *,
    overwrite: bool = False,
    metadata: Mapping[str, str] | None = None,
    peak: Literal["error", "scale"] = "error",
    bits: Literal[16, 24, 32] = 24,
) -> float:
    """Write a waveform as WAV, FLAC, Ogg Vorbis or MP3, whichever the suffix of `path` says, whole or not at all.

    Args:
        path: The file to make; its folder must exist.
        audio: Floats `[channels, samples]` (an array, or a tensor on the CPU), one or two channels.
        sample_rate: Samples per second.
        overwrite: Whether an existing file may be replaced.
        metadata: Stored as JSON in the comment tag, for `read_metadata`.
        peak: What to do with samples beyond ±1: refuse, or turn the whole down so that the loudest is at ±1.
        bits: Resolution in WAV and FLAC; 32 writes floats into WAV, beyond ±1 too, and 24 bits into FLAC.

    Returns:
        The factor that the audio was multiplied with: 1.0, or less if `peak="scale"` had to turn it down.

    Raises:
        AudioError: The suffix is unknown, the file exists, the folder is missing or cannot be written, or the audio has
            a wrong shape, no samples, samples that are not finite, or samples beyond ±1.
    """
    path = check_output(path, overwrite)
    samples = np.asarray(audio)
    if samples.ndim != 2 or samples.shape[0] not in (1, 2) or samples.dtype.kind != "f":
        found = f"{samples.dtype} {list(samples.shape)}"
        raise AudioError(str(path), hint=f"audio must be floats [1 or 2 channels, samples], got {found}")
    if samples.shape[1] == 0:
        raise AudioError(str(path), hint="there is no sound to write (0 samples)")
    writer = AudioWriter(
        path,
        sample_rate=sample_rate,
        channels=samples.shape[0],
        samples=samples.shape[1],
        metadata=metadata,
        bits=bits,
    )
    if not np.isfinite(samples).all():
        raise AudioError(
            str(path), hint="the audio has samples that are not numbers (NaN or infinite); nothing was written"
        )
    loudest = float(np.abs(samples).max())
    gain = 1.0
    if loudest > 1 and not writer.as_floats:
        if peak == "error":
            raise AudioError(
                str(path), hint=f"the audio reaches {loudest:.3f}, beyond ±1; turn it down (peak='scale' does)"
            )
        gain = 1 / loudest
    with writer:
        for offset in range(0, samples.shape[1], BLOCK):
            # Clips the last bit of rounding of the gain, never more.
            writer.write(samples[:, offset : offset + BLOCK].astype(np.float64) * gain)
    return gain


def read_metadata(path: str | PathLike[str]) -> dict[str, str]:
    """Return what `write_audio` stored beside the sound; empty for a file that holds nothing of the kind.

    Raises:
        AudioError: The file is missing, a folder, empty, cut short or not audio.
    """
    with opened(Path(path)) as file:
        comment = wav_comment(Path(path)) if file.format in ("WAV", "WAVEX") else file.comment
    try:
        found = json.loads(comment)
    except ValueError:
        return {}
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        return {}
    return found


def check_output(path: str | PathLike[str], overwrite: bool, *, suffixes: tuple[str, ...] = AUDIO_SUFFIXES) -> Path:
    """Make sure, before the slow part, that a file can be written at `path`; return it as a Path.

    Raises:
        AudioError: The suffix is none of `suffixes`, the file exists and `overwrite` is false, it is a folder, or its
            folder is missing or cannot be written.
    """
    path = Path(path)
    if path.is_dir():
        raise AudioError(str(path), hint="is a folder; give the name of a file")
    if path.suffix.lower() not in suffixes:
        raise AudioError(str(path), hint=f"the name must end in {' or '.join(suffixes)}")
    if path.exists() and not overwrite:
        raise AudioError(
            str(path), hint="exists already; choose another name, or allow it to be replaced (--overwrite)"
        )
    if not path.parent.is_dir():
        raise AudioError(path.parent, hint="the folder does not exist; make it first")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise AudioError(path.parent, hint=f"the folder cannot be written: {error.strerror or error}") from error
    return path


def _resampled(audio: npt.NDArray[np.float32], rate: int, sample_rate: int, samples: int) -> npt.NDArray[np.float32]:
    """Resample `[samples, channels]` and make it exactly `samples` long; soxr may end a sample early or late."""
    audio = soxr.resample(audio, rate, sample_rate, quality="HQ")[:samples]
    return np.pad(audio, ((0, samples - len(audio)), (0, 0)))


def _starts_too_late(path: Path | FilePart, start: float, duration: float) -> AudioError:
    return AudioError(str(path), hint=f"is {duration:.2f} s long; a crop from {start} s would be empty")
