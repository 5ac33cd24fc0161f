"""Audio files in and out: any rate, mono or stereo, as float32 waveforms `[channels, samples]` in [-1, 1].

soundfile (libsndfile) writes WAV, FLAC, Ogg Vorbis and MP3; `mousai.audio.reading` reads. Whatever is wrong with a file
is an `AudioError` whose one line names the file and says what would do.
"""

import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import soundfile

from mousai.audio.containers import wav_comment
from mousai.audio.encoding import encoded_file
from mousai.audio.loop_tags import LoopTag, tag_file
from mousai.audio.opening import BLOCK, HIGHEST_RATE, LOWEST_RATE, AudioError, libsndfile_reason, opened
from mousai.audio.outputs import AUDIO_SUFFIXES, check_output
from mousai.audio.reading import AudioInfo, audio_info, read_audio, sound_blocks

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

_FORMATS: dict[str, dict[str, Any]] = {
    ".wav": {"format": "WAV"},
    ".flac": {"format": "FLAC"},
    ".ogg": {"format": "OGG", "subtype": "VORBIS", "compression_level": 0.3},
    # A constant rate (224 kbit/s for stereo at 48 kHz), because decoders cannot seek exactly in a variable one.
    ".mp3": {"format": "MP3", "subtype": "MPEG_LAYER_III", "bitrate_mode": "CONSTANT", "compression_level": 0.33},
}
# libsndfile drops a longer WAV comment in silence (about 30,000 bytes with what else stands in the header).
_METADATA_LIMIT = 16384
# Anything longer was not written here.
_COMMENT_LIMIT = 4 * _METADATA_LIMIT
# The size field of a WAV file has 32 bits; the rest is for the header.
_WAV_LIMIT = 2**32 - 2**16


def write_audio(
    path: str | PathLike[str],
    audio: npt.ArrayLike,
    sample_rate: int,
    *,
    overwrite: bool = False,
    metadata: Mapping[str, str] | None = None,
    peak: Literal["error", "scale"] = "error",
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
        peak: What to do with samples beyond ±1: refuse, or turn the whole down so that the loudest is at ±1.
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
    if peak not in ("error", "scale"):
        raise AudioError("peak", peak, "must be 'error' or 'scale'")
    if path.suffix.lower() == ".wav" and samples.size * bits // 8 > _WAV_LIMIT:
        raise AudioError(str(path), hint="more than 4 GiB, which a WAV file cannot hold; write .flac instead")
    if not np.isfinite(samples).all():
        raise AudioError(
            str(path), hint="the audio has samples that are not numbers (NaN or infinite); nothing was written"
        )
    loudest = float(np.abs(samples).max())
    gain = 1.0
    as_floats = bits == 32 and path.suffix.lower() == ".wav"
    if loudest > 1 and not as_floats:
        if peak == "error":
            raise AudioError(
                str(path), hint=f"the audio reaches {loudest:.3f}, beyond ±1; turn it down (peak='scale' does)"
            )
        gain = 1 / loudest
    comment = _comment(path, metadata or {})
    settings = dict(_FORMATS[path.suffix.lower()])
    settings.setdefault("subtype", "FLOAT" if as_floats else f"PCM_{min(bits, 24)}")

    def tag(encoded: Path) -> None:
        if loop is not None:
            tag_file(encoded, loop, samples=samples.shape[1], sample_rate=sample_rate)

    try:
        with encoded_file(path, sample_rate, len(samples), replace=overwrite, finish=tag, **settings) as file:
            if comment:
                file.comment = comment
            for offset in range(0, samples.shape[1], BLOCK):
                block = samples[:, offset : offset + BLOCK].astype(np.float64) * gain
                # Clips the last bit of rounding of the gain, never more.
                file.write((block if as_floats else np.clip(block, -1, 1)).T)
    except soundfile.LibsndfileError as error:
        raise AudioError(
            str(path), hint=f"cannot be written at {sample_rate} Hz: {libsndfile_reason(error)}"
        ) from error
    except OSError as error:
        raise AudioError(str(path), hint=f"cannot be written: {error.strerror or error}") from error
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


def _comment(path: Path, metadata: Mapping[str, str]) -> str:
    """The metadata as JSON in pure ASCII, which every container's comment tag carries unchanged."""
    for key, value in metadata.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise AudioError(str(path), hint=f"metadata must map text to text, got {key!r}: {value!r}")
    comment = json.dumps(dict(metadata)) if metadata else ""
    if len(comment) > _METADATA_LIMIT:
        raise AudioError(
            str(path), hint=f"metadata of {len(comment)} characters; {_METADATA_LIMIT} fit into an audio file"
        )
    return comment
