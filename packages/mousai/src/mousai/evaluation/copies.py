"""Is what a model plays a copy of a song that it learned from?"""

from pathlib import Path
from typing import Any

import numpy as np

from mousai.audio.files import read_audio
from mousai.evaluation.clips import counted
from mousai.evaluation.diversity import ALIKE
from mousai.evaluation.hearing import hear
from mousai.evaluation.judges import Judges
from mousai.evaluation.listening import read_songs
from mousai.evaluation.sound import MUSIC_RATE, SECONDS, Array
from mousai.evaluation.stored import read_arrays, write_arrays


def heard_songs(folder: Path, *, cache: Path) -> tuple[list[str], Array]:
    """Names and features of the first 20 s of every song; kept in `cache`, and not heard again.

    Raises:
        UserError: the folder has no table of songs, or a song cannot be read.
    """
    names = [str(row["file_name"]) for row in read_songs(folder)]
    if cache.is_file():
        about, arrays = read_arrays(cache)
        if about["folder"] == str(folder.resolve()) and about["names"] == names:
            return names, arrays["features"].astype(np.float32)
    found = []
    with counted(names, "listening to training songs") as each:
        for name in each:
            sound = read_audio(folder / name, sample_rate=MUSIC_RATE, channels=1, duration=SECONDS)
            found.append(hear(sound, sample_rate=MUSIC_RATE))
    features = np.stack(found)
    about = {"folder": str(folder.resolve()), "names": names}
    write_arrays(cache, about, {"features": features.astype(np.float16)})
    return names, features


def nearest(pieces: Array, songs: Array, judges: Judges, *, true: Array | None = None) -> dict[str, Any]:
    """How near the nearest song is to each piece: least and median, and how many are as near as a copy.

    A piece counts as a copy where it is as near to a song as two overlapping halves of one song are to each other
    (`ALIKE`). True renders of other seeds are the measure of how near unrelated songs come.
    """
    closest = judges.style.distances(pieces, songs).min(axis=1)
    found: dict[str, Any] = {
        "songs": len(songs),
        "least": round(float(closest.min()), 3),
        "median": round(float(np.median(closest)), 3),
        "copies": int((closest < ALIKE).sum()),
    }
    if true is not None:
        theirs = judges.style.distances(true, songs).min(axis=1)
        found |= {
            "least_true": round(float(theirs.min()), 3),
            "median_true": round(float(np.median(theirs)), 3),
            "copies_true": int((theirs < ALIKE).sum()),
        }
    return found
