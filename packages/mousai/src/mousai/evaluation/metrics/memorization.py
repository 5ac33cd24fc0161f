"""Memorization: clips that are copies of training songs."""

from pathlib import Path
from typing import Any

import numpy as np

from mousai.audio.files import read_audio
from mousai.evaluation.clips import progress
from mousai.evaluation.features.genre import genre_features
from mousai.evaluation.features.waveform import ANALYSIS_RATE, CLIP_SECONDS, Array
from mousai.evaluation.judges.dataset import read_song_table
from mousai.evaluation.judges.linear import LinearJudge
from mousai.evaluation.metrics.diversity import NEAR_DISTANCE
from mousai.evaluation.metrics.statistics import median_of, share_of
from mousai.evaluation.npz import load_npz, save_npz


def training_song_features(folder: Path, *, cache: Path) -> Array:
    """Features `[songs, features]` of the first 20 s of every training song; kept in `cache`.

    Raises:
        UserError: the folder has no table of songs, or a song cannot be read.
    """
    names = [str(row["file_name"]) for row in read_song_table(folder)]
    if cache.is_file():
        metadata, arrays = load_npz(cache)
        if metadata["folder"] == str(folder.resolve()) and metadata["names"] == names:
            return arrays["features"].astype(np.float32)
    found = []
    with progress(names, "reading training songs") as each:
        for name in each:
            sound = read_audio(folder / name, sample_rate=ANALYSIS_RATE, channels=1, duration=CLIP_SECONDS)
            found.append(genre_features(sound, sample_rate=ANALYSIS_RATE))
    features = np.stack(found)
    metadata = {"folder": str(folder.resolve()), "names": names}
    save_npz(cache, metadata, {"features": features.astype(np.float16)})
    return features


def memorization(clips: Array, songs: Array, judge: LinearJudge) -> dict[str, Any]:
    """Distance of each clip to its nearest training song, and the share of clips that are as near as a copy.

    A clip counts as a copy where it is as near to a song as two overlapping halves of one song are to each other
    (`NEAR_DISTANCE`). The same of reference renders shows how near unrelated songs come.

    Args:
        clips: genre features of the clips, `[clips, features]`.
        songs: genre features of the training songs, `[songs, features]`.
        judge: the genre judge, which scales the features.
    """
    distances = judge.distances(clips, songs).min(axis=1)
    copies = int((distances < NEAR_DISTANCE).sum())
    return {"songs": len(songs), "distance": median_of(distances), "copies": share_of(copies, len(distances))}
