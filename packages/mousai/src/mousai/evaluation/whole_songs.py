"""Do tempo and key of a long piece hold from its first 20 s to its last?"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from mousai.audio.files import read_audio
from mousai.evaluation.clips import Row, counted
from mousai.evaluation.judges import Judges
from mousai.evaluation.key import key_features, same_key
from mousai.evaluation.levels import levels
from mousai.evaluation.pitches import pitch_picture
from mousai.evaluation.prompts import PROMPTS, Prompt
from mousai.evaluation.sound import MUSIC_RATE, RATE, SECONDS, resampled
from mousai.evaluation.tempo import tempo_matches, tempo_of

PIECES = 4


def wished() -> list[Prompt]:
    """The first prompts that name a tempo and a key, of four genres."""
    found: dict[str, Prompt] = {}
    for prompt in PROMPTS:
        if prompt.key is not None:
            found.setdefault(prompt.genre, prompt)
    return list(found.values())[:PIECES]


def judge_ends(folder: Path, rows: Sequence[Row], judges: Judges) -> dict[str, Any]:
    """Hear the first and the last 20 s of every piece.

    Returns:
        `pieces` with tempo and key heard at both ends; `kept`: how many have the right tempo, and the right key, at
        both, and the same ones at both whatever was asked for.
    """
    pieces: list[dict[str, Any]] = []
    with counted(rows, "listening to whole songs") as each:
        for row in each:
            sound = read_audio(folder / row["file_name"], sample_rate=RATE)
            tempos, keys, loud = [], [], []
            for end in (sound[:, : round(SECONDS * RATE)], sound[:, -round(SECONDS * RATE) :]):
                mono = resampled(end.mean(axis=0), RATE, MUSIC_RATE)
                tempos.append(round(tempo_of(mono, sample_rate=MUSIC_RATE), 2))
                features = key_features(pitch_picture(mono, sample_rate=MUSIC_RATE))
                keys += judges.key(features[None])
                loud.append(round(asdict(levels(end))["loudness"], 2))
            pieces.append({**row, "heard_bpm": tempos, "heard_key": keys, "loudness": loud})
    kept = {
        "tempo": sum(all(tempo_matches(each, piece["bpm"]) for each in piece["heard_bpm"]) for piece in pieces),
        "key": sum(all(same_key(piece["key"], each) for each in piece["heard_key"]) for piece in pieces),
        "same_tempo": sum(tempo_matches(*piece["heard_bpm"]) for piece in pieces),
        "same_key": sum(same_key(*piece["heard_key"]) for piece in pieces),
        "loudness_change": float(np.median([piece["loudness"][1] - piece["loudness"][0] for piece in pieces])),
    }
    return {"pieces": pieces, "kept": kept}
