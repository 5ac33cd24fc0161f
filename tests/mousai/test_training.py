import dataclasses
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.utils.data import DataLoader

from mousai import UserError
from mousai.audio import write_audio
from mousai.checkpoint import load_tensors
from mousai.conditions import Stated
from mousai.data.records import Record
from mousai.pipeline import Mousai
from mousai.training.augment import augment
from mousai.training.crops import RandomCrops, audio_files
from mousai.training.latents import Captioned, encode_folder, latent_batches, stated_of
from mousai.training.loop import STATE_NAME, TrainSettings, batches, train


def noise(samples: int, *, channels: int = 2, seed: int = 0, level: float = 0.5) -> np.ndarray:
    return (level * np.random.default_rng(seed).uniform(-1, 1, (channels, samples))).astype(np.float32)


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A captioned folder of four songs of 0.5 s, as `mousai compose` lays it out."""
    folder = tmp_path_factory.mktemp("songs")
    (folder / "audio").mkdir()
    rows = []
    for k in range(4):
        name = f"audio/{k}.{'flac' if k % 2 else 'wav'}"
        write_audio(folder / name, noise(24000, seed=k), 48000)
        rows.append({"file_name": name, "caption": f"song {k}"})
    (folder / "metadata.jsonl").write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    return folder


# ---- augmentation


@given(
    seed=st.integers(0, 2**32),
    samples=st.integers(2000, 12000),
    channels=st.integers(1, 2),
    level=st.sampled_from([0.0, 1e-4, 0.5, 1.0]),
)
def test_augmenting_keeps_length_and_bounds(seed: int, samples: int, channels: int, level: float):
    wave = noise(samples, channels=channels, seed=seed, level=level)
    before = wave.copy()
    found = augment(wave, np.random.default_rng(seed), sample_rate=48000)
    assert found.shape == wave.shape and found.dtype == np.float32
    assert np.isfinite(found).all() and np.abs(found).max() <= 0.99 + 1e-6
    assert np.array_equal(wave, before)  # not changed in place


def test_augmenting_depends_on_its_generator_alone():
    wave = noise(8000)
    a, b, c = (augment(wave, np.random.default_rng(seed), sample_rate=48000) for seed in (1, 1, 2))
    assert np.array_equal(a, b) and not np.allclose(a, c, atol=1e-3)


def test_augmenting_changes_loudness_both_ways():
    wave = noise(8000, level=0.2)
    loudness = [
        float(np.sqrt(np.mean(augment(wave, np.random.default_rng(seed), sample_rate=48000) ** 2)))
        for seed in range(40)
    ]
    own = float(np.sqrt(np.mean(wave**2)))
    assert min(loudness) < 0.5 * own < own < max(loudness)


# ---- crops


def crops(songs: Path, **settings) -> RandomCrops:
    values = {"samples": 4800, "sample_rate": 48000, "channels": 2, "seed": 1, **settings}
    return RandomCrops(audio_files([songs]), **values)


def test_a_crop_is_decided_by_seed_and_number(songs: Path):
    stream = crops(songs)
    first = [stream.crop(number) for number in range(6)]
    assert all(crop.shape == (2, 4800) and crop.dtype == torch.float32 for crop in first)
    assert len({crop.numpy().tobytes() for crop in first}) == 6
    again = crops(songs)
    for number in (5, 0, 3):  # in any order
        assert torch.equal(again.crop(number), first[number])
    assert not torch.equal(crops(songs, seed=2).crop(0), first[0])
    later = iter(crops(songs, start=4))
    assert torch.equal(next(later), first[4]) and torch.equal(next(later), first[5])


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")  # torch forks
@pytest.mark.parametrize("workers", [0, 1, 2])
def test_any_number_of_workers_gives_the_same_stream(songs: Path, workers: int):
    expected = [crops(songs, start=3).crop(number) for number in range(3, 9)]
    loader = iter(DataLoader(crops(songs, start=3), batch_size=None, num_workers=workers))
    for crop in expected:
        assert torch.equal(next(loader), crop)


def test_an_unchanged_crop_is_part_of_a_file(songs: Path):
    stream = crops(songs, changed=False)
    whole = [noise(24000, seed=k) for k in range(4)]
    for number in range(5):
        crop = stream.crop(number).numpy()
        places = [
            (k, start)
            for k, song in enumerate(whole)
            for start in np.flatnonzero(np.abs(song[0, : 24000 - 4799] - crop[0, 0]) < 1e-6)
            if np.allclose(song[:, start : start + 4800], crop, atol=1e-6)
        ]
        assert len(places) == 1


def test_a_file_shorter_than_a_crop_is_repeated(tmp_path: Path):
    write_audio(tmp_path / "a.wav", noise(1000), 48000)
    crop = crops(tmp_path, samples=2500, changed=False).crop(0).numpy()
    assert np.allclose(crop, np.tile(noise(1000), 3)[:, :2500], atol=1e-6)


def test_crops_at_another_rate_and_in_mono(songs: Path):
    assert crops(songs, sample_rate=16000, channels=1, samples=1600).crop(0).shape == (1, 1600)


def test_audio_files(songs: Path, tmp_path: Path):
    found = audio_files([songs])
    assert [path.name for path in found] == ["0.wav", "1.flac", "2.wav", "3.flac"]
    assert audio_files([songs, songs]) == found * 2
    with pytest.raises(UserError, match="nowhere: no such folder"):
        audio_files([songs, tmp_path / "nowhere"])
    with pytest.raises(UserError, match="holds no audio files"):
        audio_files([tmp_path])


# ---- latents


def test_encoding_a_folder(songs: Path, tmp_path: Path, saved_model: Path):
    found = encode_folder(saved_model / "autoencoder", songs, tmp_path / "latents", offsets=2)
    assert [record.fields["caption"] for record in found.records] == [f"song {k}" for k in range(4)]
    assert [[tuple(latent.shape) for latent in group] for group in found.latents] == [[(8, 23), (8, 22)]] * 4
    assert found.frame_rate == 48000 / 1024
    every = torch.cat([latent.float().flatten() for group in found.latents for latent in group])
    assert found.std == pytest.approx(float(every.std()), rel=1e-3)


def test_a_folder_of_which_nothing_is_known(tmp_path: Path, saved_model: Path):
    write_audio(tmp_path / "a.wav", noise(4800), 48000)
    with pytest.raises(UserError, match="nothing is known of any file, and stage 2 needs captions"):
        encode_folder(saved_model / "autoencoder", tmp_path, tmp_path / "latents")


def counted_latents(songs: int = 5, frames: int = 30, offsets: int = 2) -> Captioned:
    """Latents in which channel 0 holds the song's number and channel 1 the frame's."""
    latents = [
        [torch.stack([torch.full((frames,), float(k)), torch.arange(float(frames))]) for _ in range(offsets)]
        for k in range(songs)
    ]
    records = [
        Record(Path(f"{k}.wav"), {"caption": str(k), "bpm": 100 + k, "first_beat": 0.5, "key": "A minor"})
        for k in range(songs)
    ]
    return Captioned(records, latents, frame_rate=10.0)


def own_caption(row: dict, rng: np.random.Generator) -> str:
    return f"{row['caption']} {rng.integers(10)}"


def test_a_batch_is_decided_by_seed_and_step():
    data = counted_latents()
    get = latent_batches(data, own_caption, frames=8, batch=3, seed=1)
    first = [get(step) for step in range(6)]
    fresh = latent_batches(data, own_caption, frames=8, batch=3, seed=1)
    for step in (5, 0, 3, 3):  # in any order, as a run that goes on asks for them
        again = fresh(step)
        assert torch.equal(again.latents, first[step].latents)
        assert dataclasses.replace(again, latents=first[step].latents) == first[step]
    other = latent_batches(data, own_caption, frames=8, batch=3, seed=2)
    assert any(other(step).captions != first[step].captions for step in range(6))


def test_crops_of_latents_go_with_their_captions_and_every_song_comes_as_often():
    get = latent_batches(counted_latents(), own_caption, frames=8, batch=3, seed=1)
    seen, starts = Counter(), []
    for step in range(50):
        drawn = get(step)
        assert drawn.latents.shape == (3, 2, 8) and drawn.latents.dtype == torch.float32
        for latent, caption, start in zip(drawn.latents, drawn.captions, drawn.starts, strict=True):
            # Two encodings of each song, half a frame apart, at ten frames a second.
            assert start == pytest.approx(float(latent[1, 0]) / 10, abs=0.051)
            assert bool((latent[0] == float(caption.split()[0])).all())
            assert torch.equal(latent[1], latent[1, 0] + torch.arange(8.0))
            starts.append(int(latent[1, 0]))
            seen[caption.split()[0]] += 1
    assert seen == {str(k): 30 for k in range(5)}
    assert 0.2 < starts.count(0) / 150 < 0.45  # 0.3, and 1 in 23 of the rest
    assert min(starts) == 0 and max(starts) == 22


def test_tempo_and_key_go_with_their_song_and_are_left_out_now_and_then():
    get = latent_batches(counted_latents(), own_caption, frames=8, batch=4, seed=1)
    told = [
        (stated, caption)
        for drawn in map(get, range(100))
        for stated, caption in zip(drawn.stated, drawn.captions, strict=True)
    ]
    for stated, caption in told:
        assert stated.tempo in (None, 100 + int(caption.split()[0]))
        assert stated.key in (None, (9, True)) and stated.first_beat == 0.5
    for share in (sum(s.tempo is None for s, _ in told), sum(s.key is None for s, _ in told)):
        assert 0.1 < share / len(told) < 0.2  # 0.15


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"bpm": 96, "first_beat": 0.0, "key": "C# minor"}, Stated(tempo=96.0, key=(1, True))),
        ({"bpm": 96, "first_beat": 1.5}, Stated(tempo=96.0, first_beat=1.5)),
        ({"bpm": 96, "key": "G major"}, Stated(key=(7, False))),  # where its beats lie is not known
        ({"key": "sad"}, Stated()),
        ({}, Stated()),
    ],
)
def test_what_a_row_states(row: dict, expected: Stated):
    assert stated_of(row) == expected


def test_songs_shorter_than_a_crop_are_left_out_and_named(capsys: pytest.CaptureFixture[str]):
    data = counted_latents()
    data.latents[2] = [latent[:, :20] for latent in data.latents[2]]
    kept = data.at_least(25)
    assert [record.path.name for record in kept.records] == ["0.wav", "1.wav", "3.wav", "4.wav"]
    assert [float(group[0][0, 0]) for group in kept.latents] == [0.0, 1.0, 3.0, 4.0]
    assert capsys.readouterr().err == "left out: 2.wav is shorter than a crop of 2.5 s\n"
    with pytest.raises(UserError, match=r"all 5 songs are shorter than a crop of 3\.1 s"):
        data.at_least(31)


def test_a_song_shorter_than_a_crop_is_named():
    with pytest.raises(UserError, match=r"0\.wav: 30 latent frames"):
        latent_batches(counted_latents(), own_caption, frames=64, batch=2, seed=0)


def test_batches():
    stream = batches(iter(torch.arange(6.0)), 3)
    assert torch.equal(next(stream), torch.tensor([0.0, 1.0, 2.0]))
    assert torch.equal(next(stream), torch.tensor([3.0, 4.0, 5.0]))


# ---- the loop


class Clock:
    """Every look at it is a quarter of a second later, so that a step takes exactly that."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 0.25
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    import mousai.training.loop

    made = Clock()
    monkeypatch.setattr(mousai.training.loop, "time", made)
    return made


