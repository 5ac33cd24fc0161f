"""Loops: exactly as long as asked, and whose end runs into their beginning."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st

from mousai import Conditioning, Mousai, MusicAttributes, read_metadata, write_audio
from mousai.audio.loop_tags import LoopTag
from mousai.conditioning.attribute_signal import ATTRIBUTE_CHANNELS
from mousai.conditioning.tables import CHORD_CHANNELS, ONSET
from mousai.editing import Recording
from mousai.regions import Region
from mousai.verbs.looping import MAX_LOOP, Bars, _line_frames, check_loop_region
from tests.mousai.pipeline.conditionings import watched_conditionings
from tests.mousai.refusing import refused
from vdiffusion import NoiseSource

PROMPT = "calm piano pop, 240 bpm"
QUICK = {"num_inference_steps": 2, "decoder_steps": 1}
TEMPOS = (30, 47.3, 60, 66.6, 72, 81, 87.5, 90, 93.1, 100, 107, 113.3, 120, 124, 128, 139.7, 150, 174, 200.1, 300)


@pytest.fixture(scope="module")
def pipe(saved_model: Path) -> Mousai:
    pipe = Mousai.from_pretrained(saved_model, dtype="float32")
    pipe.set_progress_bar_config(disable=True)
    return pipe


# ---- length


@given(bars=st.integers(1, 16), tempo=st.floats(30, 300), rate=st.sampled_from([22050, 44100, 48000]))
def test_bars_are_as_long_as_they_are(bars: int, tempo: float, rate: int) -> None:
    if bars * 240 / tempo > MAX_LOOP:
        return
    assert abs(Bars(bars=bars, tempo=tempo).samples(rate) - bars * 4 * 60 / tempo * rate) <= 0.5 + 1e-6


@pytest.mark.parametrize("tempo", TEMPOS)
def test_a_loop_is_exact_to_the_sample(pipe: Mousai, tempo: float) -> None:
    made = pipe.loop("piano", bars=1, tempo=tempo, seed=1, num_inference_steps=1, decoder_steps=1, guidance_scale=1.0)
    assert made.audios.shape == (1, 2, round(1 * 4 * 60 / tempo * 48000))
    assert abs(float(made.settings["pitch_cents"])) <= 5
    assert made.loop == LoopTag(tempo=tempo, beats=4) and float(made.audios.abs().max()) <= 1


def test_the_net_hears_the_loop_played_on() -> None:
    assert _line_frames(181, 8, 0) == 216  # 4 positions of the deepest level more, and a multiple of it
    assert _line_frames(23, 8, 234) == 240  # a short one many times
    assert _line_frames(1, 1, 0) == 5


# ---- the border


def test_the_latent_of_a_loop_knows_no_border(pipe: Mousai) -> None:
    """Rolled noise gives rolled music, but for what the net's own downsampling makes of its place."""
    model, frames = pipe.latent_diffusion, 40
    noise = torch.randn(1, 8, frames, generator=torch.Generator().manual_seed(0))
    text = pipe._embed(["piano"])

    def sampled(latents: torch.Tensor, circle: int | None) -> torch.Tensor:
        heard = frames if circle is None else 3 * frames
        cond = Conditioning(frames=heard, text=text, circle=circle)
        config = dataclasses.replace(pipe.defaults, guidance_scale=1.0)
        return model.sample(cond, noise=NoiseSource(0, [0]), latents=latents, config=config)

    circle, line = sampled(noise, frames), sampled(noise, None)
    by = 6
    moved = float((sampled(noise.roll(by, -1), frames) - circle.roll(by, -1)).norm() / circle.norm())
    broken = float((sampled(noise.roll(by, -1), None) - line.roll(by, -1)).norm() / line.norm())
    assert moved < 0.02 < broken


