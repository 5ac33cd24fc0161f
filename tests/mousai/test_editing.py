"""Editing and continuing recordings: what stays is the recording, sample for sample."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mousai import Conditioning, Mousai, MusicAttributes, UserError
from mousai.audio.files import audio_info, write_audio
from mousai.editing import CROSS_FADE, Recording, as_recording, at_level_of, cross_fade, wanted_regions
from mousai.regions import (
    CONTEXT,
    MAX_REGION,
    MIN_REGION,
    Region,
    bars_to_region,
    check_regions,
    parse_span,
    plan_windows,
)
from vdiffusion import NoiseSource

PROMPT = "calm piano pop, 100 bpm"
QUICK = {"num_inference_steps": 2, "decoder_steps": 1, "inpaint_resamples": 2}
FORMATS = {
    "float.wav": ("FLOAT", 44100, 1),
    "short.flac": ("PCM_16", 48000, 2),
    "long.flac": ("PCM_24", 44100, 1),
    "short.wav": ("PCM_16", 22050, 2),
}


@pytest.fixture(scope="module")
def pipe(saved_model: Path) -> Mousai:
    pipe = Mousai.from_pretrained(saved_model, dtype="float32")
    pipe.set_progress_bar_config(disable=True)
    return pipe


def music(seconds: float, rate: int = 48000, channels: int = 2, *, level: float = 0.3) -> torch.Tensor:
    drawn = torch.Generator().manual_seed(3)
    return level * (2 * torch.rand(channels, round(seconds * rate), generator=drawn) - 1)


def samples_of(path: Path) -> np.ndarray:
    kind = "float32" if soundfile.info(path).subtype == "FLOAT" else "int32"
    return soundfile.read(path, dtype=kind, always_2d=True)[0]


def refused(function, *args, **settings) -> str:
    with pytest.raises(UserError) as caught:
        function(*args, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


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


def test_each_seed_makes_its_own_region_alone_or_together(pipe: Mousai):
    wish = {"inpaint_audio": music(0.8), "inpaint_mask_start_seconds": [0.2], "inpaint_mask_end_seconds": [0.5]}
    two = pipe(PROMPT, num_waveforms_per_prompt=2, seed=5, **wish, **QUICK)
    second = pipe(PROMPT, seed=6, **wish, **QUICK)
    # A batch of another size is rounded otherwise, and the resampling steps of RePaint make more of it.
    assert torch.allclose(two.audios[1], second.audios[0], atol=2e-3)
    assert not torch.allclose(two.audios[0], two.audios[1], atol=1e-2)


def test_the_prompt_is_heard_in_the_region(pipe: Mousai):
    wish = {"inpaint_audio": music(0.8), "inpaint_mask_start_seconds": 0.2, "inpaint_mask_end_seconds": 0.6, "seed": 1}
    one, other = (pipe(prompt, **wish, **QUICK).audios for prompt in (PROMPT, "fast metal"))
    assert float((one - other).abs().max()) > 1e-3


def test_the_clock_of_the_recording_reaches_the_model(pipe: Mousai, monkeypatch: pytest.MonkeyPatch):
    seen: list[Conditioning] = []
    sample = pipe.latent_diffusion.sample

    def watched(cond: Conditioning, **rest: object) -> torch.Tensor:
        seen.append(cond)
        return sample(cond, **rest)

    monkeypatch.setattr(pipe.latent_diffusion, "sample", watched)
    sound = music(14.0, channels=1)
    wish = {"inpaint_mask_start_seconds": 12.0, "inpaint_mask_end_seconds": 13.0, "seed": 1}
    known = MusicAttributes(tempo=120, first_downbeat=0.25)
    pipe("jazz, 90 bpm, E minor", inpaint_audio=sound, attributes=known, **wish, **QUICK)
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

    wish = {"inpaint_audio": music(0.5), "inpaint_mask_start_seconds": 0.1, "inpaint_mask_end_seconds": 0.3, "seed": 1}
    pipe(PROMPT, callback_on_step_end=watch, **wish, **{**QUICK, "num_inference_steps": 3, "inpaint_resamples": 2})
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


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ({"known_latent": torch.zeros(1, 8, 4)}, "known_mask: must be given"),
        ({"known_mask": torch.ones(1, 1, 4, dtype=torch.bool)}, "known_latent: must be given"),
        ({"known_latent": torch.zeros(1, 8, 5), "known_mask": torch.ones(1, 1, 5, dtype=torch.bool)}, "known_latent"),
        ({"known_latent": torch.zeros(1, 8, 4), "known_mask": torch.ones(1, 1, 4)}, "known_mask: expected bool"),
        ({"known_latent": torch.zeros(1, 8, 4), "known_mask": torch.ones(1, 8, 4, dtype=torch.bool)}, "known_mask"),
    ],
)
def test_impossible_known_latents(known: dict[str, torch.Tensor], message: str):
    with pytest.raises(ValueError, match=message):
        Conditioning(frames=4, **known)


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
@pytest.mark.parametrize("ends", [(True, True), (True, False), (False, True), (False, False)])
def test_a_cross_fade_is_thirty_milliseconds_within_the_region(rate: int, ends: tuple[bool, bool]):
    old, new = torch.full((1, 1, rate), 0.5), torch.full((1, 1, rate), -0.5)
    mixed = cross_fade(old, new, sample_rate=rate, at_start=ends[0], at_end=ends[1])
    changed = (mixed != new)[0, 0].nonzero()[:, 0].tolist()
    count = round(CROSS_FADE * rate)
    assert changed == [*range(count * ends[0]), *range(rate - count * ends[1], rate)]
    if ends[0]:
        assert float(mixed[0, 0, 0]) == pytest.approx(0.5, abs=0.02)  # begins at the old sound


def test_a_cross_fade_keeps_the_power_of_unlike_sounds():
    old, new = music(1.0)[None], music(2.0)[None, :, 48000:]
    mixed = cross_fade(old, new, sample_rate=48000, at_start=True, at_end=True)[..., : round(CROSS_FADE * 48000)]
    assert float(mixed.square().mean() / new.square().mean()) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("level", [0.02, 0.1, 0.4])
def test_the_level_of_the_surroundings_is_met(level: float):
    around, new = music(1.0, level=level)[None], music(0.5, level=0.1)[None]
    found = at_level_of(around, new)
    ratio = float(found.square().mean() / around.square().mean()) ** 0.5
    assert ratio == pytest.approx(1 if level > 0.02 else 0.1 / 4 / 0.02, rel=0.05)  # at most 12 dB
    assert torch.equal(at_level_of(torch.zeros_like(around), new), new)


def test_a_loud_region_does_not_clip(pipe: Mousai):
    found = at_level_of(music(1.0, level=1.0)[None], torch.randn(1, 2, 48000))
    assert float(found.abs().max()) <= 0.99 + 1e-6


@given(st.floats(0, 1e4), st.floats(0, 1e4))
def test_a_span_is_read_as_it_is_written(start: float, end: float):
    assert parse_span(f" {start!r} : {end!r}", "region") == (start, end)


@settings(max_examples=50)
@given(st.text(max_size=12))
def test_any_other_text_is_refused_in_one_line(text: str):
    try:
        assert all(math.isfinite(number) for number in parse_span(text, "region"))
    except UserError as error:
        assert "START:END" in str(error) and "\n" not in str(error)


@given(st.lists(st.floats(0, 100), min_size=2, max_size=8, unique=True), st.floats(1, 100))
def test_regions_that_are_taken_are_sorted_apart_and_inside(times: list[float], length: float):
    regions = [Region(*pair) for pair in zip(times[::2], times[1::2], strict=False)]
    try:
        taken = check_regions(regions, length)
    except UserError:
        ordered = sorted(regions)
        short = any(not MIN_REGION <= one.seconds <= MAX_REGION or one.end > length for one in ordered)
        assert short or any(b.start < a.end for a, b in pairwise(ordered))
        return
    assert taken == sorted(regions)
    windows = plan_windows(taken, kept=Region(0, length))
    assert [one for window in windows for one in window.regions] == taken
    for window in windows:
        assert 0 <= window.start <= window.regions[0].start and window.regions[-1].end <= window.end <= length
        assert window.end - window.start <= MAX_REGION + 2 * CONTEXT + 1e-6


def test_near_regions_share_a_window_and_far_ones_do_not():
    near, far = [Region(100, 102), Region(106, 108)], Region(200, 201)
    first, second = plan_windows([*near, far], kept=Region(0, 300))
    assert (first.start, first.end, first.regions) == (90, 118, tuple(near))
    assert (second.start, second.end, second.regions) == (190, 211, (far,))


def test_a_continuation_goes_outward_from_the_recording():
    before, after = Region(0, 30), Region(130, 160)
    windows = plan_windows([before, after], kept=Region(30, 130))
    assert [(one.start, one.end) for one in windows] == [(15, 40), (0, 25), (120, 145), (135, 160)]


@given(st.integers(1, 40), st.integers(1, 4), st.floats(60, 200), st.floats(0, 3))
def test_bars_lie_on_the_grid(first: int, count: int, tempo: float, downbeat: float):
    region = bars_to_region(first, first + count, tempo=tempo, first_downbeat=downbeat, length=1e4)
    bar = 240 / tempo
    assert region.seconds == pytest.approx(count * bar)
    assert (region.start - downbeat) / bar == pytest.approx(first - 1)


@pytest.mark.parametrize(
    ("bars", "message"),
    [
        ((0, 2), "1 or more"),
        ((-3, 2), "1 or more"),
        ((3, 3), "empty or reversed"),
        ((5, 3), "empty or reversed"),
        ((1.5, 3), "whole numbers"),
        ((9, 12), "has 10 whole bars"),
        ((20, 21), "has 10 whole bars"),
    ],
)
def test_impossible_bars(bars: tuple[float, float], message: str):
    assert message in refused(bars_to_region, *bars, tempo=120, first_downbeat=0.0, length=20.0)


REGION = {"inpaint_mask_start_seconds": 0.2, "inpaint_mask_end_seconds": 0.4}


@pytest.mark.parametrize(
    ("wish", "message"),
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
def test_impossible_wishes(pipe: Mousai, wish: dict[str, object], message: str):
    assert message in refused(pipe, PROMPT, inpaint_audio=music(1.0), **wish)


@pytest.mark.parametrize("name", [*REGION, "inpaint_before_seconds", "inpaint_resamples"])
def test_what_edits_needs_a_recording(pipe: Mousai, name: str):
    assert f"{name}: says how a recording is edited" in refused(pipe, PROMPT, **{name: 1})


def test_a_region_longer_than_the_model_hears():
    recording = Recording(sound=music(60.0, 8000, 1), sample_rate=8000)
    message = refused(wanted_regions, 3.0, 40.0, recording=recording, before=0.0, duration=None)
    assert "is 37 s long; the model hears 20 s" in message


@pytest.mark.parametrize(("wish", "part"), [({"duration": 30.0}, "last 10 s"), ({"before": 2.0}, "first 10 s")])
def test_silence_cannot_be_continued(wish: dict[str, float], part: str):
    silent = torch.zeros(1, 24 * 8000)
    silent[:, 11 * 8000 : 13 * 8000] = 0.5
    recording = Recording(sound=silent, sample_rate=8000)
    wish = {"before": 0.0, "duration": None, **wish}
    assert f"its {part} are silent" in refused(wanted_regions, None, None, recording=recording, **wish)


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