class Run:
    """A small regression, y = x @ target, whose solution is known."""

    def __init__(self, folder: Path) -> None:
        torch.manual_seed(0)
        self.net, self.folder = nn.Linear(4, 2, bias=False), folder
        self.target = torch.randn(2, 4)
        self.steps: list[int] = []
        self.losses: list[float] = []
        self.saved: list[Tensor] = []
        self.fail_at: dict[int, BaseException | float] = {}

    def step_loss(self, step: int) -> tuple[Tensor, dict[str, float]]:
        self.steps.append(step)
        x = torch.randn(8, 4, generator=torch.Generator().manual_seed(step))
        loss = (self.net(x) - x @ self.target.T).square().mean()
        failure = self.fail_at.get(step)
        if isinstance(failure, BaseException):
            raise failure
        self.losses.append(float(loss.detach()))
        return loss if failure is None else loss * failure, {"figure": 1.0}

    def go(self, steps: int, **settings) -> None:
        values = {"learning_rate": 0.05, "warmup": 5, "ema": 0.9, "bfloat16": False, **settings}
        train(
            self.net,
            self.step_loss,
            TrainSettings(minutes=steps / 240, **values),
            self.folder,
            save_model=lambda: self.saved.append(self.net.weight.detach().clone()),
            name="regression",
        )