def test_a_loop_has_no_click_at_its_border(pipe: Mousai) -> None:
    loop = pipe.loop(PROMPT, bars=4, seed=1, **QUICK).audios[0]
    line = pipe(PROMPT, duration=4.0, seed=1, **QUICK).audios[0]

    def step(sound: torch.Tensor) -> float:
        """Difference across the border, of the usual difference of two samples."""
        return float((sound[:, 0] - sound[:, -1]).norm() / sound.diff(dim=-1).square().mean().sqrt())

    assert step(loop) < 4 and step(loop) < step(line)


def test_the_seed_decides_and_a_loop_can_be_made_alone(pipe: Mousai) -> None:
    two = pipe.loop([PROMPT, "fast metal, 240 bpm"], bars=1, seed=4, exact=True, **QUICK)
    alone = pipe.loop("fast metal, 240 bpm", bars=1, seed=5, exact=True, **QUICK)
    assert two.seeds == (4, 5) and torch.equal(two.audios[1], alone.audios[0])
    latents = pipe.loop(PROMPT, bars=1, seed=4, output_type="latent", **QUICK).audios
    assert latents.shape == (1, 8, round(48000 / 1024))


def test_a_circle_of_a_conditioning_is_its_latent() -> None:
    assert Conditioning(frames=9, circle=4).latent_frames == 4 and Conditioning(frames=9).latent_frames == 9


# ---- chords, melody and sections


@pytest.fixture(scope="module")
def controlled(controlled_model: Path) -> Mousai:
    pipe = Mousai.from_pretrained(controlled_model, dtype="float32")
    pipe.set_progress_bar_config(disable=True)
    return pipe


def signal_of(pipe: Mousai, monkeypatch: pytest.MonkeyPatch, **wanted) -> tuple[torch.Tensor, Conditioning]:
    """Channels of the controls that stage 2 hears of a loop [C, frames heard], and the conditioning they are of."""
    seen = watched_conditionings(pipe, monkeypatch)
    pipe.loop("piano, 240 bpm", seed=1, output_type="latent", **QUICK, **wanted)
    return pipe.latent_diffusion.inject(seen[0], 1)[0][0, ATTRIBUTE_CHANNELS:], seen[0]


@pytest.mark.parametrize("tempo", [240, 233.7, 300])
def test_the_net_hears_the_chords_of_the_loop_in_every_copy_of_it(controlled, monkeypatch, tempo: float) -> None:
    tune = [(0.1, 0.4, 60), (2.0, 2.3, 67)]
    wanted = {"bars": 3, "tempo": tempo, "chords": "Am F", "melody": tune, "section": "verse"}
    signal, cond = signal_of(controlled, monkeypatch, **wanted)
    assert cond.circle is not None and signal.shape[1] == cond.frames > 2 * cond.circle
    for first in range(0, cond.frames, cond.circle):
        copy = signal[:, first : first + cond.circle]
        assert copy.equal(signal[:, : copy.shape[1]])
    # A bar each, however the bars lie on the frames: Am, F, and Am again in the third.
    roots = signal[:12, : cond.circle].argmax(0)
    bars = (torch.arange(cond.circle) + 0.5) * 3 / cond.circle
    pairs = zip(roots.tolist(), bars.tolist(), strict=True)
    inside = [(root, bar) for root, bar in pairs if abs(bar - round(bar)) > 1e-3]
    assert all(root == (5 if 1 < bar < 2 else 9) for root, bar in inside) and len(inside) >= cond.circle - 2


def test_seconds_of_a_tune_are_those_of_the_loop(controlled, monkeypatch) -> None:
    seconds = 60 / 233.7 * 4  # a bar: 48.14 frames, which the loop's 48 stand for
    notes = [(0.9785 * seconds, 0.9999 * seconds, 60)]
    signal, cond = signal_of(controlled, monkeypatch, bars=1, tempo=233.7, melody=notes)
    onsets = signal[CHORD_CHANNELS + 1 + ONSET, : cond.circle].nonzero().flatten().tolist()
    assert onsets == [46] == [int(0.9785 * cond.circle)] and int(0.9785 * seconds * 48000 / 1024) == 47


