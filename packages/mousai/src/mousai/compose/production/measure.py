"""`python -m mousai.compose.production.measure FOLDER [FILE ...]`: how a folder of songs sounds, beside recordings.

A table of loudness, crest factor, stereo width and spectral slope: the median and the 5th and 95th percentile of the
folder's songs, and the same of each recording.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...audio.loudness import integrated_loudness
from ...errors import options_of
from ..errors import ComposeError

SUFFIXES = (".flac", ".wav", ".ogg", ".mp3")
CLIPPED = 0.9999
"""Samples from this on are clipped; the limiter stops at 0.97."""
SILENT = -60.0
"""A song below this RMS in dB is silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """Figures of one piece.

    `loudness` in LUFS; `crest`, highest sample over RMS, in dB; `width`, RMS of the side over that of the middle;
    `slope` of the spectrum between 100 Hz and 10 kHz in dB per octave; `clipped` samples; `silent` or not.
    """

    loudness: float
    crest: float
    width: float
    slope: float
    clipped: int
    silent: bool


def measure(sound: npt.NDArray[np.floating], sample_rate: int) -> Sound:
    """Measure `[channels, samples]`; a mono piece has width 0."""
    power = float(np.mean(sound.astype(np.float64) ** 2))
    middle, side = (sound[0] + sound[-1]) / 2, (sound[0] - sound[-1]) / 2
    highest = float(np.abs(sound).max())
    return Sound(
        loudness=integrated_loudness(sound, sample_rate=sample_rate),
        crest=20 * float(np.log10(max(highest, 1e-9))) - 10 * float(np.log10(max(power, 1e-18))),
        width=float(np.sqrt(np.mean(side**2) / max(float(np.mean(middle**2)), 1e-18))),
        slope=spectral_slope(middle, sample_rate),
        clipped=int((np.abs(sound) >= CLIPPED).sum()),
        silent=10 * float(np.log10(max(power, 1e-18))) < SILENT,
    )


def spectral_slope(sound: npt.NDArray[np.floating], sample_rate: int) -> float:
    """Slope of the power per Hz in dB per octave: a line through thirds of octaves from 100 Hz to 10 kHz.

    White noise has 0, pink noise -3.01.
    """
    from scipy.signal import welch

    frequencies, density = welch(sound, sample_rate, nperseg=min(8192, len(sound)))
    centres = 100.0 * 2.0 ** (np.arange(21) / 3)
    levels = [
        10 * np.log10(density[(frequencies >= low) & (frequencies < high)].mean() + 1e-20)
        for low, high in zip(centres * 2 ** (-1 / 6), centres * 2 ** (1 / 6), strict=True)
    ]
    return float(np.polyfit(np.log2(centres), levels, 1)[0])


def measure_file(path: Path) -> Sound:
    """Measure a sound file. Raises ComposeError where it cannot be read."""
    import soundfile

    try:
        sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise ComposeError(path, hint=f"cannot be read as sound ({error}); give FLAC, WAV, OGG or MP3 files") from None
    if len(sound) < rate // 2:
        raise ComposeError(path, hint=f"lasts {len(sound) / rate:.2f} s; give files of half a second or more")
    return measure(np.asarray(sound.T, dtype=np.float64), rate)


def table(songs: Sequence[Sound], recordings: dict[str, Sound]) -> str:
    """The table as Markdown."""
    names = [field.name for field in fields(Sound)][:4]
    columns = np.array([[getattr(song, name) for name in names] for song in songs])
    rows: list[tuple[str, ...]] = [
        ("what", "loudness (LUFS)", "crest (dB)", "side/middle", "slope (dB/octave)"),
        ("---",) * 5,
    ]
    for label, share in (("5 % of songs", 5), ("median of songs", 50), ("95 % of songs", 95)):
        rows.append((label, *(f"{value:.2f}" for value in np.percentile(columns, share, axis=0))))
    for label, sound in recordings.items():
        rows.append((label, *(f"{getattr(sound, name):.2f}" for name in names)))
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    clipped, silent = sum(song.clipped > 0 for song in songs), sum(song.silent for song in songs)
    return "\n".join([*lines, "", f"{len(songs)} songs, {clipped} clipped, {silent} silent"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and print the table; a mistake is one line on stderr and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m mousai.compose.production.measure", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of songs, looked through with all folders in it")
    parser.add_argument("files", type=Path, nargs="*", help="recordings to set beside them")
    options = parser.parse_args(arguments)
    try:
        found = sorted(path for path in options.folder.rglob("*") if path.suffix.lower() in SUFFIXES)
        if not found:
            raise ComposeError("folder", options.folder, f"has no {', '.join(SUFFIXES)} files; give a folder of songs")
        recordings = {path.name: measure_file(path) for path in options.files}
        print(table([measure_file(path) for path in found], recordings))
    except ComposeError as error:
        print(f"measure: {error.in_options(options_of(parser))}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
