"""The inputs of the U-Net: wrong ones are refused by name, and an encoded context stands for its tokens."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from unet1d import Level, UNet1d
from unet1d.checks import check_signal

Inputs = Callable[..., tuple[tuple[Tensor, Tensor], dict[str, Any]]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": torch.zeros(2, 4, 12)}, r"x: expected \[batch, channels=3, length of 1 or more\], got \[2, 4, 12\]"),
        ({"x": torch.zeros(2, 3, 0)}, r"x: expected .* got \[2, 3, 0\]"),
        ({"t": torch.zeros(())}, r"t: expected \[batch=2\], got \[\]"),
        ({"context": None, "context_mask": None}, "context is missing: .*features=6"),
        ({"context": torch.zeros(2, 5, 7)}, r"context: expected \[batch=2, .*features=6\], got \[2, 5, 7\]"),
        ({"context": torch.zeros(2, 0, 6)}, r"context: expected .*tokens of 1 or more.* got \[2, 0, 6\]"),
        ({"context": torch.zeros(1, 5, 6)}, r"context: expected \[batch=2, .* got \[1, 5, 6\]"),
        ({"context_mask": torch.ones(2, 4, dtype=torch.bool)}, r"context_mask: expected \[batch=2, tokens=5\], got"),
        ({"context_mask": torch.ones(2, 5)}, r"context_mask: expected bool .* got torch\.float32"),
        ({"inject": None}, r"inject\[1\] is missing: expected \[batch=2, channels=4, length=6\] \(= ceil\(12 / 2\)\)"),
        ({"inject": {1: torch.zeros(2, 4, 6)}}, r"inject\[2\] is missing: .*length=2\] \(= ceil\(12 / 6\)\)"),
        (
            {"inject": {1: torch.zeros(2, 4, 5), 2: torch.zeros(2, 2, 2)}},
            r"inject\[1\]: expected \[batch=2, channels=4, length=6\] .* got \[2, 4, 5\]",
        ),
        ({"inject": {0: torch.zeros(2, 4, 6)}}, r"inject\[0\]: nothing is injected there; .*: \[1, 2\]"),
    ],
)
def test_wrong_inputs_are_named(everything: UNet1d, make_inputs: Inputs, change: dict[str, Any], message: str) -> None:
    (x, t), conditions = make_inputs(everything.config, 2, 12)
    arguments = {"x": x, "t": t, **conditions, **change}
    with pytest.raises(ValueError, match=message):
        everything(**arguments)


def test_an_encoded_context_stands_for_its_tokens(everything: UNet1d, make_inputs: Inputs) -> None:
    (x, t), conditions = make_inputs(everything.config, 3, 24)
    context, mask = conditions.pop("context"), conditions.pop("context_mask")
    mask[1] = False  # an item without a token
    with torch.no_grad():
        for tokens, given in ((context, mask), (context, None)):
            whole = everything(x, t, context=tokens, context_mask=given, **conditions)
            encoded = everything.encode_context(tokens, given)
            assert torch.equal(everything(x, t, context=encoded, **conditions), whole)
            # Encoded apart, then joined as guidance does it.
            halves = [everything.encode_context(tokens[s], None if given is None else given[s]) for s in ([0], [1, 2])]
            joined = {name: torch.cat([half[name] for half in halves]) for name in encoded}
            torch.testing.assert_close(everything(x, t, context=joined, **conditions), whole)


def test_an_encoded_context_that_does_not_fit_is_refused(everything: UNet1d, make_inputs: Inputs) -> None:
    (x, t), conditions = make_inputs(everything.config, 2, 24)
    context, mask = conditions.pop("context"), conditions.pop("context_mask")
    encoded = everything.encode_context(context, mask)
    with pytest.raises(ValueError, match="was encoded for a batch of 1, x is a batch of 2"):
        everything(x, t, context={name: tensor[:1] for name, tensor in encoded.items()}, **conditions)
    with pytest.raises(ValueError, match="neither a tensor nor the output of this U-Net's encode_context"):
        everything(x, t, context={}, **conditions)
    with pytest.raises(ValueError, match="has its mask in it"):
        everything(x, t, context=encoded, context_mask=mask, **conditions)
    with pytest.raises(ValueError, match=r"context: expected .*features=6"):
        everything.encode_context(context[..., :5])
    with pytest.raises(ValueError, match="no level of this U-Net has cross_attention"):
        UNet1d(dataclasses.replace(everything.config, levels=(Level(channels=8),), context_features=0)).encode_context(
            context
        )


@pytest.mark.parametrize(
    ("unwanted", "message"),
    [
        ({"context": torch.zeros(1, 5, 6)}, "context given, but no level of this U-Net has cross_attention"),
        ({"context_mask": torch.ones(1, 5, dtype=torch.bool)}, "context_mask given without context"),
        ({"inject": {1: torch.zeros(1, 1, 8)}}, r"inject\[1\]: nothing is injected there; .*: none"),
    ],
)
def test_unwanted_inputs_are_named(plain: UNet1d, unwanted: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plain(torch.zeros(1, 3, 16), torch.zeros(1), **unwanted)


def test_a_misspelt_argument_is_an_error(plain: UNet1d) -> None:
    with pytest.raises(TypeError, match="contxt"):
        plain(torch.zeros(1, 3, 16), torch.zeros(1), contxt=None)


@pytest.mark.parametrize(
    ("t", "message"),
    [
        (
            torch.tensor([500, 20]),
            r"t: expected floating-point times in \[0, 1\], got torch\.int64; divide",
        ),
        (
            torch.tensor([500.0, 0.5]),
            r"t: expected times in \[0, 1\], got 0\.5 to 500; divide timesteps by their",
        ),
        (torch.tensor([0.2, -0.1]), r"t: expected times in \[0, 1\], got -0\.1 to 0\.2"),
        (torch.tensor([0.2, float("nan")]), r"t: expected times in \[0, 1\], got nan"),
    ],
)
def test_timesteps_are_refused(plain: UNet1d, t: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plain(torch.zeros(2, 3, 16), t)


def test_both_ends_of_time_are_taken(plain: UNet1d) -> None:
    assert plain(torch.zeros(2, 3, 16), torch.tensor([0.0, 1.0])).isfinite().all()


def test_the_check_of_t_lets_compiled_vmapped_and_meta_tensors_through(plain: UNet1d) -> None:
    def checked(x: Tensor, t: Tensor) -> Tensor:
        check_signal(plain.config, x, t)
        return x + 1

    x, t = torch.zeros(4, 2, 3, 16), torch.full((4, 2), 0.5)
    compiled = torch.compile(checked, backend="eager", fullgraph=True)
    assert torch.equal(compiled(x[0], t[0]), x[0] + 1)
    assert torch.equal(torch.vmap(checked)(x, t), x + 1)
    assert torch.equal(torch.func.grad(lambda t: checked(x[0], t).sum() * t.sum())(t[0]), torch.full((2,), 96.0))
    assert checked(x[0].to("meta"), t[0].to("meta")).shape == (2, 3, 16)
