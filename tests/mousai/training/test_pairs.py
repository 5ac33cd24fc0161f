"""Songs that differ in one fact are trained on in pairs, with the same cut and noise."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from mousai import UserError
from mousai.data.records import Record
from mousai.training.config import LatentCropConfig, LatentDiffusionTrainingConfig, LoopConfig
from mousai.training.data.folder_songs import FolderSongs
from mousai.training.data.latent_crops import LatentCrops
from mousai.training.data.pairs import Pairs
from mousai.training.data.songs import latent_songs, split_songs
from mousai.training.run import train

from .conftest import write_song

LEADS = ("flute", "piano", "oboe")


def songs(*seeds: int, frames: int = 30) -> FolderSongs:
    """Latents that count frames, one for each seed; those of the same seed differ in their lead alone."""
    seen: Counter[int] = Counter()
    records = []
    for number, seed in enumerate(seeds):
        lead = LEADS[seen[seed]]
        seen[seed] += 1
        fields = {"caption": f"{lead} song", "bpm": 100 + seed, "key": "A minor", "lead": lead, "seed": seed}
        records.append(Record(Path(f"music/{number}.wav"), fields))
    latents = [[torch.stack([torch.full((frames,), float(s)), torch.arange(float(frames))])] * 2 for s in seeds]
    return FolderSongs(records, latents, frame_rate=10.0)


def facts(of: FolderSongs) -> list[Mapping[str, Any]]:
    return [record.fields for record in of.records]


def crops(of: FolderSongs, **settings: object) -> LatentCrops:
    return LatentCrops(of, LatentCropConfig(frames=8, pair_by="seed", **settings), seed=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("place", ["random", "fixed"])
def test_a_pair_differs_in_its_fact_alone(place: str):
    items = [crops(songs(0, 1, 2, 0, 1, 2), place=place)[number] for number in range(120)]
    for one, other in zip(items[::2], items[1::2], strict=True):
        assert one["files"] != other["files"]
        for shared in ("latent", "noise", "t", "mask", "cond_drop_mask"):
            assert torch.equal(one[shared], other[shared])  # these songs have the same latents
        assert one["start"] == other["start"]
        assert (one["attributes"].tempo, one["attributes"].key) == (other["attributes"].tempo, other["attributes"].key)
        leads = {one["attributes"].lead, other["attributes"].lead}
        assert leads in ({"flute", "piano"}, {None})
        assert one["caption"].replace("flute", "piano") == other["caption"].replace("flute", "piano")
    assert len({float(item["t"]) for item in items}) == 60
    assert len({float(item["latent"][1, 0]) for item in items}) > (10 if place == "random" else 2)


def test_every_song_is_trained_on_as_often():
    of = songs(0, 1, 2, 0, 1, 2, 3, 4)  # the last two have no twin
    dataset = crops(of)
    seen = Counter(dataset[number]["files"] for number in range(16 * 40))
    assert sum(seen.values()) == 640 and set(seen) == {str(record.path) for record in of.records}
    assert all(60 <= count <= 100 for count in seen.values()), seen  # 80 each: drawn itself, and by its partner


def test_one_without_a_twin_is_followed_by_another_song_under_other_noise():
    of = songs(0, 0, 1, 2, 3)
    dataset = crops(of)
    pairs = [(dataset[2 * k], dataset[2 * k + 1]) for k in range(50)]
    alone = [(one, other) for one, other in pairs if int(one["latent"][0, 0]) > 0]
    assert len(alone) == 30
    for one, other in alone:
        assert not torch.equal(one["noise"], other["noise"]) and one["t"] != other["t"]


def test_of_several_each_comes():
    pairs = Pairs(facts(songs(7, 7, 7, 8)), "seed", seed=0)
    assert {pairs.partner(0, pair) for pair in range(30)} == {1, 2}
    assert pairs.partner(1, 5) == pairs.partner(1, 5) and pairs.partner(3, 5) is None


def test_validation_hears_song_by_song():
    of, items = songs(0, 0, 1, 1), LatentCropConfig(frames=8, pair_by="seed")
    held = LatentCrops(of, items, seed=1, count=4)
    assert [float(held[number]["t"]) for number in range(4)] == [0.125, 0.375, 0.625, 0.875]
    assert {held[number]["files"] for number in range(4)} == {str(record.path) for record in of.records}


def test_twins_are_held_out_together(tmp_path: Path):
    of = songs(*range(100), *range(100))
    settings = LatentDiffusionTrainingConfig(
        data="music", out=str(tmp_path), loop=LoopConfig(max_steps=1), crops=LatentCropConfig(pair_by="seed")
    )
    kept, apart = split_songs(of, settings)
    assert isinstance(kept, FolderSongs) and isinstance(apart, FolderSongs) and len(kept) + len(apart) == 200
    ours, theirs = ({record.fields["seed"] for record in some.records} for some in (kept, apart))
    assert theirs and not ours & theirs


def test_a_shorter_twin_is_cut_where_it_has_music():
    of = songs(0, 0)
    of.latents[1] = [latent[:, :12] for latent in of.latents[1]]
    items = [crops(of, place="fixed")[number] for number in range(40)]
    assert all(item["mask"].all() for item in items)
    assert {float(item["latent"][1, 0]) for item in items if item["files"] == "music/1.wav"} == {0.0, 4.0}


@pytest.mark.parametrize(
    ("of", "field", "message"),
    [
        (songs(0, 1, 2), "seed", "crops.pair_by='seed': no two songs have the same seed in their metadata"),
        (songs(0, 0), "take", "crops.pair_by='take': no two songs have the same take in their metadata"),
        (songs(*range(70)), "key", "crops.pair_by='key': 70 songs have the same, 'A minor'; name a field"),
    ],
)
def test_without_twins_it_is_refused(of: FolderSongs, field: str, message: str):
    with pytest.raises(UserError, match=message):
        Pairs(facts(of), field, seed=0)


def test_it_is_refused_before_anything_is_encoded(tmp_path: Path, make_settings: Callable[..., Any], saved_model: Path):
    settings = make_settings("latent-diffusion", tmp_path / "run", max_steps=1, pair_by="take")
    with pytest.raises(UserError, match=r"crops\.pair_by='take': no two songs have the same take"):
        latent_songs(settings, saved_model, frame_rate=46.875)
    assert not (tmp_path / "run").exists()


def test_shards_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mousai.training.data.songs.is_shards", lambda data: True)
    settings = LatentDiffusionTrainingConfig(
        data="pipe:x", out=str(tmp_path), loop=LoopConfig(max_steps=1), crops=LatentCropConfig(pair_by="seed")
    )
    with pytest.raises(UserError, match=r"crops\.pair_by='seed': is for a folder of songs; these lie in shards"):
        latent_songs(settings, tmp_path, frame_rate=46.875)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"crops": {"pair_by": ""}}, "crops.pair_by='': names no field"),
        ({"crops": {"pair_by": "seed"}, "loop": {"batch": 3}}, "loop.batch=3: a step must see an even number of items"),
    ],
)
def test_settings_that_hear_no_pairs_are_refused(wrong: dict[str, dict[str, object]], message: str):
    with pytest.raises(UserError, match=message):
        LatentDiffusionTrainingConfig(
            data="music",
            out="run",
            loop=LoopConfig(max_steps=1, **wrong.get("loop", {})),  # type: ignore[arg-type]
            crops=LatentCropConfig(**wrong["crops"]),  # type: ignore[arg-type]
        )


def test_a_field_without_a_name_holds_no_song_out(tmp_path: Path):
    """A table written with its index has a column that is called nothing."""
    of = songs(*range(100))
    numbered = [Record(record.path, {**record.fields, "": str(k)}) for k, record in enumerate(of.records)]
    settings = LatentDiffusionTrainingConfig(data="music", out=str(tmp_path), loop=LoopConfig(max_steps=1))
    apart = [split_songs(some, settings)[1] for some in (of, FolderSongs(numbered, of.latents, of.frame_rate))]
    assert [record.path for record in apart[0].records] == [record.path for record in apart[1].records]  # type: ignore[union-attr]


def test_a_run_on_twins_goes_on_where_it_was(tmp_path: Path, make_settings: Callable[..., Any]):
    for take in range(3):
        for lead in LEADS[:2]:
            path = tmp_path / "music" / f"{lead}-{take}.wav"
            path.parent.mkdir(exist_ok=True)
            write_song(path, number=take)
            path.with_suffix(".json").write_text(json.dumps({"caption": f"{lead} song", "take": take}))
    settings = {"data": str(tmp_path / "music"), "pair_by": "take"}
    for steps in (1, 2):
        assert train(make_settings("latent-diffusion", tmp_path / "run", max_steps=steps, **settings)) == 0
    with pytest.raises(UserError, match=r"crops\.pair_by: 'take' in the run, None given"):
        train(make_settings("latent-diffusion", tmp_path / "run", max_steps=3, data=settings["data"]))
