"""Small changes to a big generator: LoRA adapters, read from safetensors and added to its weights."""

import math
from collections.abc import Mapping
from os import PathLike
from pathlib import Path

import torch
from torch import Tensor, nn

from mousai.errors import UserError, is_finite
from mousai.storage.weights import load_tensors, tensor_metadata, tensor_shapes

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
    changes: list[tuple[nn.Parameter, Tensor]] = []
    for name in _changed(path, _shapes(tensors), _shapes(weights), rank=rank):
        weight = weights[name]
        change = (tensors[name + B].float() @ tensors[name + A].float()).reshape(weight.shape) * factor
        changed = (weight.float() + change.to(weight.device)).to(weight.dtype)
        if not bool(changed.isfinite().all()):
            raise UserError(path, hint=f"makes {name} infinite at scale {scale:g}; give a lower one")
        changes.append((weight, changed))
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


def check_fits(path: str | PathLike[str], weights: str | PathLike[str], *, model: str = "this") -> list[str]:
    """Refuse an adapter of another model, before that is loaded: both files are known by their headers.

    Args:
        path: a file for which `check_adapter` has no objection.
        weights: safetensors file of the latent diffusion.
        model: name of the model in messages.

    Returns:
        Names of the weights that it changes.

    Raises:
        UserError: it does not fit; one line that names the first weight.
    """
    rank = _number(Path(path), tensor_metadata(path), "rank")
    return _changed(Path(path), tensor_shapes(path), tensor_shapes(weights), rank=rank, model=model)


def _changed(
    path: Path, parts: Mapping[str, list[int]], weights: Mapping[str, list[int]], *, rank: float, model: str = "this"
) -> list[str]:
    """Names of the weights that an adapter changes, by the shapes of its tensors and of the model's."""
    if left := sorted(key for key in parts if not key.endswith((A, B))):
        raise UserError(path, hint=f"holds {left[0]}, which is no part of an adapter")
    names = sorted({key.removesuffix(A).removesuffix(B) for key in parts})
    if not names:
        raise UserError(path, hint="holds no change to any weight")
    for name in names:
        up, down, weight = parts.get(name + B), parts.get(name + A), weights.get(name)
        if up is None or down is None:
            raise UserError(path, hint=f"lacks {name}{B if up is None else A}, half of a change")
        if len(up) != 2 or len(down) != 2 or not up[1] == down[0] == rank:
            raise UserError(path, hint=f"has for {name} tensors {up} and {down}, which are none of rank {rank:g}")
        if not weight or up[0] != weight[0] or down[1] != math.prod(weight[1:]):
            found = "not in the model" if weight is None else f"{weight} in the model"
            raise UserError(path, hint=f"is an adapter of another model than {model} ({name}: {found})")
    return names


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, list[int]]:
    return {name: list(tensor.shape) for name, tensor in tensors.items()}


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
