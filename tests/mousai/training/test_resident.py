"""Data in the device's memory: batches from the seed, the index and the songs alone; composed songs."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dmae import DMAEConfig
from mousai.errors import UserError
from mousai.training.checkpoint_files import read_checkpoint, saved_checkpoints
from mousai.training.config import (
    Augmentation,
    AutoencoderCropConfig,
    ComposerConfig,
    LatentCropConfig,
    LoopConfig,
)
from mousai.training.resident.augment_batch import augment_batch
from mousai.training.resident.batches import ResidentBatches
from mousai.training.resident.latents import ResidentLatents
from mousai.training.resident.song_stream import ComposedSong, SongStream
from mousai.training.resident.waveforms import ResidentWaveforms
from mousai.training.run import train

CPU = torch.device("cpu")
CROP = 4096


def waveforms(*, songs: int = 5, validation: int = 2, augment: bool = False) -> ResidentWaveforms:
    """Song n is n / 100 everywhere, and a ramp in its other channel."""
    data = ResidentWaveforms(
        DMAEConfig.tiny(),
        AutoencoderCropConfig(samples=CROP, augment=augment),
        capacity=songs * 3 * CROP,
        device=CPU,
        seed=3,
        validation=validation,
        latent_noise=0.1,
    )
    for song in range(songs):
        ramp = np.linspace(0, 1, 2 * CROP + song, dtype=np.float32)
        assert data.add(f"song {song}", np.stack([np.full_like(ramp, song / 100), ramp]))
    return data


def test_crops_are_parts_of_their_songs_and_those_for_validation_are_not_trained_on() -> None:
    data, seen = waveforms(), set()
    for first in range(0, 60, 6):
        batch = data.batch(first, 6)
        for wave, file in zip(batch["wave"], batch["files"], strict=True):
            song = int(file.removeprefix("song "))
            seen.add(song)
            torch.testing.assert_close(wave[0], torch.full((CROP,), song / 100), atol=1e-4, rtol=0)
            steps = wave[1].diff()
            torch.testing.assert_close(steps, torch.full_like(steps, 1 / (2 * CROP + song - 1)), atol=7e-5, rtol=0)
        assert batch["noise"].shape[0] == batch["latent_noise"].shape[0] == 6 and batch["t"].shape == (6,)
    assert seen == {2, 3, 4}
    val = data.validation_batch(0, 4, count=4)
    assert val["files"] == ["song 0", "song 1", "song 0", "song 1"] and "latent_noise" not in val
    torch.testing.assert_close(val["t"], torch.tensor([0.125, 0.375, 0.625, 0.875]))


def test_a_batch_follows_from_seed_and_index() -> None:
    one, again = waveforms(augment=True), waveforms(augment=True)
    one.batch(0, 4)
    first, second = one.batch(8, 4), again.batch(8, 4)
    for key in ("wave", "noise", "t", "latent_noise"):
        assert torch.equal(first[key], second[key])
    assert not torch.equal(first["noise"], one.batch(12, 4)["noise"])


def test_a_song_too_many_stays_out_and_a_short_one_is_refused() -> None:
    data = waveforms(songs=1)
    assert not data.add("long", np.zeros((2, 9 * CROP), dtype=np.float32)) and len(data) == 1
    with pytest.raises(UserError, match=f"short: is shorter than a crop of {CROP} samples"):
        data.add("short", np.zeros((2, CROP - 1), dtype=np.float32))


def test_latents_with_captions_and_attributes() -> None:
    crops = LatentCropConfig(frames=8, offsets=2, cond_drop_prob=0.5)
    data = ResidentLatents(crops, channels=3, capacity=400, frame_rate=10.0, device=CPU, seed=0, validation=1)
    for song in range(4):
        ramp = torch.arange(20.0)[None] + torch.tensor([[0.0], [0.0], [100.0 * song]])
        fields = {"caption": f"song {song}", "bpm": 100 + song, "first_downbeat": 0.0}
        assert data.add(f"{song}.wav", [ramp, ramp[:, :19] + 0.5], fields)
    starts, dropped, tempos = set(), 0, []
    for first in range(0, 80, 8):
        batch = data.batch(first, 8)
        for n, file in enumerate(batch["files"]):
            song = int(file[0])
            assert song in (1, 2, 3)
            assert not any(f"song {other}" in batch["caption"][n] for other in range(4) if other != song)
            begin = float(batch["latent"][n, 0, 0])
            # From offset 1 of 2, half a frame later: 0.5 stands in the ramp.
            assert batch["start"][n] == pytest.approx(begin / 10)
            starts.add(begin)
            tempos.append(batch["attributes"][n].tempo)
            assert tempos[-1] in (None, 100 + song)
        dropped += int(batch["cond_drop_mask"].sum())
    assert len(starts) > 10 and 20 < dropped < 60 and 2 <= tempos.count(None) <= 25
    assert not data.validation_batch(0, 8, count=8)["cond_drop_mask"].any()


def test_indices_go_on_where_a_run_stood() -> None:
    endless = iter(ResidentBatches(batch=4, first=8))
    assert [next(endless)["first"] for _ in range(3)] == [8, 12, 16]
    assert [(one["first"], one["size"]) for one in ResidentBatches(batch=4, count=10)] == [(0, 4), (4, 4), (8, 2)]


def test_a_batch_is_changed_within_bounds_and_stays_as_it_is_where_nothing_is_asked() -> None:
    wave = 0.5 * torch.rand(6, 2, 3000, generator=torch.Generator().manual_seed(0)) - 0.25
    generator = torch.Generator().manual_seed(1)
    found = augment_batch(wave, generator, Augmentation(), sample_rate=48000)
    assert found.shape == wave.shape and found.isfinite().all() and found.abs().max() <= 0.99 + 1e-6
    loudness = found.square().mean((1, 2)).sqrt() / wave.square().mean((1, 2)).sqrt()
    assert loudness.max() / loudness.min() > 1.5
    nothing = Augmentation(equaliser=0, width=False, gain=False)
    torch.testing.assert_close(augment_batch(wave, generator, nothing, sample_rate=48000), wave)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["autoencoder", "latent-diffusion"])
def test_a_killed_run_goes_on_exactly(stage: str, tmp_path: Path, make_settings: Any) -> None:
    whole = make_settings(stage, tmp_path / "whole", resident=True, max_steps=4)
    assert train(whole) == 0
    for steps in (2, 4):
        assert train(make_settings(stage, tmp_path / "parts", resident=True, max_steps=steps)) == 0
    one, other = (
        read_checkpoint(saved_checkpoints(tmp_path / name / "checkpoints")[-1]) for name in ("whole", "parts")
    )
    assert one["items_seen"] == other["items_seen"] == 8
    assert all(torch.equal(weight, other["state_dict"][name]) for name, weight in one["state_dict"].items())


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["autoencoder", "latent-diffusion"])
def test_songs_that_come_while_a_run_learns(
    stage: str, tmp_path: Path, make_settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream that gives one more song at every look, in the place of the composer."""
    looks = 0

    class Stream:
        def __init__(self, config: ComposerConfig) -> None:
            self.closed = False
            streams.append(self)

        def fetch(self) -> Any:
            nonlocal looks
            looks += 1
            rng = np.random.default_rng(looks)
            wave = (3000 * rng.standard_normal((2, 40000))).astype(np.int16)
            yield ComposedSong(looks, {"caption": f"tune {looks}"}, wave)

        def close(self) -> None:
            self.closed = True

    streams: list[Stream] = []
    folder = "autoencoder" if stage == "autoencoder" else "latent_diffusion"
    monkeypatch.setattr(f"mousai.training.stages.{folder}.resident.SongStream", Stream)
    monkeypatch.setattr("mousai.training.resident.batches.FETCH_EVERY", 1)
    composer = ComposerConfig(songs=5, first=3, validation=1, duration=1.0)
    changes = {"data": "compose", "resident": True, "composer": composer, "validate_every": 2, "max_steps": 4}
    assert train(make_settings(stage, tmp_path, **changes)) == 0
    saved = read_checkpoint(saved_checkpoints(tmp_path / "checkpoints")[-1])
    # The sample from which stage 1 fits its prior already lets songs come in.
    assert looks >= 7 and streams[0].closed and saved["files"] == (5 if stage == "autoencoder" else 3)
    assert np.isfinite(saved["figures"]["validation loss"])