def test_chords_change_a_loop_and_nothing_is_told_without_them(controlled: Mousai) -> None:
    plain, told, again, none = (
        controlled.loop("piano, 240 bpm", bars=1, seed=1, **QUICK, **more).audios
        for more in ({}, {"chords": "Am"}, {"chords": "Am"}, {"chords": None})
    )
    assert plain.equal(none) and told.equal(again) and not told.allclose(plain, atol=1e-4)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"chords": [("Am", 5.0)]}, "chords: A:min begins at 5 s, after the end of the piece, at 1 s"),
        ({"form": "verse:2"}, "form: 2 bars last to 2.00 s at 240 bpm, the piece to 1.00 s"),
        ({"section": "bridge"}, "section='bridge': must be one of"),
    ],
)
def test_what_does_not_fit_a_loop_is_refused(controlled: Mousai, given: dict, message: str) -> None:
    assert message in refused(controlled.loop, "piano, 240 bpm", bars=1, **given, **QUICK)


def test_controls_are_for_a_new_loop_and_a_model_that_follows_them(pipe: Mousai, controlled: Mousai) -> None:
    song = {"audio": music(2.0), "start_seconds": 0.0, "end_seconds": 1.0}
    assert "chords: is for a new loop" in refused(controlled.loop, "piano", chords="Am", **song, **QUICK)
    assert "not trained with the control chords" in refused(pipe.loop, PROMPT, bars=1, chords="Am")


@pytest.mark.parametrize("start", [math.nan, math.inf, -1.0])
def test_a_region_that_is_no_stretch_of_time(pipe: Mousai, start: float) -> None:
    said = refused(pipe.loop, "piano", audio=music(2.0), start_seconds=start, end_seconds=2.0, **QUICK)
    assert said == f"region='{start:g}:2': must be two numbers of seconds, 0 or more"


def test_loops_of_a_call_are_counted_first(pipe: Mousai) -> None:
    said = refused(pipe.loop, "music without a tempo", num_waveforms_per_prompt=0)
    assert said.startswith("num_waveforms_per_prompt=0: must be 1 to ")


# ---- a recording


def music(seconds: float, rate: int = 48000, channels: int = 2) -> torch.Tensor:
    drawn = torch.Generator().manual_seed(3)
    return 0.3 * (2 * torch.rand(channels, round(seconds * rate), generator=drawn) - 1)


@pytest.mark.parametrize(("rate", "channels", "bits"), [(48000, 2, 32), (44100, 1, 24), (22050, 2, 16)])
def test_a_region_loops_and_keeps_its_samples(
    pipe: Mousai, tmp_path: Path, rate: int, channels: int, bits: int
) -> None:
    path = tmp_path / "song.wav"
    write_audio(path, music(3.0, rate, channels), rate, bits=bits)
    known = MusicAttributes(tempo=120, first_downbeat=0.1)
    made = pipe.loop(
        PROMPT, audio=path, start_seconds=0.6, end_seconds=2.1, seam_seconds=0.4, attributes=known, seed=1, **QUICK
    )
    recording = music(3.0, rate, channels)
    assert (made.sample_rate, made.bits) == (rate, bits)
    assert made.audios.shape == (1, channels, round(1.5 * rate))
    kept, first = round(1.5 * rate) - round(0.4 * rate), round(0.6 * rate)
    made.save(tmp_path / "loop.wav")
    whole = soundfile.read(path, dtype="float64", always_2d=True)[0]
    loop = soundfile.read(tmp_path / "loop.wav", dtype="float64", always_2d=True)[0]
    assert np.array_equal(loop[:kept], whole[first : first + kept])
    # What was made anew is new, and ends as the recording leads up to the start of the region.
    new, old = made.audios[0, :, kept:], recording[:, first + kept : first + round(1.5 * rate)]
    assert float((new - old).abs().mean()) > 0.01
    before = recording[:, first - 3 : first]
    torch.testing.assert_close(made.audios[0, :, -3:], before, atol=0.02, rtol=0)
    assert made.loop == LoopTag(tempo=120, beats=3)
    assert read_metadata(tmp_path / "loop.wav")["region"] == "0.6:2.1"


