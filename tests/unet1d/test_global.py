"""What is said of a whole item reaches all of it, and a net that is given such a condition later starts as it was."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from unet1d import GlobalEmbedding, Level, UNet1d, UNet1dConfig

Inputs = Callable[..., tuple[tuple[Tensor, Tensor], dict[str, Any]]]


@pytest.fixture
def told(everything: UNet1d) -> UNet1d:
    """The U-Net with everything, which also listens to five numbers, and has learned to."""
    net = UNet1d(dataclasses.replace(everything.config, global_features=5, global_hidden=7))
    assert net.global_embedding is not None
    torch.nn.init.normal_(net.global_embedding.mix.weight)
    return net


def test_a_net_that_is_given_one_later_starts_as_it_was(everything: UNet1d, make_inputs: Inputs) -> None:
    net = UNet1d(dataclasses.replace(everything.config, global_features=5))
    missing, unexpected = net.load_state_dict(everything.state_dict(), strict=False)
    assert all(name.startswith("global_embedding.") for name in missing) and not unexpected
    (x, t), conditions = make_inputs(everything.config, 2, 24)
    again = net(x, t, global_condition=torch.randn(2, 5), **conditions)
    assert torch.equal(again, everything(x, t, **conditions))
    again.square().mean().backward()
    assert net.global_embedding.mix.weight.grad.abs().sum() > 0  # and yet it learns


def test_it_reaches_every_position_of_its_own_item_alone(told: UNet1d, make_inputs: Inputs) -> None:
    (x, t), conditions = make_inputs(told.config, 2, 24)
    one = torch.randn(2, 5)
    other = torch.stack([one[0], one[1] + 1])
    with torch.no_grad():
        before, after = (told(x, t, global_condition=given, **conditions) for given in (one, other))
    torch.testing.assert_close(after[0], before[0])
    assert float((after[1] - before[1]).abs().amin(dim=0).min()) > 0


def test_the_embedding_is_two_linears_around_a_silu() -> None:
    embedding = GlobalEmbedding(3, 4, hidden=6)
    torch.nn.init.normal_(embedding.mix.weight)
    torch.nn.init.normal_(embedding.mix.bias)
    given = torch.randn(2, 3)
    inner = given @ embedding.project.weight.T + embedding.project.bias
    outer = (inner / (1 + torch.exp(-inner))) @ embedding.mix.weight.T + embedding.mix.bias
    torch.testing.assert_close(embedding(given), outer)


def test_every_weight_of_it_is_trained_and_checkpointing_changes_nothing(told: UNet1d, make_inputs: Inputs) -> None:
    (x, t), conditions = make_inputs(told.config, 2, 24)
    gradients = []
    for checkpointing in (False, True):
        told.set_checkpointing(checkpointing)
        told.zero_grad()
        told(x, t, global_condition=torch.ones(2, 5), **conditions).square().mean().backward()
        gradients.append({name: weight.grad.clone() for name, weight in told.named_parameters()})
    for name, gradient in gradients[0].items():
        assert gradient.abs().sum() > 0 or not name.startswith("global_embedding")
        torch.testing.assert_close(gradients[1][name], gradient)


def test_it_is_taken_in_any_type(told: UNet1d, make_inputs: Inputs) -> None:
    (x, t), conditions = make_inputs(told.config, 2, 24)
    given = torch.randn(2, 5)
    with torch.no_grad():
        exact = told(x, t, global_condition=given, **conditions)
        torch.testing.assert_close(told(x, t, global_condition=given.double(), **conditions), exact)
        rough = told.to(torch.bfloat16)(x, t, global_condition=given, **conditions)
    assert float((rough - exact).square().mean().sqrt() / exact.std()) < 0.05


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (None, r"global_condition is missing: expected \[batch=2, features=5\]"),
        (torch.zeros(2, 4), r"global_condition: expected \[batch=2, features=5\], got \[2, 4\]"),
        (torch.zeros(1, 5), r"global_condition: expected \[batch=2, features=5\], got \[1, 5\]"),
    ],
)
def test_a_wrong_one_is_named(told: UNet1d, make_inputs: Inputs, condition: Tensor | None, message: str) -> None:
    (x, t), conditions = make_inputs(told.config, 2, 24)
    with pytest.raises(ValueError, match=message):
        told(x, t, global_condition=condition, **conditions)


def test_an_unwanted_one_is_named(plain: UNet1d) -> None:
    with pytest.raises(ValueError, match="global_condition given, but global_features of this U-Net is 0"):
        plain(torch.zeros(1, 3, 16), torch.zeros(1), global_condition=torch.zeros(1, 5))


@pytest.mark.parametrize("change", [{"global_features": -1}, {"global_features": 1.5}, {"global_hidden": 0}])
def test_impossible_widths_are_named(change: dict[str, Any]) -> None:
    (name,) = change
    with pytest.raises(ValueError, match=f"UNet1dConfig: {name} must be an integer of"):
        UNet1dConfig(in_channels=3, levels=(Level(channels=8),), **change)