def test_the_loss_falls_and_the_solution_is_found(tmp_path: Path, clock: Clock):
    run = Run(tmp_path)
    run.go(400)
    assert run.steps == list(range(400))
    assert run.losses[-1] < 1e-4 * run.losses[0]
    assert torch.allclose(run.net.weight, run.target, atol=0.02)


def test_what_is_saved_is_the_average_and_training_goes_on_from_the_weights(tmp_path: Path, clock: Clock):
    run = Run(tmp_path)
    weights: list[Tensor] = []
    step_loss = run.step_loss
    run.step_loss = lambda step: weights.append(run.net.weight.detach().clone()) or step_loss(step)
    average = run.net.weight.detach().clone()
    run.go(30)
    weights.append(run.net.weight.detach().clone())
    for step, weight in enumerate(weights[1:], start=1):
        average = torch.lerp(average, weight, 1 - min(0.9, (1 + step) / (10 + step)))
    assert len(run.saved) == 1
    assert torch.allclose(run.saved[0], average, atol=1e-6)
    assert not torch.allclose(run.saved[0], run.net.weight, atol=1e-3)
    state = load_file(tmp_path / STATE_NAME)
    assert torch.equal(state["weight.weight"], run.net.weight)
    assert torch.equal(state["average.weight"], run.saved[0])


