"""Edits that cannot be made are refused in one line."""

import math
from pathlib import Path

import pytest
import torch

from mousai import Mousai, write_audio
from mousai.editing import Recording, wanted_regions
from tests.mousai.editing.recordings import PROMPT, music
from tests.mousai.refusing import refused

REGION = {"inpaint_mask_start_seconds": 0.2, "inpaint_mask_end_seconds": 0.4}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({}, "say what is made anew"),
        ({"inpaint_mask_start_seconds": 0.2}, "give one end for each"),
        ({"inpaint_mask_start_seconds": 0.2, "inpaint_mask_end_seconds": "x"}, "must be a number of seconds"),
        ({"inpaint_mask_start_seconds": -1.0, "inpaint_mask_end_seconds": 0.4}, "must not be negative"),
        ({"inpaint_mask_start_seconds": 0.2, "inpaint_mask_end_seconds": math.nan}, "finite"),
        ({"inpaint_mask_start_seconds": 0.4, "inpaint_mask_end_seconds": 0.4}, "is empty"),
        ({"inpaint_mask_start_seconds": 0.4, "inpaint_mask_end_seconds": 0.2}, "reversed; did you mean 0.2:0.4"),
        ({"inpaint_mask_start_seconds": 0.4, "inpaint_mask_end_seconds": 3.0}, "outside the recording"),
        ({"inpaint_mask_start_seconds": [0.1, 0.2], "inpaint_mask_end_seconds": [0.3, 0.4]}, "overlaps 0.1:0.3"),
        ({**REGION, "duration": 0.5}, "duration=0.5: is less than the recording's"),
        ({"inpaint_before_seconds": -1.0}, "inpaint_before_seconds=-1"),
        ({"inpaint_before_seconds": 0.01}, "0.05 s or more"),
        ({**REGION, "init_audio": music(1.0)}, "init_audio: is no part"),
        ({**REGION, "latents": torch.zeros(1, 8, 4)}, "latents: is no part"),
        ({**REGION, "output_type": "latent"}, "output_type"),
        ({**REGION, "inpaint_resamples": 0}, "inpaint_resamples=0"),
        ({**REGION, "strength": 0.5}, "strength"),
    ],
)
def test_impossible_edits_in_python(pipe: Mousai, wanted: dict[str, object], message: str):
    assert message in refused(pipe, PROMPT, inpaint_audio=music(1.0), **wanted)


@pytest.mark.parametrize("name", [*REGION, "inpaint_before_seconds", "inpaint_resamples"])
def test_what_edits_needs_a_recording(pipe: Mousai, name: str):
    assert f"{name}: says how a recording is edited" in refused(pipe, PROMPT, **{name: 1})


def test_a_region_longer_than_the_model_hears():
    recording = Recording(sound=music(60.0, 8000, 1), sample_rate=8000)
    message = refused(wanted_regions, 3.0, 40.0, recording=recording, before=0.0, duration=None)
    assert "is 37 s long; the model hears 20 s" in message


def test_a_recording_that_is_too_long(pipe: Mousai, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.wav"
    write_audio(path, music(1.0), 48000)
    monkeypatch.setattr("mousai.arguments.MAX_DURATION", 0.5)
    assert refused(pipe, PROMPT, inpaint_audio=path, **REGION) == f"{path}: is longer than 0.5 s; cut it into parts"


@pytest.mark.parametrize(("wanted", "part"), [({"duration": 30.0}, "last 10 s"), ({"before": 2.0}, "first 10 s")])
def test_silence_cannot_be_continued(wanted: dict[str, float], part: str):
    silent = torch.zeros(1, 24 * 8000)
    silent[:, 11 * 8000 : 13 * 8000] = 0.5
    recording = Recording(sound=silent, sample_rate=8000)
    wanted = {"before": 0.0, "duration": None, **wanted}
    assert f"its {part} are silent" in refused(wanted_regions, None, None, recording=recording, **wanted)