def test_a_region_at_the_start_leads_up_to_its_own_mirror_image(pipe: Mousai) -> None:
    sound = music(2.0)
    made = pipe.loop(PROMPT, audio=sound, end_seconds=1.0, seed=1, **QUICK)
    assert torch.equal(made.audios[0, :, :36000], sound[:, :36000])  # all but a quarter
    torch.testing.assert_close(made.audios[0, :, -1], sound[:, 0], atol=0.02, rtol=0)
    assert made.loop == LoopTag()


def test_without_a_region_all_of_a_recording_loops(pipe: Mousai) -> None:
    assert pipe.loop(PROMPT, audio=music(1.0, channels=1), seed=1, **QUICK).audios.shape == (1, 1, 48000)


# ---- what is refused


@pytest.mark.parametrize(
    ("prompt", "settings", "message"),
    [
        ("house groove", {}, "prompt='house groove': names no tempo, which a loop needs; say 124 bpm in it, or give"),
        (["a, 90 bpm", "b, 91 bpm"], {}, "prompt: loops of one call have one tempo"),
        (PROMPT, {"bars": 0}, "bars=0: must be a whole number of bars, 1 to 999"),
        (PROMPT, {"bars": 2.5}, "bars=2.5: must be a whole number"),
        (PROMPT, {"bars": True}, "bars=True: must be a whole number"),
        (PROMPT, {"tempo": 3000}, "tempo=3000: must be 30 to 300 beats per minute"),
        (PROMPT, {"tempo": float("nan")}, "tempo=nan: must be 30 to 300"),
        (PROMPT, {"tempo": "fast"}, "tempo='fast': must be a number"),
        (PROMPT, {"tempo": 60, "bars": 31}, "bars=31: are 124 s at 60 bpm; a loop has at most 120 s, 30 bars"),
        (PROMPT, {"start_seconds": 2.0}, "start_seconds=2: says which part of a recording is to loop; give audio"),
        (PROMPT, {"seam_seconds": 2.0}, "seam_seconds=2: says which part"),
        (PROMPT, {"strength": 0.5}, "strength=0.5: is no part of making a loop"),
        (PROMPT, {"output_type": "mp3"}, "output_type='mp3': must be one of"),
        (PROMPT, {"audio": music(1.0), "bars": 2}, "bars=2: is told by the region of the recording"),
        (PROMPT, {"audio": music(1.0), "output_type": "latent"}, "output_type='latent': would lose the samples"),
        (
            PROMPT,
            {"audio": music(1.0), "end_seconds": 1.5},
            "region='0:1.5': lies outside the recording, which is 1.00",
        ),
        (PROMPT, {"audio": music(1.0), "start_seconds": 1.0}, "region='1:1': is empty or reversed"),
        (PROMPT, {"audio": music(1.0), "end_seconds": 0.1}, "region='0:0.1': is 0.1 s long; a loop has 0.2 to 120 s"),
        (PROMPT, {"audio": music(1.0), "seam_seconds": 0.6}, "seam_seconds=0.6: must be 0.05 to 0.5 s, half of the"),
        (PROMPT, {"seed": 1, "generator": torch.Generator()}, "generator: both it and seed"),
    ],
)
def test_what_cannot_loop_is_refused(pipe: Mousai, prompt: str, settings: dict, message: str) -> None:
    assert refused(pipe.loop, prompt, **settings).startswith(message)


def test_a_seam_is_a_quarter_and_at_most_two_seconds() -> None:
    recording = Recording(sound=torch.zeros(1, 48000 * 20), sample_rate=48000)
    assert check_loop_region(Region(1, 5), recording) == 1.0
    assert check_loop_region(Region(1, 18), recording) == 2.0
