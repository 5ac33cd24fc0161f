"""Configs check themselves and survive the way through JSON."""

import json
from typing import Any

import numpy as np
import pytest

from unet1d import Level, UNet1dConfig

LEVELS = (
    Level(channels=8),
    Level(channels=16, factor=2, num_blocks=3, inject_channels=5),
    Level(channels=24, factor=4),
)


def test_a_config_survives_json() -> None:
    config = UNet1dConfig(
        in_channels=3,
        levels=(Level(channels=8), Level(channels=16, factor=2, num_blocks=3, cross_attention=True, inject_channels=5)),
        context_features=7,
        feed_forward_factor=1.5,
        zero_init_residual=True,
    )
    assert UNet1dConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_factors_multiply_and_lengths_round_up() -> None:
    config = UNet1dConfig(in_channels=3, levels=LEVELS)
    assert config.factor == 8
    assert [config.factor_at(depth) for depth in range(3)] == [1, 2, 8]
    assert [config.length_at(depth, 17) for depth in range(3)] == [17, 9, 3]
    assert config.inject_channels == {1: 5}
    with pytest.raises(ValueError, match="depth must be 0 to 2, not 3"):
        config.factor_at(3)


def test_an_unknown_key_is_named_with_the_nearest_known_one() -> None:
    values = UNet1dConfig(in_channels=3, levels=LEVELS).to_dict()
    with pytest.raises(ValueError, match="UNet1dConfig: unknown key 'modulation_feature'; did you mean 'modulation_f"):
        UNet1dConfig.from_dict({**values, "modulation_feature": 3})
    with pytest.raises(ValueError, match="Level: unknown key 'xyzzy'; known keys: channels, factor"):
        UNet1dConfig.from_dict({**values, "levels": [{"channels": 8, "xyzzy": 1}]})


def test_a_missing_key_is_named() -> None:
    with pytest.raises(ValueError, match="in_channels"):
        UNet1dConfig.from_dict({"levels": [{"channels": 8}]})
    with pytest.raises(ValueError, match=r"Level: .*channels"):
        Level.from_dict({"factor": 2})
    with pytest.raises(ValueError, match="expected a mapping"):
        Level.from_dict([1, 2])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"in_channels": 0}, "in_channels must be an integer of 1 or more, not 0"),
        ({"in_channels": 2.0}, r"in_channels must be an integer of 1 or more, not 2\.0"),
        ({"in_channels": True}, "in_channels must be an integer"),
        ({"out_channels": 0}, "out_channels must be an integer of 1 or more, not 0"),
        ({"levels": ()}, "levels is empty"),
        ({"levels": 3}, "levels must be a tuple of Level, not 3"),
        ({"groups": 3}, r"levels\[0\]\.channels=8 is not a multiple of groups=3"),
        ({"kernel_size": 4}, "kernel_size must be odd, so that the length stays, not 4"),
        ({"fourier_features": 5}, "fourier_features must be even"),
        ({"feed_forward_factor": -1}, "feed_forward_factor must be a number of 0"),
        ({"feed_forward_factor": float("nan")}, "feed_forward_factor must be a number of 0"),
        ({"context_features": 4}, "context_features=4 but no level has cross_attention"),
        ({"levels": (Level(channels=8, cross_attention=True),)}, r"levels \[0\] have cross_attention"),
        ({"zero_init_residual": 1}, "zero_init_residual must be True or False, not 1"),
    ],
)
def test_impossible_values_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        UNet1dConfig(**{"in_channels": 3, "levels": LEVELS, **change})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channels": 0}, "channels must be an integer of 1 or more, not 0"),
        ({"factor": 0}, "factor must be an integer of 1 or more, not 0"),
        ({"num_blocks": 0}, "num_blocks must be an integer of 1 or more, not 0"),
        ({"inject_channels": -1}, "inject_channels must be an integer of 0 or more, not -1"),
        ({"attention": "yes"}, "attention must be True or False, not 'yes'"),
    ],
)
def test_impossible_levels_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match="Level: " + message):
        Level(**{"channels": 8, **change})


