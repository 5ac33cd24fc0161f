"""What stage 2 sees of its songs: which pieces, under which captions, how far they count."""

from collections import Counter
from pathlib import Path

import pytest
import torch

from mousai import UserError
from mousai.conditioning.conditioning import Conditioning
from mousai.conditioning.text import T5TextEncoder
from mousai.data.records import Record
from mousai.storage.folders import load_latent_diffusion
from mousai.training.config import LatentCropConfig, TimestepSampling
from mousai.training.data.folder_songs import FolderSongs
from mousai.training.data.latent_crops import LatentCrops
from vdiffusion import alpha_sigma


def counted(songs: int = 5, frames: int = 30, offsets: int = 2) -> FolderSongs:
    """Latents in which channel 0 holds the song's number and channel 1 the frame's, at ten frames a second."""
    latents = [
        [torch.stack([torch.full((frames,), float(k)), torch.arange(float(frames))]) for _ in range(offsets)]
        for k in range(songs)
    ]
    facts = {"first_downbeat": 0.5, "key": "A minor", "lead": "flute"}
    records = [Record(Path(f"{k}.wav"), {"caption": f"song {k}", "bpm": 100 + k, **facts}) for k in range(songs)]
    return FolderSongs(records, latents, frame_rate=10.0)


def test_crops_go_with_their_songs_and_every_song_comes_as_often():
    crops = LatentCrops(counted(), LatentCropConfig(frames=8), seed=1)
    starts, songs = [], Counter()
    for number in range(150):
        item = crops[number]
        song, first = int(item["latent"][0, 0]), float(item["latent"][1, 0])
        assert f"song {song}" in item["caption"] or str(100 + song) in item["caption"] or "A minor" in item["caption"]
        assert item["files"] == f"{song}.wav"
        assert torch.equal(item["latent"][1], first + torch.arange(8.0)) and bool(item["mask"].all())
        assert item["start"] == pytest.approx(first / 10, abs=0.051)  # two encodings, half a frame apart
        starts.append(first)
        songs[song] += 1
    assert songs == {k: 30 for k in range(5)}
    assert 0.2 < starts.count(0) / 150 < 0.45  # 0.3, and 1 in 23 of the rest
    assert min(starts) == 0 and max(starts) == 22


def test_what_is_known_is_stated_and_left_out_now_and_then():
    crops = LatentCrops(counted(), LatentCropConfig(frames=8), seed=1)
    items = [crops[number] for number in range(400)]
    for item in items:
        attributes, song = item["attributes"], int(item["latent"][0, 0])
        assert attributes.tempo in (None, 100 + song) and attributes.key in (None, (9, True))
        assert attributes.first_downbeat == 0.5
        assert attributes.lead in (None, "flute")
    for name in ("tempo", "key", "lead"):
        assert 0.1 < sum(getattr(item["attributes"], name) is None for item in items) / 400 < 0.2  # 0.15


@pytest.mark.parametrize("place", ["random", "fixed"])
def test_a_short_song_is_padded_and_only_song_counts(place):
    songs = counted(songs=2)
    songs.latents[1] = [latent[:, :5] for latent in songs.latents[1]]
    crops = LatentCrops(songs, LatentCropConfig(frames=8, place=place), seed=1)
    items = [crops[number] for number in range(16)]
    short = [item for item in items if item["files"] == "1.wav"]
    assert short and len(short) < 16
    for item in items:
        assert item["latent"].shape == (2, 8) and item["mask"].shape == (1, 8)
        real = 5 if item["files"] == "1.wav" else 8
        assert item["mask"][0].tolist() == [True] * real + [False] * (8 - real)
        assert not item["latent"][:, real:].any()


def test_padding_does_not_count_in_the_loss(saved_model, monkeypatch):
    model = load_latent_diffusion(saved_model).float()
    latent, noise = torch.randn(2, 2, 8, 6, generator=torch.Generator().manual_seed(0))
    mask = torch.arange(6).expand(2, 1, 6) < torch.tensor([6, 4])[:, None, None]
    monkeypatch.setattr(model, "denoise", lambda x_t, t, **conditions: torch.zeros_like(x_t))
    t = torch.tensor([0.3, 0.7])
    alpha, sigma = (share[:, None, None] for share in alpha_sigma(t))
    error = (alpha * noise - sigma * latent / model.config.latent_std) ** 2
    cond = Conditioning(frames=6, text=T5TextEncoder.load(saved_model)(["calm", "loud"]))
    found = model.loss(latent, cond, t=t, noise=noise, mask=mask, cond_drop_prob=0.0)
    expected = torch.stack([error[0].mean(), error[1, :, :4].mean()]).mean()
    torch.testing.assert_close(found, expected)
    assert float(found) != pytest.approx(float(model.loss(latent, cond, t=t, noise=noise, cond_drop_prob=0.0)))


def test_songs_shorter_than_a_crop_are_left_out_and_named(capsys: pytest.CaptureFixture[str]):
    data = counted()
    data.latents[2] = [latent[:, :20] for latent in data.latents[2]]
    kept = data.at_least(25)
    assert [record.path.name for record in kept.records] == ["0.wav", "1.wav", "3.wav", "4.wav"]
    assert [float(group[0][0, 0]) for group in kept.latents] == [0.0, 1.0, 3.0, 4.0]
    assert capsys.readouterr().err == "left out: 2.wav is shorter than a crop of 2.5 s\n"
    with pytest.raises(UserError, match=r"^crops\.frames=\d+: all 5 songs are shorter than a crop of 3\.1 s"):
        data.at_least(31)


def test_the_diffusion_times_are_those_that_the_settings_name_and_validation_has_them_spread():
    items = LatentCropConfig(frames=8, times=TimestepSampling(kind="logit_normal", mean=1.0, std=0.5))
    t = torch.stack([LatentCrops(counted(), items, seed=1)[number]["t"] for number in range(400)])
    logit = torch.log(t / (1 - t))
    assert float(logit.mean()) == pytest.approx(1.0, abs=0.1) and float(logit.std()) == pytest.approx(0.5, abs=0.06)
    uniform = LatentCrops(counted(), LatentCropConfig(frames=8), seed=1)
    t = torch.stack([uniform[number]["t"] for number in range(400)]).sort().values
    assert float((t - torch.linspace(0, 1, 400)).abs().max()) < 0.08  # Kolmogorov and Smirnov: 1 in 100
    spread = LatentCrops(counted(), items, seed=1, count=4)
    assert [float(spread[number]["t"]) for number in range(4)] == [0.125, 0.375, 0.625, 0.875]


@pytest.mark.parametrize("kind", ["uniform", "logit_normal"])
def test_impossible_diffusion_times_are_refused(kind):
    with pytest.raises(UserError, match=r"^crops\.times\.std=0: must be finite and above 0"):
        TimestepSampling(kind=kind, std=0)
    with pytest.raises(UserError, match=r"^crops\.times\.mean=inf: must be finite"):
        TimestepSampling(kind=kind, mean=float("inf"))
