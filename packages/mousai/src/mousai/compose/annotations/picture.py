"""A picture of a composed song: its sound as a constant-Q spectrogram, with chords, sections, bars and melody in it.

    python -m mousai.compose.annotations.picture songs 0 -o song.png

Needs mousai-music[compose,evaluate]. What is drawn is read from the files of the folder, as anybody would read them.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ...conditioning.tables import FRAME_RATE, PITCH
from ...errors import UserError, install_hint, options_of
from ..errors import ComposeError

_COLOURS = ("#4c72b0", "#dd8452", "#55a868", "#c44e52", "#8172b3", "#937860", "#da8bc3", "#8c8c8c", "#64b5cd")


def read_row(folder: Path, index: int) -> dict[str, Any]:
    """The row of a song of a folder. Raises ComposeError where there is none."""
    path = folder / "metadata.jsonl"
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
        rows = [json.loads(line) for line in lines if line.strip()]
    except (OSError, ValueError) as error:
        raise ComposeError(path, hint=f"cannot be read ({error}); give a folder that mousai compose wrote") from None
    for row in rows:
        if row.get("file_name") == f"audio/{index:06d}.flac" and "chords" in row:
            return dict(row)
    raise ComposeError(
        path, hint=f"has no song {index} with its facts; give one of the songs that mousai compose 3 wrote"
    )


def draw(folder: Path, index: int, out: Path) -> None:
    """Draw song `index` of a folder of songs into a picture file.

    Raises ComposeError where the song is missing, or a library.
    """
    row = read_row(folder, index)
    try:
        import librosa
        import matplotlib
        import numpy as np
        import soundfile
    except ImportError as error:
        raise ComposeError(f"{error.name} is not installed; {install_hint('compose,evaluate')}") from None
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    wave, rate = soundfile.read(folder / row["file_name"], dtype="float32", always_2d=True)
    # Semitones on the vertical axis, so that melody and overtones can be seen together.
    levels = abs(librosa.cqt(wave.mean(axis=1), sr=rate, hop_length=2048, n_bins=8 * 24, bins_per_octave=24))
    heights = 24 + np.arange(8 * 24) / 2
    melody = np.load(folder / row["files"]["melody"])
    duration = row["duration"]

    figure, (top, axes, low) = plt.subplots(
        3, 1, figsize=(12, 6), sharex=True, height_ratios=(0.5, 6, 0.6), layout="constrained"
    )
    axes.pcolormesh(
        np.arange(levels.shape[1]) * 2048 / rate,
        heights,
        librosa.amplitude_to_db(levels, ref=np.max, top_db=60),
        cmap="magma",
        rasterized=True,
    )
    for beat in row["downbeats"]:
        axes.axvline(beat, color="white", linewidth=0.5, alpha=0.45)
    frames = np.arange(melody.shape[1] + 1) / FRAME_RATE
    pitch = np.where(melody[PITCH] > 0, melody[PITCH].astype(float), np.nan)
    axes.stairs(pitch, frames, baseline=None, color="#3df5ff", linewidth=2.2, label="melody")
    axes.set(ylim=(heights[0], heights[-1]), ylabel="MIDI pitch", xlim=(0, duration))
    axes.legend(loc="upper right")
    _spans(top, [(one["start"], one["end"], one["name"]) for one in row["sections"]], "section")
    _spans(low, [(one["start"], one["end"], one["label"]) for one in row["chords"]], "chord")
    low.set_xlabel("seconds; white lines are bar lines")
    tempo = f"{row['bpm']} bpm" if row["bpm"] else "changing tempo"
    figure.suptitle(f"{row['title']}: {row['style']}, {tempo}, {row['key'] or 'changing key'}, lead {row['lead']}")
    try:
        figure.savefig(out, dpi=90)
    except (OSError, ValueError) as error:  # it cannot be written, or matplotlib knows no such kind of picture
        raise ComposeError("out", out, f"cannot be written: {error}") from error
    plt.close(figure)


def _spans(axes: Any, spans: list[tuple[float, float, str]], what: str) -> None:
    names = list(dict.fromkeys(name for _, _, name in spans))
    for start, end, name in spans:
        axes.axvspan(start, end, color=_COLOURS[names.index(name) % len(_COLOURS)], alpha=0.75, linewidth=0)
        axes.axvline(start, color="white", linewidth=1)
        axes.text((start + end) / 2, 0.5, name, ha="center", va="center", fontsize=9, clip_on=True)
    axes.set(yticks=(), ylim=(0, 1), ylabel=what)


def main() -> int:
    """Parse the command line and draw."""
    parser = argparse.ArgumentParser(
        prog="python -m mousai.compose.annotations.picture", description="Draw a composed song"
    )
    parser.add_argument("folder", type=Path, metavar="SONGS", help="a folder that mousai compose wrote")
    parser.add_argument("index", type=int, metavar="INDEX", help="number of the song")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE", help="picture to write (.png, .svg)")
    args = parser.parse_args()
    try:
        draw(args.folder, args.index, args.out)
    except UserError as error:
        print(f"mousai.compose.annotations.picture: {error.in_options(options_of(parser))}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
