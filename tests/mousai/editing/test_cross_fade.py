"""Where old sound and new meet: cross-fades, and the level of the surroundings."""

import pytest
import torch

from mousai import Mousai
from mousai.editing import CROSS_FADE, at_level_of, cross_fade
from tests.mousai.editing.recordings import music


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
