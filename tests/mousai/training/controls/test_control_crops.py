"""What stage 2 sees of the controls of its songs: any subset of them, in the time of the crop, and of its latent."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mousai import UserError
from mousai.conditioning.control_signal import control_signal
from mousai.conditioning.controls import Controls
from mousai.data.annotation import controls_of
from mousai.data.records import Record
from mousai.training.config import ControlConfig, LatentCropConfig
from mousai.training.data.control_draws import draw_known, drop_controls
from mousai.training.data.folder_songs import FolderSongs
from mousai.training.data.latent_crops import LatentCrops
from mousai.training.resident.latents import ResidentLatents

ALL = ControlConfig(channels=("chords", "melody", "section", "known"))
ROW = {
    "caption": "a song",
    "chords": [[0.0, 1.0, "C"], [1.0, 2.0, "D"], [2.0, 4.0, "E"]],
    "melody": [[0.25, 0.75, 60], [2.0, 2.5, 64]],
    "sections": [[0.0, 2.0, "verse"], [2.0, 4.0, "chorus"]],
}


def songs(frames: int = 40) -> FolderSongs:
    """A song whose latent counts its frames, at ten a second."""
    latents = [[torch.arange(float(frames))[None]]]
    return FolderSongs([Record(Path("0.wav"), ROW)], latents, frame_rate=10.0)


def test_each_control_is_left_out_by_itself() -> None:
    each = {"chords_dropout": 0.2, "melody_dropout": 0.5, "section_dropout": 0.8}
    config = ControlConfig(channels=ALL.channels, **each, controls_dropout=0.0)
    rng, known = np.random.default_rng(0), controls_of(ROW)
    drawn = [drop_controls(known, config, rng) for _ in range(2000)]
    told = Counter((one.chords is not None, one.melody is not None, one.sections is not None) for one in drawn)
    for chords in (True, False):
        for melody in (True, False):
            for sections in (True, False):
                share = (0.8 if chords else 0.2) * 0.5 * (0.2 if sections else 0.8)
                assert told[chords, melody, sections] / 2000 == pytest.approx(share, abs=0.04)
    assert {one.chords for one in drawn} == {None, known.chords}
    two = ControlConfig(channels=("melody",), melody_dropout=0.0, controls_dropout=0.0)
    assert drop_controls(known, two, rng) == type(known)(melody=known.melody)


def test_all_of_them_are_left_out_together_in_half_of_the_crops() -> None:
    each = {"chords_dropout": 0.0, "melody_dropout": 0.0, "section_dropout": 0.0}
    config, rng, known = ControlConfig(channels=ALL.channels, **each), np.random.default_rng(0), controls_of(ROW)
    drawn = [drop_controls(known, config, rng) for _ in range(2000)]
    assert sum(one == Controls() for one in drawn) / 2000 == pytest.approx(0.5, abs=0.04)
    assert sum(one == known for one in drawn) + sum(one == Controls() for one in drawn) == 2000


@pytest.mark.parametrize("length", [64, 40, 5, 1])
def test_what_is_known_is_a_beginning_an_end_or_all_but_gaps(length: int) -> None:
    rng, kinds = np.random.default_rng(1), Counter()
    for _ in range(400):
        known = draw_known(64, length, ALL, rng)
        assert known.shape == (1, 64) and known.dtype == torch.bool and not bool(known[:, length:].any())
        assert not bool(known[:, :length].all())  # something is left to learn
        inside = known[0, :length]
        changes = int((inside[1:] != inside[:-1]).sum())
        kinds["nothing" if not inside.any() else f"{'known' if inside[0] else 'new'} first, {changes} changes"] += 1
    if length == 1:
        assert kinds == {"nothing": 400}
        return
    assert 140 < kinds["nothing"] < 260
    assert min(kinds["known first, 1 changes"], kinds["new first, 1 changes"]) > 15
    if length == 64:
        assert min(kinds["known first, 2 changes"], kinds["known first, 4 changes"]) > 15
    never = ControlConfig(channels=("chords",), known_share=1.0)
    assert not bool(draw_known(64, 64, never, rng).any())


def test_a_crop_has_the_controls_of_its_place_in_the_song() -> None:
    config = ControlConfig(channels=ALL.channels, chords_dropout=0.0, melody_dropout=0.0, section_dropout=0.0)
    config = replace(config, controls_dropout=0.0)
    crops = LatentCrops(songs(), LatentCropConfig(frames=8, offsets=1), controls=config, seed=1)
    names, firsts = ["chords", "melody", "section"], set()
    whole = control_signal([controls_of(ROW)], names=names, frames=40, frame_rate=10.0)[0]
    for number in range(30):
        item = crops[number]
        first = int(item["latent"][0, 0])
        found = control_signal([item["controls"]], names=names, frames=8, frame_rate=10.0, starts=[item["start"]])[0]
        assert torch.equal(found, whole[:, first : first + 8])
        firsts.add(first)
    assert len(firsts) > 5


def test_an_item_depends_on_its_number_alone_and_controls_change_nothing_else() -> None:
    settings = LatentCropConfig(frames=8, offsets=1)
    plain, told, again = (LatentCrops(songs(), settings, controls=controls, seed=1) for controls in (None, ALL, ALL))
    assert "known_mask" not in plain[0] and "controls" not in plain[0]
    for number in (5, 0, 11):
        one, other, bare = told[number], again[number], plain[number]
        assert one["controls"] == other["controls"] and torch.equal(one["known_mask"], other["known_mask"])
        for key, value in bare.items():
            assert torch.equal(value, one[key]) if isinstance(value, torch.Tensor) else value == one[key]
    drawn = [told[number] for number in range(60)]
    assert (
        len({item["controls"] for item in drawn}) == 8 and len({tuple(i["known_mask"][0].tolist()) for i in drawn}) > 8
    )


def test_padding_is_never_known() -> None:
    crops = LatentCrops(songs(6), LatentCropConfig(frames=16, offsets=1), controls=ALL, seed=1)
    for number in range(40):
        item = crops[number]
        assert not bool((item["known_mask"] & ~item["mask"]).any())
        assert bool((item["mask"] & ~item["known_mask"]).any())


def test_latents_on_the_device_have_them_too() -> None:
    def data(controls: ControlConfig | None) -> ResidentLatents:
        made = ResidentLatents(
            LatentCropConfig(frames=8, offsets=1),
            controls=controls,
            channels=1,
            capacity=80,
            frame_rate=10.0,
            device=torch.device("cpu"),
            seed=0,
            validation=1,
        )
        for name in ("one", "two"):
            made.add(name, songs().latents[0], ROW)
        return made

    plain, told = data(None).batch(8, 4), data(ALL).batch(8, 4)
    assert told["known_mask"].shape == (4, 1, 8) and len(told["controls"]) == 4
    assert plain["start"] == told["start"] and torch.equal(plain["latent"], told["latent"])
    assert torch.equal(told["known_mask"], data(ALL).batch(8, 4)["known_mask"])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"channels": ("drums",)}, r"controls\.channels=.*: must be some of chords, melody, section, known, each once"),
        ({"channels": ("chords", "chords")}, "each once"),
        ({"chords_dropout": 1.5}, "controls.chords_dropout"),
        ({"known_share": -0.1}, "controls.known_share"),
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        ControlConfig(**wrong)
