"""Weights sharded over the processes: `loop.strategy=fsdp`, torch's `fully_shard` (FSDP2).

    process 1   its shard of weights, average, moments ──┐ each block of the U-Net whole while it is computed,
    process 2   its shard …                            ──┘ its gradients summed to the shards

A checkpoint is whole: one file, written by the first process.
"""

from typing import Literal

import torch
from lightning.pytorch.strategies import ModelParallelStrategy
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor, distribute_tensor

from unet1d import UNetBlock

FSDP = "fsdp"
_ENTERED = ("loss", "losses", "sample", "encode", "decode", "encode_kv", "attend")
"""Methods by which models and their parts are entered, beside `forward`."""


def fsdp_strategy(*, nodes: int, devices: int | Literal["auto"]) -> ModelParallelStrategy:
    """Lightning's strategy for FSDP, over so many devices of so many machines."""
    count = max(torch.accelerator.device_count(), 1) if devices == "auto" else devices
    return ModelParallelStrategy(
        data_parallel_size=nodes * count, tensor_parallel_size=1, save_distributed_checkpoint=False
    )


def shard(model: nn.Module, mesh: DeviceMesh) -> None:
    """Shard the weights of a model in place: those of each part of a U-Net block together, and all others."""
    parts = [part for block in model.modules() if isinstance(block, UNetBlock) for part in block.children()]
    for part in (*parts, model):
        fully_shard(part, mesh=mesh)
        for name in _ENTERED:
            if hasattr(part, name):
                register_fsdp_forward_method(part, name)


def reshard(model: nn.Module) -> None:
    """Gather weights anew when they are next used.

    The outermost part of a model stays gathered after a forward pass without gradients, and would not see what was
    written to the shards since. Nothing happens where weights are not sharded.
    """
    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.reshard()


def is_sharded(model: nn.Module) -> bool:
    """Tell whether other processes hold shards of its weights."""
    return any(isinstance(module, FSDPModule) for module in model.modules())


def local_shard(tensor: Tensor) -> Tensor:
    """Part of a tensor that this process holds; a view."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def whole(tensor: Tensor) -> Tensor:
    """A tensor with the shards of all processes, all of which have to call this."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def gathered(tensor: Tensor) -> Tensor:
    """A tensor with the shards of all processes, in the memory of the first one's CPU; the others get an empty one.

    All of them have to call this. A tensor that is not sharded is given back as it is.
    """
    if not isinstance(tensor, DTensor):
        return tensor
    found = whole(tensor)
    return found.cpu() if tensor.device_mesh.get_rank() == 0 else found.new_empty(0)


def shard_like(tensor: Tensor, other: Tensor) -> Tensor:
    """A whole tensor, sharded as another one is."""
    tensor = tensor.to(other.device)
    return distribute_tensor(tensor, other.device_mesh, other.placements) if isinstance(other, DTensor) else tensor