def test_what_does_not_go_together_is_refused(tmp_path: Path, make_settings: Any) -> None:
    config = make_settings("latent-diffusion", tmp_path)
    with pytest.raises(UserError, match=r"data='compose': needs loop\.resident=true"):
        replace(config, data="compose")
    resident = replace(config.loop, resident=True)
    with pytest.raises(UserError, match="data='compose': needs --from"):
        replace(config, data="compose", loop=resident, start_from=None)
    with pytest.raises(UserError, match=r"loop\.resident=True: is for one device"):
        LoopConfig(max_steps=1, resident=True, devices=2)
    with pytest.raises(UserError, match=r"loop\.cuda_graph=True: does not go with loop\.compile"):
        LoopConfig(max_steps=1, cuda_graph=True, compile=True)
    with pytest.raises(
        UserError,
        match=r"composer\.validation=\d+: it, composer\.first=\d+ and composer\.songs=\d+ must rise, from 1 or more",
    ):
        ComposerConfig(first=20, songs=10)
    with pytest.raises(UserError, match=r"does not go with crops\.pair_by"):
        train(replace(config, loop=resident, crops=replace(config.crops, pair_by="seed")))


@pytest.mark.slow
@pytest.mark.fluidsynth
def test_a_stream_composes_the_songs_of_the_data_sets_in_turn(tmp_path: Path) -> None:
    from mousai.compose import compose_song, song_facts
    from mousai.compose.dataset import song_genre, song_seed

    folder = tmp_path / "songs"
    with SongStream(ComposerConfig(palettes=("style", "leads"), seed=5, duration=3.0, workers=1), folder) as stream:
        made: list[ComposedSong] = []
        while len(made) < 3:
            made += stream.fetch()
            time.sleep(0.05)
    assert not folder.exists()  # nothing is left behind
    third = compose_song(song_seed(5, 1), genre=song_genre(5, 1), duration=3.0, palette="style")
    assert [song.fields["palette"] for song in made[:3]] == ["style", "leads", "style"]
    fields = {name: value for name, value in made[2].fields.items() if name != "melody"}
    assert made[2].number == 2 and fields == song_facts(third)
    assert [tuple(note) for note in made[2].fields["melody"]], "the notes of the lead, for the melody as a control"
    assert made[2].wave.dtype == np.int16 and made[2].wave.shape[0] == 2 and made[2].wave.any()
