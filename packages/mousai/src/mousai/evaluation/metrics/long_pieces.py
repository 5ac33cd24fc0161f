"""Long pieces: tempo and key at the start and at the end."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mousai.audio.files import read_audio
from mousai.evaluation.clips import Row, progress
from mousai.evaluation.features.key import key_features
from mousai.evaluation.features.pitch import pitch_spectrogram
from mousai.evaluation.features.waveform import ANALYSIS_RATE, CLIP_SECONDS, SAMPLE_RATE, resample
from mousai.evaluation.judges.key import KeyJudge, same_key
from mousai.evaluation.judges.tempo import estimate_tempo, tempo_matches
from mousai.evaluation.metrics.levels import levels
from mousai.evaluation.metrics.statistics import median_of, share_of
from mousai.evaluation.prompts import PROMPTS, Prompt

PIECES = 4


def long_prompts() -> list[Prompt]:
    """The first prompts that name a tempo and a key, of four genres."""
    found: dict[str, Prompt] = {}
    for prompt in PROMPTS:
        if prompt.key is not None:
            found.setdefault(prompt.genre, prompt)
    return list(found.values())[:PIECES]


def compare_ends(folder: Path, rows: Sequence[Row], judge: KeyJudge) -> dict[str, Any]:
    """Tempo, key and loudness of the first and of the last 20 s of every piece.

    Args:
        folder: folder of the pieces.
        rows: rows of the pieces, with the bpm and key asked for.
        judge: the key judge.

    Returns:
        `pieces` with the predictions at both ends; `tempo` and `key`, the shares that are right at both ends;
        `same_tempo` and `same_key`, the shares that agree whatever was asked for; `loudness_change` in LU (median).
    """
    pieces: list[dict[str, Any]] = []
    with progress(rows, "judging long pieces") as each:
        for row in each:
            sound = read_audio(folder / row["file_name"], sample_rate=SAMPLE_RATE)
            tempos, keys, loudness = [], [], []
            length = round(CLIP_SECONDS * SAMPLE_RATE)
            for end in (sound[:, :length], sound[:, -length:]):
                mono = resample(end.mean(axis=0), SAMPLE_RATE, ANALYSIS_RATE)
                tempos.append(round(estimate_tempo(mono, sample_rate=ANALYSIS_RATE), 2))
                features = key_features(pitch_spectrogram(mono, sample_rate=ANALYSIS_RATE))
                keys += judge(features[None])
                loudness.append(round(asdict(levels(end))["loudness"], 2))
            pieces.append({**row, "predicted_bpm": tempos, "predicted_key": keys, "loudness": loudness})
    right = {
        "tempo": sum(all(tempo_matches(each, piece["bpm"]) for each in piece["predicted_bpm"]) for piece in pieces),
        "key": sum(all(same_key(piece["key"], each) for each in piece["predicted_key"]) for piece in pieces),
        "same_tempo": sum(tempo_matches(*piece["predicted_bpm"]) for piece in pieces),
        "same_key": sum(same_key(*piece["predicted_key"]) for piece in pieces),
    }
    changes = [piece["loudness"][1] - piece["loudness"][0] for piece in pieces]
    shares = {name: share_of(count, len(pieces)) for name, count in right.items()}
    return {"pieces": pieces, **shares, "loudness_change": median_of(changes)}
