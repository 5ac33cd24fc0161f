"""Small changes to a big generator: LoRA adapters, read from safetensors and added to its weights."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path

import torch
from torch import Tensor, nn

from mousai.errors import UserError, is_finite
from mousai.storage.weights import load_tensors, tensor_metadata

FORMAT = "mousai lora"
A, B = ".lora_A", ".lora_B"


@torch.no_grad()
def add_lora(module: nn.Module, path: str | PathLike[str], *, scale: float = 1.0) -> int:
    """Add an adapter to the weights: W + scale · (alpha / rank) · B A (Hu et al., 2021, arXiv 2106.09685, equation 3).

    The module is as fast as before. A weight [out, ...] takes B [out, rank] and A [rank, everything else].

    Args:
        module: what the adapter was trained on, such as the generator of its model.
        path: a file of `mousai export`.
        scale: how much of it; 0 is none, 1 as it was trained.

    Returns:
        How many weights were changed.

    Raises:
        UserError: the file is no adapter, or one of another model; nothing is changed then.
    """
    path = Path(path)
    tensors, about = load_tensors(path)
    _check_format(path, about)
    if not is_finite(scale):
        raise UserError("scale", scale, "must be a finite number")
    weights = dict(module.named_parameters())
    rank, alpha = (_number(path, about, key) for key in ("rank", "alpha"))
    factor = scale * alpha / rank
    if left := sorted(key for key in tensors if not key.endswith((A, B))):
        raise UserError(path, hint=f"holds {left[0]}, which is no part of an adapter")
    changes: list[tuple[nn.Parameter, Tensor]] = []
    for name in sorted({key.removesuffix(A).removesuffix(B) for key in tensors}):
        up, down, weight = tensors.get(name + B), tensors.get(name + A), weights.get(name)
        if up is None or down is None:
            raise UserError(path, hint=f"lacks {name}{B if up is None else A}, half of a change")
        if up.ndim != 2 or down.ndim != 2 or not up.shape[1] == down.shape[0] == rank:
            shapes = f"{list(up.shape)} and {list(down.shape)}"
            raise UserError(path, hint=f"has for {name} tensors {shapes}, which are none of rank {rank:g}")
        if weight is None or up.shape[0] != weight.shape[0] or down.shape[1] != weight[0].numel():
            found = f"{list(weight.shape)} in the model" if weight is not None else "not in the model"
            raise UserError(path, hint=f"is an adapter of another model than this ({name}: {found})")
        change = (up.float() @ down.float()).reshape(weight.shape) * factor
        changed = (weight.float() + change.to(weight.device)).to(weight.dtype)
        if not bool(changed.isfinite().all()):
            raise UserError(path, hint=f"makes {name} infinite at scale {scale:g}; give a lower one")
        changes.append((weight, changed))
    if not changes:
        raise UserError(path, hint="holds no change to any weight")
    for weight, changed in changes:
        weight.copy_(changed)
    return len(changes)


def check_adapter(path: str | PathLike[str]) -> None:
    """Refuse a file that is no adapter, before a model is loaded.

    Raises:
        UserError: it is missing, no safetensors, or no adapter; one line.
    """
    about = tensor_metadata(path)
    _check_format(Path(path), about)
    for key in ("rank", "alpha"):
        _number(Path(path), about, key)


def _check_format(path: Path, about: Mapping[str, str]) -> None:
    if about.get("format") != FORMAT:
        raise UserError(
            path, hint="is no adapter; give the .safetensors that `mousai export` made of a run with lora.rank"
        )


def _number(path: Path, about: Mapping[str, str], key: str) -> float:
    """A number above 0 in the header of an adapter."""
    text = about.get(key, "")
    try:
        value = float(text[:40])
    except ValueError:
        value = 0.0
    if not 0 < value <= 1e6:
        raise UserError(path, hint=f"its header says {key}={text[:40]!r}, not a number above 0")
    return value
