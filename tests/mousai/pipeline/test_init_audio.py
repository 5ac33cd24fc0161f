"""Starting from a recording: what is taken as one, how much of it stays, and what is refused."""

from pathlib import Path

import torch

from mousai.audio.files import write_audio
from mousai.pipeline import Mousai
from tests.mousai.pipeline.quick_calls import PROMPT, QUICK, STEPS, close
from tests.mousai.refusing import refused
from vdiffusion import TIME_GRID_NAMES


def test_starting_from_a_recording(pipeline: Mousai):
    recording = 0.3 * torch.sin(torch.arange(4801) / 20).expand(2, -1)
    settings = {**QUICK, "duration": None, "seed": 1, "init_audio": recording}
    hardly, half, whole = (pipeline(PROMPT, **settings, strength=s).audios for s in (1e-4, 0.5, 1.0))
    assert hardly.shape == (1, 2, 4801)  # as long as the recording
    again = pipeline.decode(pipeline.encode(recording[None]), length=4801, seed=1, decoder_steps=2)
    assert torch.allclose(hardly, again, atol=0.02)
    assert not torch.allclose(half, again, atol=0.02)
    # All of it replaced: the recording is gone.
    plain = pipeline(PROMPT, **{**QUICK, "duration": 4801 / 48000}, seed=1).audios
    assert close(whole, plain) and not close(half, plain)


def test_a_recording_of_another_shape_is_refused(pipeline: Mousai):
    for shape in ([3, 100], [2, 2, 100], [2, 0], [0]):
        message = refused(pipeline, PROMPT, **STEPS, init_audio=torch.zeros(shape))
        assert "init_audio=" in message
        assert message.endswith(", samples], or [samples] for mono")
    for wrong in (torch.zeros(2, 100, dtype=torch.int16), [0.0, 1.0], 7):
        assert "init_audio=" in refused(pipeline, PROMPT, **STEPS, init_audio=wrong)


def test_a_recording_is_taken_as_path_array_or_tensor_mono_or_stereo(pipeline: Mousai, tmp_path: Path):
    wave = 0.3 * torch.sin(torch.arange(4801) / 20)
    stereo, path = wave.expand(2, -1), tmp_path / "tone.wav"
    write_audio(path, stereo.numpy(), 48000)
    expected = pipeline(PROMPT, **STEPS, seed=1, init_audio=stereo).audios
    for same in (stereo.numpy(), stereo[None]):
        assert torch.equal(pipeline(PROMPT, **STEPS, seed=1, init_audio=same).audios, expected)
    for mono in (wave, wave[None], wave.numpy()):  # the result has the channels of the recording
        made = pipeline(PROMPT, **STEPS, seed=1, init_audio=mono).audios
        torch.testing.assert_close(made, expected.mean(1, keepdim=True), atol=1e-6, rtol=0)
    for named in (path, str(path)):  # rounded to the bits of the file
        assert close(pipeline(PROMPT, **STEPS, seed=1, init_audio=named).audios, expected, atol=5e-3)


def test_a_recording_is_a_start_for_every_grid(pipeline: Mousai):
    settings = {**STEPS, "seed": 1, "init_audio": 0.3 * torch.sin(torch.arange(4801) / 20).expand(2, -1)}
    for grid in TIME_GRID_NAMES:
        assert bool(pipeline(PROMPT, **settings, strength=0.5, time_grid=grid).audios.isfinite().all())
    message = refused(pipeline, PROMPT, **settings, strength=1e-3, time_grid="log_snr")
    assert message == "strength=0.001: is too little for the time grid 'log_snr'; give more, or 'uniform'"
