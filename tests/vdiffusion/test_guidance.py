import math
from typing import Any

import pytest
import torch
from torch import Tensor

from vdiffusion import Guidance


class Recorder:
    """A net that mixes all it is given, item by item, and counts its calls."""

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        self.batches: list[int] = []
        self.dtype = dtype

    def __call__(
        self,
        x_t: Tensor,
        t: Tensor,
        *,
        context: Tensor,
        context_mask: Tensor | None = None,
        inject: dict[int, Tensor] | None = None,
        mode: str = "plain",
    ) -> Tensor:
        self.batches.append(x_t.shape[0])
        weight = 1.0 if context_mask is None else context_mask[..., None]
        v = x_t * t[:, None, None] + (context * weight).mean((1, 2))[:, None, None]
        for depth, tensor in (inject or {}).items():
            v = v + depth * tensor.mean((1, 2))[:, None, None]
        return (v if mode == "plain" else -v).to(self.dtype)


def batch(items: int = 3) -> tuple[Tensor, Tensor, dict[str, Any], dict[str, Any]]:
    draw = torch.Generator().manual_seed(0)

    def conditions(rows: int) -> dict[str, Any]:
        return {
            "context": torch.randn(rows, 5, 8, generator=draw),
            "context_mask": torch.rand(rows, 5, generator=draw) < 0.5,
            "inject": {2: torch.randn(rows, 3, 4, generator=draw)},
            "mode": "minus",
        }

    x_t, t = torch.randn(items, 2, 16, generator=draw), torch.rand(items, generator=draw)
    return x_t, t, conditions(items), conditions(items)


@pytest.mark.parametrize("scale", [-1.0, 0.0, 0.5, 3.0, 7])
def test_one_batch_equals_two_calls(scale: float) -> None:
    x_t, t, positive, negative = batch()
    net = Recorder()
    v = Guidance(net, scale, negative)(x_t, t, **positive)
    assert net.batches == [6]
    v_positive, v_negative = net(x_t, t, **positive), net(x_t, t, **negative)
    torch.testing.assert_close(v, v_negative + scale * (v_positive - v_negative))


@pytest.mark.parametrize("scale", [1, 3.0])
def test_a_part_of_the_conditions_has_a_scale_of_its_own(scale: float) -> None:
    x_t, t, positive, negative = batch()
    partial = positive | {"inject": {2: torch.zeros(3, 3, 4)}}
    net = Recorder()
    v = Guidance(net, scale, negative, partial_negative=partial, partial_scale=4.0)(x_t, t, **positive)
    assert net.batches == [3 if scale == 1 else 6, 3]
    v_positive, v_negative, v_partial = (net(x_t, t, **each) for each in (positive, negative, partial))
    torch.testing.assert_close(v, v_negative + scale * (v_positive - v_negative) + 4 * (v_positive - v_partial))


def test_the_partial_scale_ends_at_t_min() -> None:
    x_t, _, positive, negative = batch()
    net = Recorder()
    guided = Guidance(net, 3.0, negative, partial_negative=negative, partial_scale=4.0, t_min=0.4)
    for t, calls in ((0.41, 2), (0.39, 1), (0.1, 1)):
        net.batches.clear()
        v = guided(x_t, torch.full((3,), t), **positive)
        assert len(net.batches) == calls
    torch.testing.assert_close(v, Guidance(net, 3.0, negative)(x_t, torch.full((3,), 0.1), **positive))
    with pytest.raises(ValueError, match="partial_scale=inf: must be finite"):
        Guidance(net, 3.0, negative, partial_negative=negative, partial_scale=math.inf)
    with pytest.raises(ValueError, match=r"t_min=400: must be a time in \[0, 1\]"):
        Guidance(net, 3.0, negative, partial_negative=negative, partial_scale=1.0, t_min=400)


def test_scale_one_evaluates_only_the_positive_branch() -> None:
    x_t, t, positive, negative = batch()
    net = Recorder()
    v = Guidance(net, 1.0, negative)(x_t, t, **positive)
    assert net.batches == [3]
    torch.testing.assert_close(v, net(x_t, t, **positive))


def test_one_negative_serves_all_items() -> None:
    x_t, t, positive, negative = batch()
    one = {**negative, "context": negative["context"][:1]}
    every = {**negative, "context": negative["context"][:1].expand(3, -1, -1)}
    assert torch.equal(
        Guidance(Recorder(), 3.0, one)(x_t, t, **positive), Guidance(Recorder(), 3.0, every)(x_t, t, **positive)
    )


def test_none_in_both_is_handed_on() -> None:
    x_t, t, positive, negative = batch()
    without = {"inject": None, "context_mask": None}
    Guidance(Recorder(), 3.0, negative | without)(x_t, t, **(positive | without))


def test_an_item_does_not_depend_on_its_batch_mates() -> None:
    x_t, t, positive, negative = batch()

    def item(conditions: dict[str, Any]) -> dict[str, Any]:
        return {
            "context": conditions["context"][1:2],
            "context_mask": conditions["context_mask"][1:2],
            "inject": {2: conditions["inject"][2][1:2]},
            "mode": conditions["mode"],
        }

    together = Guidance(Recorder(), 4.0, negative)(x_t, t, **positive)
    alone = Guidance(Recorder(), 4.0, item(negative))(x_t[1:2], t[1:2], **item(positive))
    torch.testing.assert_close(together[1:2], alone)


def test_half_precision_branches_are_combined_in_float32() -> None:
    x_t, t, positive, negative = batch()
    assert Guidance(Recorder(torch.bfloat16), 3.0, negative)(x_t, t, **positive).dtype == torch.float32


@pytest.mark.parametrize("scale", [math.nan, math.inf, -math.inf])
def test_a_scale_that_is_not_finite_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match=f"scale={scale}: must be finite; 1 is no guidance"):
        Guidance(Recorder(), scale, {})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"context": torch.zeros(3, 6, 8)},
            r"'context' has shape \[3, 5, 8\], in negative \[3, 6, 8\].*pad the shorter",
        ),
        ({"context": torch.zeros(2, 5, 8)}, r"in negative \[2, 5, 8\]; the first size must be the batch, 3"),
        ({"context": torch.zeros(3, 5, 8).half()}, r"'context' is torch\.float32, in negative torch\.float16; cast"),
        ({"context": None}, "'context' is a Tensor, in negative None"),
        ({"mode": "plain"}, "'mode' is 'minus', in negative 'plain'"),
        ({"inject": {2: torch.zeros(3, 3, 5)}}, r"'inject\.2' has shape \[3, 3, 4\], in negative \[3, 3, 5\]"),
        ({"inject": {}}, r"negative has no condition 'inject\.2'"),
        ({"contxt": None}, "negative has condition 'contxt', which the call does not have"),
    ],
)
def test_conditions_that_do_not_pair_are_named(changed: dict[str, Any], message: str) -> None:
    x_t, t, positive, negative = batch()
    with pytest.raises(ValueError, match=message):
        Guidance(Recorder(), 3.0, negative | changed)(x_t, t, **positive)


def test_a_forgotten_negative_is_named() -> None:
    x_t, t, positive, negative = batch()
    del negative["context_mask"]
    with pytest.raises(ValueError, match="negative has no condition 'context_mask'; give it there too"):
        Guidance(Recorder(), 3.0, negative)(x_t, t, **positive)
