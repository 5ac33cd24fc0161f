"""Long pieces: a piece that changes its key halfway is found out."""

from pathlib import Path

import numpy as np
import pytest

from mousai.audio.files import write_audio
from mousai.evaluation.judges.panel import JudgePanel
from mousai.evaluation.metrics.long_pieces import PIECES, compare_ends, long_prompts

from ..sounds import RATE, chords

CADENCE = [(48, 52, 55), (53, 57, 60), (55, 59, 62), (48, 52, 55)]  # C, F, G, C: half a second each is 120 bpm


def test_the_prompts_name_a_tempo_and_a_key_in_different_genres() -> None:
    prompts = long_prompts()
    assert len({prompt.genre for prompt in prompts}) == len(prompts) == PIECES
    assert all(prompt.key is not None for prompt in prompts)


def test_both_ends_are_judged(tmp_path: Path) -> None:
    start = chords(CADENCE, seconds=0.5, times=10)
    moved = chords([tuple(pitch + 3 for pitch in chord) for chord in CADENCE], seconds=0.5, times=10)
    for name, end in (("steady", start), ("moved", moved / 2)):
        write_audio(tmp_path / f"{name}.wav", np.stack([np.concatenate([start, end])] * 2).astype(np.float32), RATE)
    rows = [{"file_name": f"{name}.wav", "bpm": 120, "key": "C major"} for name in ("steady", "moved")]
    found = compare_ends(tmp_path, rows, JudgePanel.load().key)
    assert [piece["predicted_key"] for piece in found["pieces"]] == [["C major"] * 2, ["C major", "Eb major"]]
    assert (found["key"]["count"], found["key"]["total"], found["same_key"]["count"]) == (1, 2, 1)
    assert (found["tempo"]["count"], found["same_tempo"]["count"]) == (2, 2)
    assert found["pieces"][1]["loudness"][1] - found["pieces"][1]["loudness"][0] == pytest.approx(-6, abs=1)
    assert found["loudness_change"]["min"] == pytest.approx(-6, abs=1)