# ---- from lists


def test_lists_make_the_levels() -> None:
    config = UNet1dConfig.from_lists(
        [16, 32, 32],
        [1, 2, 4],
        [1, 2, 3],
        [0, 1, True],
        [False, False, 1],
        inject={1: 5},
        in_channels=2,
        context_features=7,
    )
    levels = (
        Level(channels=16),
        Level(channels=32, factor=2, num_blocks=2, attention=True, inject_channels=5),
        Level(channels=32, factor=4, num_blocks=3, attention=True, cross_attention=True),
    )
    assert config == UNet1dConfig(in_channels=2, levels=levels, modulation_features=32, context_features=7)


def test_lists_derive_what_small_nets_get_wrong_and_leave_what_is_given() -> None:
    small = UNet1dConfig.from_lists([12, 20], [1, 2], [1, 1], in_channels=2)
    assert (small.modulation_features, small.groups) == (20, 4)
    chosen = UNet1dConfig.from_lists([12, 20], [1, 2], [1, 1], in_channels=2, modulation_features=64, groups=2)
    assert (chosen.modulation_features, chosen.groups) == (64, 2)


def test_lists_of_the_paper_give_its_widths() -> None:
    channels = [128, 256, 512, 512, 1024, 1024]
    config = UNet1dConfig.from_lists(channels, [1, 2, 2, 2, 2, 2], [2, 2, 2, 4, 8, 8], in_channels=32)
    assert (config.modulation_features, config.groups) == (1024, 8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"factors": [1]}, r"factors=\[1\]: 1 entries beside 2 channels \[8, 16\]; give one per level"),
        ({"num_blocks": [1, 1, 1]}, r"num_blocks=\[1, 1, 1\]: 3 entries beside 2 channels"),
        ({"attentions": [True]}, r"attentions=\[True\]: 1 entries beside 2 channels"),
        ({"attentions": [0, 2]}, r"attentions\[1\] must be True or False \(or 1 or 0\), not 2"),
        ({"cross_attentions": ["no", 0]}, r"cross_attentions\[0\] must be True or False"),
        ({"cross_attentions": [0, 1]}, r"levels \[1\] have cross_attention but context_features=0"),
        ({"inject": {2: 4}}, "inject: there is no depth 2; the depths are 0 to 1"),
        ({"channels": [8, 0]}, "Level: channels must be an integer of 1 or more, not 0"),
        ({"channels": [], "factors": [], "num_blocks": []}, "levels is empty"),
        ({"items": [1, 2]}, "UNet1dConfig: unknown key 'items'; known keys: in_channels"),
        ({"in_channels": None}, "in_channels must be an integer of 1 or more, not None"),
    ],
)
def test_lists_that_do_not_fit_are_named(change: dict[str, Any], message: str) -> None:
    lists = {"channels": [8, 16], "factors": [1, 2], "num_blocks": [1, 1], "in_channels": 2}
    with pytest.raises(ValueError, match=message):
        UNet1dConfig.from_lists(**{**lists, **change})


def test_lists_without_in_channels_say_so() -> None:
    with pytest.raises(ValueError, match="in_channels"):
        UNet1dConfig.from_lists([8], [1], [1])


# ---- NumPy's numbers


def test_numbers_of_numpy_are_taken_and_become_python_s() -> None:
    level = Level(channels=np.int64(8), factor=np.int32(2), attention=np.bool_(True))  # type: ignore[arg-type]
    config = UNet1dConfig(in_channels=np.int64(3), levels=(level,), feed_forward_factor=np.float32(1.5))  # type: ignore[arg-type]
    assert config == UNet1dConfig(
        in_channels=3, levels=(Level(channels=8, factor=2, attention=True),), feed_forward_factor=1.5
    )
    assert UNet1dConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