def test_an_interrupted_run_goes_on_as_if_it_had_not_been(tmp_path: Path, clock: Clock):
    whole = Run(tmp_path / "whole")
    whole.go(40)
    parted = Run(tmp_path / "parted")
    parted.fail_at[25] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        parted.go(40)
    assert load_tensors(tmp_path / "parted" / STATE_NAME)[1] == {"step": "25", "seconds": "6.25"}
    assert len(parted.saved) == 1
    again = Run(tmp_path / "parted")
    again.go(40)
    assert again.steps == list(range(25, 40))
    assert torch.allclose(again.net.weight, whole.net.weight, atol=1e-6)
    assert torch.allclose(again.saved[-1], whole.saved[-1], atol=1e-6)
    # When the time is over, nothing is trained any more.
    over = Run(tmp_path / "parted")
    over.go(40)
    assert over.steps == [] and torch.equal(over.saved[-1], again.saved[-1])


def test_a_run_that_was_interrupted_before_its_first_step_goes_on(tmp_path: Path, clock: Clock):
    run = Run(tmp_path)
    run.fail_at[0] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        run.go(10)
    again = Run(tmp_path)
    again.go(10)
    assert again.steps == list(range(10))


def test_the_state_is_saved_along_the_way(tmp_path: Path, clock: Clock):
    run = Run(tmp_path)
    run.go(40, save_minutes=10 / 240)  # 2.5 s: five steps of two looks at the clock, and the looks in between
    assert 6 <= len(run.saved) <= 9


