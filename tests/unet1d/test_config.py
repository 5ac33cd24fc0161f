"""Configs check themselves and survive the way through JSON."""

import json
from typing import Any

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
