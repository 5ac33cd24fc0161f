"""Editing and continuing recordings: what stays is the recording, sample for sample."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from mousai import Mousai
from mousai.audio.files import audio_info, write_audio
from mousai.editing import as_recording
from mousai.regions import MAX_REGION
from tests.mousai.editing.recordings import PROMPT, QUICK, music, samples_of
from tests.mousai.refusing import refused

FORMATS = {
    "float.wav": ("FLOAT", 44100, 1),
    "short.flac": ("PCM_16", 48000, 2),
    "long.flac": ("PCM_24", 44100, 1),
    "short.wav": ("PCM_16", 22050, 2),
}


@pytest.mark.parametrize("name", FORMATS)
def test_outside_of_a_region_the_file_is_the_same_to_the_bit(pipe: Mousai, tmp_path: Path, name: str):
    subtype, rate, channels = FORMATS[name]
    path = tmp_path / name
    level = 1.2 if subtype == "FLOAT" else 0.3  # floats may go beyond ±1
    soundfile.write(path, music(1.2, rate, channels, level=level).T.numpy(), rate, subtype=subtype)
    made = pipe(
        PROMPT, inpaint_audio=path, inpaint_mask_start_seconds=0.4, inpaint_mask_end_seconds=0.8, seed=1, **QUICK
    )
    [out] = made.save(tmp_path / f"new.{path.suffix[1:]}")
    info = audio_info(out)
    assert (info.sample_rate, info.channels, soundfile.info(out).subtype) == (rate, channels, subtype)
    before, after = samples_of(path), samples_of(out)
    start, end = round(0.4 * rate), round(0.8 * rate)
    assert np.array_equal(before[:start], after[:start]) and np.array_equal(before[end:], after[end:])
    assert (before[start:end] != after[start:end]).mean() > 0.99


def test_a_continuation_keeps_the_recording_to_the_bit(pipe: Mousai):
    sound = music(0.7)
    made = pipe(PROMPT, inpaint_audio=sound, inpaint_before_seconds=0.5, duration=2.0, seed=1, **QUICK)
    assert made.audios.shape == (1, 2, 96000)
    assert torch.equal(made.audios[0, :, 24000 : 24000 + 33600], sound)
    for part in (made.audios[..., :24000], made.audios[..., -38400:]):
        assert float(part.square().mean().sqrt()) == pytest.approx(float(sound.square().mean().sqrt()), rel=0.15)
    assert made.settings["regions"] == "-0.5:0 0.7:1.5"


def test_a_long_continuation_is_made_in_pieces_and_repeats_none(pipe: Mousai):
    sound = music(1.0, channels=1)
    made = pipe(
        PROMPT, inpaint_audio=sound, duration=1 + 2.5 * MAX_REGION, seed=1, **{**QUICK, "num_inference_steps": 1}
    )
    assert made.audios.shape == (1, 1, round(48000 * (1 + 2.5 * MAX_REGION)))
    pieces = made.audios[0, 0, 48000:].reshape(3, -1)
    assert not torch.equal(pieces[0], pieces[1]) and bool((pieces.square().mean(1) > 1e-4).all())


def test_a_recording_is_read_as_it_is(tmp_path: Path):
    path = tmp_path / "a.flac"
    write_audio(path, music(0.1, 44100, 1).numpy(), 44100, bits=16)
    found = as_recording(path, sample_rate=48000)
    assert (found.sample_rate, found.bits, found.sound.shape) == (44100, 16, (1, 4410))
    assert as_recording(music(0.1, channels=1)[0], sample_rate=48000).sound.shape == (1, 4800)
    assert "inpaint_audio" in refused(as_recording, torch.zeros(3, 100), sample_rate=48000)


def test_floats_beyond_one_are_kept_in_a_wav_alone(tmp_path: Path):
    loud = 1.5 * np.sign(music(0.1).numpy())
    write_audio(tmp_path / "a.wav", loud, 48000, bits=32)
    assert np.array_equal(samples_of(tmp_path / "a.wav").T, loud.astype(np.float32))
    assert "beyond ±1" in refused(write_audio, tmp_path / "a.flac", loud, 48000, bits=32)