@pytest.mark.parametrize("failure", [float("nan"), float("inf")])
def test_a_loss_that_is_not_a_number_stops_before_it_does_harm(tmp_path: Path, clock: Clock, failure: float):
    run = Run(tmp_path)
    run.fail_at[7] = failure
    before: list[Tensor] = []
    step_loss = run.step_loss
    run.step_loss = lambda step: before.append(run.net.weight.detach().clone()) or step_loss(step)
    with pytest.raises(UserError, match="step 7: loss") as caught:
        run.go(20)
    assert "\n" not in str(caught.value) and run.steps[-1] == 7
    assert torch.equal(run.net.weight, before[-1]) and bool(run.net.weight.isfinite().all())


def test_a_state_of_another_model_is_refused(tmp_path: Path, clock: Clock):
    Run(tmp_path).go(3)
    for net in (nn.Linear(4, 2), nn.Linear(5, 2, bias=False)):
        other = Run(tmp_path)
        other.net = net
        with pytest.raises(UserError, match="of another model"):
            other.go(6)


def test_frozen_and_slow_parameters(tmp_path: Path, clock: Clock):
    torch.manual_seed(0)
    net = nn.ModuleDict({"fast": nn.Linear(3, 1), "slow": nn.Linear(3, 1), "frozen": nn.Linear(3, 1)})
    net["frozen"].requires_grad_(False)
    before = {key: value.clone() for key, value in net.state_dict().items()}
    x = torch.ones(1, 3)
    train(
        net,
        lambda step: (sum(part(x).sum() for part in net.values()), {}),
        TrainSettings(minutes=1 / 240, learning_rate=0.01, warmup=1, weight_decay=0.0, bfloat16=False),
        tmp_path,
        save_model=lambda: None,
        name="parts",
        slow=("slow",),
    )
    moved = {key: float((value - before[key]).abs().max()) for key, value in net.state_dict().items()}
    # Adam's first step is the rate itself.
    assert moved["fast.weight"] == pytest.approx(0.01, rel=1e-3)
    assert moved["slow.weight"] == pytest.approx(0.01 / 50, rel=1e-2)
    assert moved["frozen.weight"] == 0


@pytest.mark.parametrize(
    "values",
    [
        {"minutes": 0.0},
        {"minutes": float("nan")},
        {"minutes": float("inf")},
        {"minutes": 1.0, "learning_rate": -1.0},
        {"minutes": 1.0, "warmup": 0},
        {"minutes": 1.0, "weight_decay": -0.1},
        {"minutes": 1.0, "ema": 1.0},
        {"minutes": 1.0, "clip": 0.0},
        {"minutes": 1.0, "save_minutes": 0.0},
    ],
)
def test_impossible_settings(values: dict):
    name = list(values)[-1]
    with pytest.raises(UserError, match=f"{name}="):
        TrainSettings(**values)


def test_overfitting_the_generator_on_one_song(tmp_path: Path, saved_model: Path):
    """The whole of stage 2 in small: cached latents, captions, loss, loop; the text encoder is trained along."""
    pipeline = Mousai.from_pretrained(saved_model, dtype="float32")
    text, generator = pipeline.text_encoder.train(), pipeline.generator.train()
    latent = torch.randn(1, 8, 16, generator=torch.Generator().manual_seed(0)).clamp(-1, 1) * 0.5
    first = text.model.shared.weight.detach().clone()
    losses: list[float] = []

    def step_loss(step: int) -> tuple[Tensor, dict[str, float]]:
        seeded = torch.Generator().manual_seed(step)
        loss = generator.loss(latent.expand(8, -1, -1), text(["piano"] * 8), drop=0.1, generator=seeded)
        losses.append(float(loss.detach()))
        if len(losses) == 80:
            raise KeyboardInterrupt
        return loss, {}

    with pytest.raises(KeyboardInterrupt):
        train(
            nn.ModuleDict({"text": text, "generator": generator}),
            step_loss,
            TrainSettings(minutes=10, learning_rate=5e-3, warmup=10, bfloat16=False),
            tmp_path,
            save_model=lambda: None,
            name="generator",
        )
    assert np.mean(losses[-20:]) < 0.5 * np.mean(losses[:5])
    assert not torch.equal(text.model.shared.weight, first)
