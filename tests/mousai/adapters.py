"""Adapters (LoRA) that fit a model, for the tests that add them."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file


def write_adapter(path: Path, model: Path, *, value: float = 0.1) -> dict[str, torch.Tensor]:
    """Write an adapter of rank 2 of all matrices of a model's folder; return its tensors, all of one value."""
    tensors = {}
    for name, weight in load_file(model / "latent_diffusion" / "model.safetensors").items():
        if weight.ndim > 1 and name.startswith("net."):
            tensors[f"{name}.lora_A"] = torch.full((2, weight[0].numel()), value)
            tensors[f"{name}.lora_B"] = torch.full((len(weight), 2), value)
    about = {"format": "mousai lora", "version": "1", "rank": "2", "alpha": "4.0", "base": "miniature"}
    save_file(tensors, path, metadata=about)
    return tensors
