"""Small changes to a big generator: LoRA adapters, read from safetensors and added to its weights."""

from os import PathLike
from pathlib import Path

import torch
from torch import Tensor, nn

from mousai.errors import UserError
from mousai.storage.weights import load_tensors

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
    if about.get("format") != FORMAT:
        raise UserError(
            path, hint="is no adapter; give the .safetensors that `mousai export` made of a run with lora.rank"
        )
    weights = dict(module.named_parameters())
    factor = scale * float(about["alpha"]) / float(about["rank"])
    changes: list[tuple[nn.Parameter, Tensor]] = []
    for key in sorted(key for key in tensors if key.endswith(A)):
        name = key.removesuffix(A)
        up, down, weight = tensors.get(name + B), tensors[key], weights.get(name)
        if weight is None or up is None or up.shape[0] != weight.shape[0] or down.shape[1] != weight[0].numel():
            shapes = f"{list(weight.shape)} in the model" if weight is not None else "not in the model"
            raise UserError(path, hint=f"is an adapter of another model than this ({name}: {shapes})")
        change = (up.float() @ down.float()).reshape(weight.shape) * factor
        changes.append((weight, change.to(weight.device)))
    if not changes:
        raise UserError(path, hint="holds no change to any weight")
    for weight, change in changes:
        weight.copy_((weight.float() + change).to(weight.dtype))
    return len(changes)
