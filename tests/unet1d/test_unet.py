"""What the U-Net promises as a whole."""

import copy
import dataclasses
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from unet1d import Attention, FeedForward, Level, ResidualBlock, UNet1d, UNet1dConfig, UNetBlock, UNetLevel

Inputs = Callable[..., tuple[tuple[Tensor, Tensor], dict[str, Any]]]

LEVEL = st.builds(
    Level,
    channels=st.sampled_from([4, 8]),
    factor=st.integers(1, 3),
    num_blocks=st.integers(1, 2),
    attention=st.booleans(),
    cross_attention=st.booleans(),
    inject_channels=st.integers(0, 2),
)


@given(
    levels=st.lists(LEVEL, min_size=1, max_size=3),
    length=st.integers(1, 30),
    batch=st.integers(1, 2),
    out_channels=st.sampled_from([None, 2]),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_length_and_any_levels_give_the_length_back(
    levels: list[Level], length: int, batch: int, out_channels: int | None, make_inputs: Inputs
) -> None:
    config = UNet1dConfig(
        in_channels=3,
        out_channels=out_channels,
        levels=tuple(levels),
        modulation_features=6,
        context_features=5 if any(level.cross_attention for level in levels) else 0,
        attention_heads=2,
        attention_head_features=4,
        groups=4,
        fourier_features=4,
    )
    net = UNet1d(config)
    lengths: dict[int, int] = {}

    def note(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        for depth, level in enumerate(net.levels):
            if any(module is item for item in level.modules()):
                lengths[depth] = output.shape[1]

    for module in net.modules():
        if isinstance(module, UNetBlock):
            module.register_forward_hook(note)
    args, conditions = make_inputs(config, batch, length)
    with torch.no_grad():
        y = net(*args, **conditions)
    assert y.shape == (batch, out_channels or 3, length)
    assert y.isfinite().all()
    assert [lengths[depth] for depth in range(len(levels))] == [
        math.ceil(length / config.factor_at(depth)) for depth in range(len(levels))
    ]


def test_an_item_does_not_depend_on_its_batch_mates(everything: UNet1d, make_inputs: Inputs) -> None:
    (x, t), conditions = make_inputs(everything.config, 3, 17)
    together = everything(x, t, **conditions)
    for i in range(3):
        one = slice(i, i + 1)
        alone = everything(
            x[one],
            t[one],
            context=conditions["context"][one],
            context_mask=conditions["context_mask"][one],
            inject={depth: signal[one] for depth, signal in conditions["inject"].items()},
        )
        torch.testing.assert_close(alone, together[one], rtol=1e-6, atol=1e-6)


def test_every_parameter_gets_a_gradient(everything: UNet1d, make_inputs: Inputs) -> None:
    args, conditions = make_inputs(everything.config, 2, 13)
    everything(*args, **conditions).square().sum().backward()
    dead = [name for name, p in everything.named_parameters() if p.grad is None or not p.grad.any()]
    assert dead == []


def test_every_input_reaches_the_output(everything: UNet1d, make_inputs: Inputs) -> None:
    (x, t), conditions = make_inputs(everything.config, 2, 13)
    inputs = [x, t, conditions["context"], *conditions["inject"].values()]
    for tensor in inputs:
        tensor.requires_grad_()
    everything(x, t, **conditions).square().sum().backward()
    assert all(tensor.grad is not None and tensor.grad.any() for tensor in inputs)


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("place", [0.2, 0.5, 0.8])
def test_what_is_injected_arrives_at_its_own_place(
    everything: UNet1d, make_inputs: Inputs, depth: int, place: float
) -> None:
    (x, t), conditions = make_inputs(everything.config, 1, 120)
    before = everything(x, t, **conditions)
    factor = everything.config.factor_at(depth)
    position = round(place * 120 / factor)
    signal = conditions["inject"][depth].clone()
    signal[:, :, position] += 10
    after = everything(x, t, **{**conditions, "inject": {**conditions["inject"], depth: signal}})
    strongest = int((after - before).abs().sum(dim=(0, 1)).argmax())
    assert (position - 2) * factor <= strongest < (position + 3) * factor


@pytest.mark.parametrize("content", [1e6, math.nan])
def test_a_masked_token_cannot_change_the_output(everything: UNet1d, make_inputs: Inputs, content: float) -> None:
    args, conditions = make_inputs(everything.config, 2, 13)
    mask = conditions["context_mask"]
    poisoned = conditions["context"].masked_fill(~mask[..., None], content)
    assert torch.equal(everything(*args, **{**conditions, "context": poisoned}), everything(*args, **conditions))
    other = conditions["context"] + 1.0 * mask[..., None]
    assert not torch.equal(everything(*args, **{**conditions, "context": other}), everything(*args, **conditions))


def test_no_token_at_all_is_finite_and_ignores_the_context(everything: UNet1d, make_inputs: Inputs) -> None:
    args, conditions = make_inputs(everything.config, 2, 13)
    conditions["context_mask"] = torch.zeros(2, 5, dtype=torch.bool)
    y = everything(*args, **conditions)
    assert y.isfinite().all()
    conditions["context"] = torch.randn(2, 5, 6)
    assert torch.equal(everything(*args, **conditions), y)


def test_time_changes_the_output(plain: UNet1d) -> None:
    x = torch.randn(1, 3, 16)
    assert not torch.allclose(plain(x, torch.tensor([0.2])), plain(x, torch.tensor([0.7])), atol=1e-4)


def overwrite(module: nn.Module) -> None:
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_()


def test_a_deep_copy_computes_with_its_own_weights(everything: UNet1d, make_inputs: Inputs) -> None:
    args, conditions = make_inputs(everything.config, 2, 13)
    before = everything(*args, **conditions)
    twin = copy.deepcopy(everything)
    overwrite(everything)
    assert torch.equal(twin(*args, **conditions), before)
    overwritten = everything(*args, **conditions)
    overwrite(twin)
    assert torch.equal(everything(*args, **conditions), overwritten)
    assert not torch.allclose(overwritten, before)


def test_a_state_dict_copy_computes_with_its_own_weights(everything: UNet1d, make_inputs: Inputs) -> None:
    args, conditions = make_inputs(everything.config, 2, 13)
    before = everything(*args, **conditions)
    twin = UNet1d(everything.config)
    assert not torch.equal(twin(*args, **conditions), before)
    twin.load_state_dict({key: value.clone() for key, value in everything.state_dict().items()}, strict=True)
    overwrite(everything)
    assert torch.equal(twin(*args, **conditions), before)


def test_no_two_parameters_share_memory(everything: UNet1d) -> None:
    """Otherwise safetensors would refuse the state dict."""
    places = [value.data_ptr() for value in everything.state_dict().values()]
    assert len(set(places)) == len(places)
    assert all(value.is_contiguous() for value in everything.state_dict().values())


def test_checkpointing_changes_memory_and_nothing_else(everything: UNet1d, make_inputs: Inputs) -> None:
    args, conditions = make_inputs(everything.config, 2, 13)
    calls = []
    first = everything.get_submodule("levels.0.down_blocks.0")
    first.register_forward_pre_hook(lambda *_: calls.append(1))

    def gradients() -> list[Tensor]:
        calls.clear()
        everything.zero_grad()
        everything(*args, **conditions).square().sum().backward()
        return [p.grad.clone() for p in everything.parameters() if p.grad is not None]

    expected = gradients()
    assert len(calls) == 1
    everything.set_checkpointing(True)
    for actual, wanted in zip(gradients(), expected, strict=True):
        torch.testing.assert_close(actual, wanted, rtol=1e-6, atol=1e-6)
    assert len(calls) == 2  # forward, and again in backward
    with torch.no_grad():
        everything(*args, **conditions)
    assert len(calls) == 3  # no gradient wanted: nothing computed twice


def test_zero_init_residual_silences_every_residual_branch(everything: UNet1d, make_inputs: Inputs) -> None:
    net = UNet1d(UNet1dConfig.from_dict({**everything.config.to_dict(), "zero_init_residual": True}))
    args, conditions = make_inputs(net.config, 2, 12)
    seen = []

    def unchanged(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        assert torch.equal(output, inputs[0])
        seen.append(type(module))

    for module in net.modules():
        if isinstance(module, ResidualBlock | Attention | FeedForward):
            module.register_forward_hook(unchanged)
    net(*args, **conditions)
    assert set(seen) == {ResidualBlock, Attention, FeedForward}


def levels_of_the_paper(
    channels: tuple[int, ...], factors: tuple[int, ...], items: tuple[int, ...], **more: tuple[Any, ...]
) -> tuple[Level, ...]:
    return tuple(
        Level(channels=channels[d], factor=factors[d], num_blocks=items[d], **{key: more[key][d] for key in more})
        for d in range(len(channels))
    )


def count(config: UNet1dConfig) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in UNet1d(config).parameters())


def test_the_paper_s_stage_1_counts_as_the_authors_code_does() -> None:
    levels = levels_of_the_paper(
        (256, 512, 512, 512, 1024, 1024, 1024),
        (1, 2, 2, 2, 2, 2, 2),
        (1, 2, 2, 2, 2, 2, 2),
        inject_channels=(0, 0, 0, 0, 32, 0, 0),
    )
    assert count(UNet1dConfig(in_channels=256, levels=levels)) == 160_604_032


@pytest.mark.parametrize(("factor", "parameters"), [(0, 562_508_096), (2, 857_658_176)])
def test_the_paper_s_stage_2_counts_857m_with_feed_forwards(factor: int, parameters: int) -> None:
    """The authors' published code has none: 562,557,248, of which 64 x 768 are the learned null embedding."""
    levels = levels_of_the_paper(
        (128, 256, 512, 512, 1024, 1024),
        (1, 2, 2, 2, 2, 2),
        (2, 2, 2, 4, 8, 8),
        attention=(False, False, True, True, True, True),
        cross_attention=(True,) * 6,
    )
    config = UNet1dConfig(
        in_channels=32, levels=levels, context_features=768, attention_heads=12, feed_forward_factor=factor
    )
    assert count(config) == parameters


def test_levels_are_named_modules(everything: UNet1d) -> None:
    """The names of the weights are part of the format of saved models."""
    assert [type(level) for level in everything.levels] == [UNetLevel] * 3
    names = set(everything.state_dict())
    assert {
        "embedding.frequencies",
        "levels.0.down.project.weight",
        "levels.1.down_blocks.1.residual.conv2.weight",
        "levels.1.up_blocks.0.modulation.to_scale_shift.bias",
        "levels.2.up_blocks.0.injection.merge.weight",
        "levels.2.down_blocks.0.attention.to_kv.weight",
        "levels.2.down_blocks.0.feed_forward.expand.weight",
        "levels.2.up_blocks.0.cross_attention.norm_context.weight",
        "levels.2.up_blocks.0.cross_feed_forward.contract.bias",
        "levels.2.up.conv.weight",
        "levels.0.skip.adapt.weight",
        "levels.2.skip.to_scale.weight",
    } <= names


def test_without_the_outer_skip_the_first_prediction_is_what_the_levels_make_of_the_input() -> None:
    torch.manual_seed(0)
    config = UNet1dConfig(in_channels=4, levels=(Level(channels=16), Level(channels=16, factor=2)), outer_skip=False)
    net = UNet1d(config)
    torch.nn.init.zeros_(net.levels[0].up.conv.weight)
    torch.nn.init.zeros_(net.levels[0].up.conv.bias)
    x, t = torch.randn(2, 4, 9), torch.tensor([0.2, 0.9])
    assert torch.equal(net(x, t), torch.zeros_like(x))
    with_skip = UNet1d(dataclasses.replace(config, outer_skip=True))
    with_skip.load_state_dict(net.state_dict())  # the same parameters: the skip has none of its own here
    assert torch.allclose(with_skip(x, t), x, atol=1e-6)
