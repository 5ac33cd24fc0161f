"""Audio files in: any rate, mono or stereo, as float32 waveforms `[channels, samples]`.

soundfile (libsndfile) reads WAV, FLAC, Ogg Vorbis, MP3 and a few more, soxr resamples. What is wrong with a file is an
`AudioError` whose one line names the file and says what would do.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import soundfile

from mousai.audio.containers import state_of
from mousai.audio.opening import (
    BLOCK,
    HIGHEST_RATE,
    LOWEST_RATE,
    AudioError,
    check_end,
    check_samples,
    is_length_stated,
    opened,
    read_frames,
)
from mousai.storage.file_parts import FilePart

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
    """Samples per channel. Where no header states them (a FLAC file from a pipe), they are counted."""
    bits: Literal[16, 24, 32] = 32
    """Resolution in which `write_audio` keeps every sample that `read_audio` gives: 16 or 24, or 32 for floats."""

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.frames / self.sample_rate


def audio_info(path: str | PathLike[str] | FilePart) -> AudioInfo:
    """Read the header of an audio file.

    Raises:
        AudioError: The file is missing, a folder, empty, cut short, or not audio.
    """
    path = path if isinstance(path, FilePart) else Path(path)
    with opened(path) as file:
        bits = _BITS.get(file.subtype, 32)
        frames = file.frames if is_length_stated(path, file) else _counted(path, state_of(path))
        return AudioInfo(sample_rate=file.samplerate, channels=file.channels, frames=frames, bits=bits)


@lru_cache(maxsize=4096)
def _counted(path: Path | FilePart, _: tuple[int, ...]) -> int:
    """Samples of a file whose header does not state them."""
    return sum(len(block) for block in sound_blocks(path))


def sound_blocks(path: str | PathLike[str] | FilePart) -> Iterator[npt.NDArray[np.float32]]:
    """Read a whole file once, in blocks `[samples, channels]` at its own rate, whatever its length.

    Raises:
        AudioError: As `read_audio`, where reading comes to what is wrong.
    """
    path = path if isinstance(path, FilePart) else Path(path)
    with opened(path) as file:
        _check_sound(path, file)
        done = 0
        while True:
            block = np.asarray(file.read(16 * BLOCK, dtype="float32", always_2d=True), np.float32)
            if not len(block):
                break
            check_samples(path, block, done / file.samplerate, file.samplerate)
            done += len(block)
            yield block
        if is_length_stated(path, file) and done < file.frames:
            raise _cut_short(path, done, file)
    check_end(path)


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
        round(duration · sample_rate). A float file may exceed [-1, 1], up to `HIGHEST_PEAK`.

    Raises:
        AudioError: The file is missing, a folder, empty, cut short, corrupt or not audio; it holds no sound, or samples
            that are not finite or far beyond ±1; it holds several files that were joined, and is read to the end of the
            first; it has more than two channels; it ends before `start`; or an argument makes no sense.
    """
    if not LOWEST_RATE <= sample_rate <= HIGHEST_RATE or channels not in (1, 2):
        raise AudioError(
            str(path),
            hint=f"cannot be read as {channels} channels at {sample_rate} Hz: 1 or 2, at {LOWEST_RATE:,} to "
            f"{HIGHEST_RATE:,} Hz",
        )
    if not (math.isfinite(start) and start >= 0):
        raise AudioError("start", start, f"must be 0 s or more, for {path}")
    if duration is not None and not (math.isfinite(duration) and duration > 0):
        raise AudioError("duration", duration, f"must be more than 0 s, for {path}")

    path = path if isinstance(path, FilePart) else Path(path)
    with opened(path) as file:
        rate, frames = file.samplerate, file.frames
        _check_sound(path, file)

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
        if is_length_stated(path, file) and len(audio) < stop - skip:
            raise _cut_short(path, skip + len(audio), file)
    if stop == frames:
        check_end(path)
    whole = skip + len(audio)  # as if everything before had been read too
    total = (2 * whole * sample_rate + rate) // (2 * rate)
    begin = first - block * block_out
    end = (total if last is None else min(last, total)) - block * block_out
    if begin >= end:
        raise _starts_too_late(path, start, whole / rate)
    check_samples(path, audio, skip / rate, rate)
    if audio.shape[1] > channels:
        audio = audio.mean(axis=1, keepdims=True)
    if rate != sample_rate:
        audio = _resampled(audio, rate, sample_rate, end)
    audio = audio[begin:end].T
    return np.repeat(audio, channels // len(audio), axis=0)  # always an array of its own, which can be written to


def _resampled(audio: npt.NDArray[np.float32], rate: int, sample_rate: int, samples: int) -> npt.NDArray[np.float32]:
    """Resample `[samples, channels]` and make it exactly `samples` long; soxr may end a sample early or late."""
    import soxr  # not at the top: what only writes files waits for it in vain

    audio = soxr.resample(audio, rate, sample_rate, quality="HQ")[:samples]
    return np.pad(audio, ((0, samples - len(audio)), (0, 0)))


def _check_sound(path: Path | FilePart, file: soundfile.SoundFile) -> None:
    if file.channels > 2:
        raise AudioError(str(path), hint=f"has {file.channels} channels; mix it down to stereo or mono first")
    if file.frames == 0:
        raise AudioError(str(path), hint="holds no sound (0 samples)")


def _cut_short(path: Path | FilePart, frames: int, file: soundfile.SoundFile) -> AudioError:
    ends, whole = frames / file.samplerate, file.frames / file.samplerate
    return AudioError(str(path), hint=f"is cut short: its sound ends after {ends:.2f} of {whole:.2f} s")


def _starts_too_late(path: Path | FilePart, start: float, duration: float) -> AudioError:
    return AudioError(str(path), hint=f"is {duration:.2f} s long; a crop from {start} s would be empty")
