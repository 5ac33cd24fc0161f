"""What is made anew in a region: its seed, its prompt, its place in the music, and the latent around it."""

import pytest
import torch

from mousai import Conditioning, Mousai, MusicAttributes
from tests.mousai.editing.recordings import PROMPT, QUICK, music
from tests.mousai.pipeline.conditionings import watched_conditionings
from vdiffusion import NoiseSource


def test_each_seed_makes_its_own_region_alone_or_together(pipe: Mousai):
    wanted = {"inpaint_audio": music(0.8), "inpaint_mask_start_seconds": [0.2], "inpaint_mask_end_seconds": [0.5]}
    two = pipe(PROMPT, num_waveforms_per_prompt=2, seed=5, **wanted, **QUICK)
    second = pipe(PROMPT, seed=6, **wanted, **QUICK)
    # A batch of another size is rounded otherwise, and the resampling steps of RePaint make more of it.
    assert torch.allclose(two.audios[1], second.audios[0], atol=2e-3)
    assert not torch.allclose(two.audios[0], two.audios[1], atol=1e-2)


def test_the_prompt_is_heard_in_the_region(pipe: Mousai):
    wanted = {
        "inpaint_audio": music(0.8),
        "inpaint_mask_start_seconds": 0.2,
        "inpaint_mask_end_seconds": 0.6,
        "seed": 1,
    }
    one, other = (pipe(prompt, **wanted, **QUICK).audios for prompt in (PROMPT, "fast metal"))
    assert float((one - other).abs().max()) > 1e-3


def test_the_clock_of_the_recording_reaches_the_model(pipe: Mousai, monkeypatch: pytest.MonkeyPatch):
    seen = watched_conditionings(pipe, monkeypatch)
    sound = music(14.0, channels=1)
    wanted = {"inpaint_mask_start_seconds": 12.0, "inpaint_mask_end_seconds": 13.0, "seed": 1}
    known = MusicAttributes(tempo=120, first_downbeat=0.25)
    pipe("jazz, 90 bpm, E minor", inpaint_audio=sound, attributes=known, **wanted, **QUICK)
    [cond] = seen
    assert cond.attributes[0] == MusicAttributes(tempo=120, key=(4, True), first_downbeat=0.25)
    hop = pipe.autoencoder.config.hop_length / 48000
    assert 2.0 <= cond.start_seconds[0] < 2.0 + hop
    unknown = (~cond.known_mask[0, 0]).nonzero()[:, 0] * hop + cond.start_seconds[0]
    assert float(unknown[0]) == pytest.approx(12.0, abs=1e-3) and 13 - hop <= float(unknown[-1]) < 13


def test_a_callback_sees_every_repeated_step(pipe: Mousai):
    steps: list[tuple[int, float]] = []

    def watch(_, step: int, t: float, __) -> None:
        steps.append((step, t))

    wanted = {
        "inpaint_audio": music(0.5),
        "inpaint_mask_start_seconds": 0.1,
        "inpaint_mask_end_seconds": 0.3,
        "seed": 1,
    }
    pipe(PROMPT, callback_on_step_end=watch, **wanted, **{**QUICK, "num_inference_steps": 3, "inpaint_resamples": 2})
    assert [step for step, _ in steps] == list(range(5))
    assert [t for _, t in steps] == pytest.approx([1, 1, 2 / 3, 2 / 3, 1 / 3])


def test_the_known_latent_comes_out_as_it_is(pipe: Mousai):
    known = torch.randn(1, 8, 12, generator=torch.Generator().manual_seed(0))
    mask = torch.ones(1, 1, 12, dtype=torch.bool)
    mask[..., 4:7] = False
    text = pipe._embed([PROMPT])
    cond = Conditioning(frames=12, text=text, known_latent=known, known_mask=mask)
    latent = pipe.latent_diffusion.sample(cond, noise=NoiseSource(0, [0]), config=pipe.defaults)
    torch.testing.assert_close(latent[..., mask[0, 0]], known[..., mask[0, 0]])
    assert not torch.allclose(latent[..., ~mask[0, 0]], known[..., ~mask[0, 0]], atol=0.1)
