"""One tensor of another library's checkpoint and the one here that holds the same numbers, both ways."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor

from mousai.errors import UserError
from mousai.storage.weights import listed, type_name


class LayoutError(UserError):
    """A checkpoint that is not of the layout it is read as; one line that names the key, what is expected and found."""


@dataclass(frozen=True)
class Rule:
    """`ours` holds the numbers of `theirs`.

    Args:
        theirs: key in the other library's state dict.
        ours: key in this library's.
        pattern: how theirs becomes ours, as einops writes it, or "" for the tensor as it is.
        sizes: axes of the pattern that the shapes leave open.
        also: further keys of theirs that hold the same tensor once more.
    """

    theirs: str
    ours: str
    pattern: str = ""
    sizes: tuple[tuple[str, int], ...] = ()
    also: tuple[str, ...] = ()

    def read(self, theirs: Tensor) -> Tensor:
        """Theirs -> ours."""
        return rearrange(theirs, self.pattern, **dict(self.sizes)).contiguous() if self.pattern else theirs

    def write(self, ours: Tensor) -> Tensor:
        """Ours -> theirs."""
        if not self.pattern:
            return ours
        left, right = self.pattern.split(" -> ")
        return rearrange(ours, f"{right} -> {left}", **dict(self.sizes)).contiguous()


def weight_and_bias(theirs: str, ours: str, pattern: str = "", **sizes: int) -> list[Rule]:
    """The two rules of a layer whose weight is laid out otherwise."""
    return [
        Rule(f"{theirs}.weight", f"{ours}.weight", pattern, tuple(sizes.items())),
        Rule(f"{theirs}.bias", f"{ours}.bias"),
    ]


def read_state(
    theirs: Mapping[str, Tensor], expected: Mapping[str, Tensor], rules: Iterable[Rule], *, ignored: Iterable[str] = ()
) -> dict[str, Tensor]:
    """Turn their state dict into ours; every key must have its rule and every rule its key.

    Args:
        theirs: their tensors.
        expected: our state dict, whose shapes are wanted (its tensors may be on the meta device).
        rules: one for each tensor.
        ignored: keys of theirs that hold nothing that is trained.

    Raises:
        LayoutError: a key is missing or left over, a shape differs, copies of a tensor differ, or a number is NaN or
            infinite.
    """
    rules = list(rules)
    if lost := sorted(set(expected) - {rule.ours for rule in rules}):
        raise LayoutError(f"this layout has no place for {listed(lost, most=4)}, which the model here has")
    missing = [rule.theirs for rule in rules if rule.theirs not in theirs]
    if missing:
        raise LayoutError(f"lacks {listed(missing, most=4)}")
    known = {key for rule in rules for key in (rule.theirs, *rule.also)} | set(ignored)
    if extra := sorted(set(theirs) - known):
        raise LayoutError(f"holds {listed(extra, most=4)}, which this layout does not have")
    found = {}
    for rule in rules:
        tensor = theirs[rule.theirs]
        wanted = rule.write(torch.empty(expected[rule.ours].shape, device="meta")).shape
        if tensor.shape != wanted:
            raise LayoutError(f"{rule.theirs} has shape {list(tensor.shape)}, expected {list(wanted)}")
        if not tensor.is_floating_point() or tensor.itemsize == 1:
            raise LayoutError(f"{rule.theirs} holds {type_name(tensor.dtype)}, expected floats of 16 bits or more")
        if not bool(torch.isfinite(tensor).all()):
            raise LayoutError(f"{rule.theirs} holds NaN or infinity")
        for key in rule.also:
            if key in theirs and not torch.equal(theirs[key], tensor):
                raise LayoutError(f"{key} differs from {rule.theirs}; in this layout the two are one tensor")
        found[rule.ours] = rule.read(tensor)
    return found


def write_state(ours: Mapping[str, Tensor], rules: Iterable[Rule]) -> dict[str, Tensor]:
    """Turn our state dict into theirs, copies included."""
    theirs = {}
    for rule in rules:
        tensor = rule.write(ours[rule.ours])
        for key in (rule.theirs, *rule.also):
            theirs[key] = tensor.clone()
    return theirs
