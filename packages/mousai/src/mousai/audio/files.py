"""Audio files in and out: any rate, mono or stereo, as float32 waveforms `[channels, samples]` in [-1, 1].

soundfile (libsndfile) writes WAV, FLAC, Ogg Vorbis and MP3; `mousai.audio.reading` reads. Whatever is wrong with a file
is an `AudioError` whose one line names the file and says what would do.
"""

import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from mousai.audio.containers import wav_comment
from mousai.audio.loop_tags import LoopTag
from mousai.audio.opening import BLOCK, HIGHEST_RATE, LOWEST_RATE, AudioError, opened
from mousai.audio.outputs import AUDIO_SUFFIXES, check_output
from mousai.audio.reading import AudioInfo, audio_info, read_audio, sound_blocks
from mousai.audio.writing import METADATA_LIMIT, AudioWriter

__all__ = [
    "AUDIO_SUFFIXES",
    "READ_SUFFIXES",
    "AudioInfo",
    "audio_info",
    "check_output",
    "read_audio",
    "read_metadata",
    "sound_blocks",
    "write_audio",
]

READ_SUFFIXES = (*AUDIO_SUFFIXES, ".aiff", ".aif", ".opus", ".oga", ".caf", ".au", ".w64", ".rf64")
"""Endings of files that are looked for in folders of music."""

# Anything longer was not written here.
_COMMENT_LIMIT = 4 * METADATA_LIMIT


def write_audio(
    path: str | PathLike[str],
    audio: npt.ArrayLike,
    sample_rate: int,
    *,
    overwrite: bool = False,
    metadata: Mapping[str, str] | None = None,
    peak: Literal["error", "scale", "keep"] = "error",
    bits: Literal[16, 24, 32] = 24,
    loop: LoopTag | None = None,
) -> float:
    """Write a waveform as WAV, FLAC, Ogg Vorbis or MP3, whichever the suffix of `path` says, whole or not at all.

    Args:
        path: The file to make; its folder must exist.
        audio: Floats `[channels, samples]` (an array, or a tensor on the CPU), one or two channels.
        sample_rate: Samples per second.
        overwrite: Whether an existing file may be replaced.
        metadata: Stored as JSON in the comment tag, for `read_metadata`.
        peak: What to do with samples beyond ±1: refuse, turn the whole down so that the loudest is at ±1, or keep
            them in OGG and MP3, which hold them, and refuse them in WAV and FLAC.
        bits: Resolution in WAV and FLAC; 32 writes floats into WAV, beyond ±1 too, and 24 bits into FLAC.
        loop: Says that the whole file repeats; loop points and tempo are written into WAV and FLAC.

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
    if not LOWEST_RATE <= sample_rate <= HIGHEST_RATE:
        hint = f"cannot be written at {sample_rate} Hz; {LOWEST_RATE:,} to {HIGHEST_RATE:,} Hz can"
        raise AudioError(str(path), hint=hint)
    if peak not in ("error", "scale", "keep"):
        raise AudioError("peak", peak, "must be 'error', 'scale' or 'keep'")
    writer = AudioWriter(
        path,
        sample_rate=sample_rate,
        channels=samples.shape[0],
        samples=samples.shape[1],
        metadata=metadata,
        bits=bits,
        replace=overwrite,
        loop=loop,
        clip=peak != "keep",
    )
    # NaN passes into both ends, which take no memory; a copy of an hour of music would be 1.4 GB.
    loudest = max(float(samples.max()), -float(samples.min()))
    if not np.isfinite(loudest):
        raise AudioError(
            str(path), hint="the audio has samples that are not numbers (NaN or infinite); nothing was written"
        )
    gain = 1.0
    if loudest > 1 and not writer.holds_more:
        if peak != "scale":
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
    if len(comment) > _COMMENT_LIMIT:
        return {}
    try:
        found = json.loads(comment)
    except (ValueError, RecursionError):  # no JSON, or thousands of brackets in brackets
        return {}
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        return {}
    return found
