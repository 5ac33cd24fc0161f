"""Weights on disk: a folder with `config.json` and `model.safetensors`, never pickle, never code named by a config.

Saving is atomic per file and may store floats in half precision; loading checks every key and shape before the module
is touched, so that a failed load leaves it as it was. Whatever is wrong is a `CheckpointError` whose one line names the
file, the key, what was expected and what was found.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from mousai.storage.configs import CONFIG_NAME as CONFIG_NAME
from mousai.storage.configs import CheckpointError as CheckpointError
from mousai.storage.configs import json_text, make_folder, why, write_config
from mousai.storage.configs import load_config as load_config
from mousai.storage.configs import save_config as save_config
from mousai.storage.files import atomic_file
from mousai.storage.headers import check_header

M = TypeVar("M", bound=nn.Module)
WEIGHTS_NAME = "model.safetensors"


def save_module(
    folder: str | PathLike[str], module: nn.Module, config_dict: Mapping[str, Any], *, dtype: torch.dtype | None = None
) -> None:
    """Write a module as `config.json` and `model.safetensors`, replacing what the folder holds of these two.

    Args:
        folder: Made if it is missing.
        module: Its state dict is stored; a tensor under several keys (tied weights) once, under the first of them.
        config_dict: What the module's config class gives as JSON.
        dtype: Type to store floating-point tensors in, such as torch.bfloat16; None keeps theirs.

    Raises:
        CheckpointError: A tensor holds NaN or infinity, or would in `dtype`; the config is not JSON; the folder cannot
            be written.
    """
    folder = Path(folder)
    state = module.state_dict(keep_vars=True)
    tied = _tied_keys(state)
    tensors = {key: tensor for key, tensor in state.items() if key not in tied}
    text = json_text(folder / CONFIG_NAME, config_dict)
    make_folder(folder)
    save_tensors(folder / WEIGHTS_NAME, tensors, dtype=dtype)
    write_config(folder / CONFIG_NAME, text)


def load_state(folder: str | PathLike[str], module: nn.Module, *, dtype: torch.dtype | None = torch.float32) -> None:
    """Fill a module with the weights of a folder; strict in keys and shapes.

    The file is mapped into memory and read tensor by tensor, so that it is never held twice. A module built on the meta
    device is given memory here; on any other device parameters stay the same objects, so that optimizers keep their
    hold on them. Tied weights stay tied.

    Args:
        folder: A folder that holds `model.safetensors`.
        module: Of the architecture that was saved.
        dtype: Type that the module's floating-point tensors have afterwards; None leaves them as they are.

    Raises:
        CheckpointError: The file is missing, cut short or not safetensors; a key is missing or unknown; a shape
            differs; an integer tensor stands where floats belong or the reverse; or a tensor holds NaN or infinity.
    """
    path = Path(folder) / WEIGHTS_NAME
    targets = module.state_dict(keep_vars=True)
    tied = _tied_keys(targets)
    with _opened(path) as file:
        keys = set(file.keys())
        _check_shapes(path, {key: list(file.get_slice(key).get_shape()) for key in keys}, module)
        for key in sorted(keys):
            _check_values(path, key, file.get_tensor(key), targets[key])

        if dtype is not None:
            module.to(dtype=dtype)
            targets = module.state_dict(keep_vars=True)
        on_meta = {key: _materialized(tensor) for key, tensor in targets.items() if tensor.is_meta and key not in tied}
        if on_meta:
            # Tied keys get the very object of their first key, which `assign` puts in place as it is.
            whole = {key: on_meta.get(tied.get(key, key), tensor) for key, tensor in targets.items()}
            module.load_state_dict(whole, assign=True)
            targets = whole
        with torch.no_grad():
            for key in sorted(keys):
                targets[key].copy_(file.get_tensor(key))


def load_module(folder: str | PathLike[str], make: Callable[[], M]) -> M:
    """Make a module and fill it from a folder, in float32, ready to run; nothing is allocated before the sizes fit.

    The module is made without memory for its weights, to compare its shapes with those in the header of the file. So a
    config that promises more than the file holds costs neither time nor memory, and no weight is drawn at random first.

    Args:
        folder: A folder that holds `model.safetensors`.
        make: Makes the module from its config.

    Raises:
        CheckpointError: See `load_state`; or no module can have such sizes.
    """
    path = Path(folder) / WEIGHTS_NAME
    shapes = tensor_shapes(path)
    try:
        with _WithoutMemory():
            empty = make()
    except (RuntimeError, TypeError, OverflowError, MemoryError, ValueError) as error:  # of PyTorch, for odd sizes
        raise CheckpointError(Path(folder) / CONFIG_NAME, hint=f"has impossible sizes: {why(error)[:200]}") from error
    _check_shapes(path, shapes, empty)
    kept = {id(tensor) for tensor in empty.state_dict(keep_vars=True).values()}
    others = [tensor for tensor in empty.buffers() if id(tensor) not in kept]
    # What is in no file is computed where it is made, and so has to be made with memory.
    module = make() if any(tensor.is_meta for tensor in others) else empty
    load_state(folder, module)
    return module.eval()


class _WithoutMemory(TorchFunctionMode):
    """Inside the block the weights of new modules have shapes and no memory.

    Only `torch.empty` is without it, in which PyTorch's modules make their weights: `torch.device("meta")` would give
    buffers that are computed, such as windows, no values to compute with.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.empty:
            return func(*args, **{**kwargs, "device": "meta"})
        if func in _FILLS:
            tensor = args[0] if args else kwargs["tensor"]
            # Nothing to fill; and PyTorch, asked to draw nothing, imports its compiler, which takes seconds.
            if tensor.is_meta:
                return tensor
        return func(*args, **kwargs)


_FILLS = frozenset([nn.init.uniform_, nn.init.normal_, nn.init.kaiming_uniform_, Tensor.uniform_, Tensor.normal_])


def save_tensors(
    path: str | PathLike[str],
    tensors: Mapping[str, Tensor],
    *,
    dtype: torch.dtype | None = None,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write tensors as one safetensors file, whole or not at all.

    Args:
        path: The file to make or replace; its folder must exist.
        tensors: Of any device and layout; none may share memory with another.
        dtype: Type to store floating-point tensors in; None keeps theirs.
        metadata: Text that is stored in the file's header.

    Raises:
        CheckpointError: A tensor holds NaN or infinity, or would in `dtype`; or the file cannot be written.
    """
    path = Path(path)
    stored = {}
    for key, tensor in tensors.items():
        tensor = tensor.detach().cpu()
        if dtype is not None and tensor.is_floating_point():
            tensor = tensor.to(dtype)
        if tensor.is_floating_point() and not _finite(tensor):
            raise CheckpointError(
                path, hint=f"{key} holds NaN or infinity as {type_name(tensor.dtype)}; nothing was written"
            )
        stored[key] = tensor.contiguous()
    try:
        with atomic_file(path) as temporary:
            save_file(stored, temporary, metadata=dict(metadata or {}))
    except (OSError, SafetensorError) as error:
        raise CheckpointError(path, hint=f"cannot be written: {why(error)}") from error


def load_tensors(path: str | PathLike[str]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a safetensors file: its tensors as they were stored, and the text in its header.

    Raises:
        CheckpointError: The file is missing, cut short or not safetensors, or a tensor holds NaN or infinity.
    """
    path = Path(path)
    with _opened(path) as file:
        names: list[str] = file.keys()
        tensors = {key: file.get_tensor(key) for key in names}
        metadata = dict(file.metadata() or {})
    for key, tensor in tensors.items():
        _check_values(path, key, tensor, tensor)
    return tensors, metadata


def load_some_tensors(path: str | PathLike[str], keys: Sequence[str]) -> list[Tensor]:
    """Read some tensors of a safetensors file, and nothing of the others.

    Raises:
        CheckpointError: The file is missing, cut short or not safetensors, lacks one of them, or one holds NaN or
            infinity.
    """
    path = Path(path)
    with _opened(path) as file:
        held = set(file.keys())
        if missing := [key for key in keys if key not in held]:
            raise CheckpointError(path, hint=f"lacks {listed(missing)}")
        tensors = [file.get_tensor(key) for key in keys]
    for key, tensor in zip(keys, tensors, strict=True):
        _check_values(path, key, tensor, tensor)
    return tensors


def tensor_metadata(path: str | PathLike[str]) -> dict[str, str]:
    """Read the text in the header of a safetensors file.

    Raises:
        CheckpointError: The file is missing, cut short or not safetensors.
    """
    with _opened(Path(path)) as file:
        return dict(file.metadata() or {})


def tensor_shapes(path: str | PathLike[str]) -> dict[str, list[int]]:
    """Read which tensors a safetensors file holds, from its header alone: key -> shape.

    Raises:
        CheckpointError: The file is missing, cut short or not safetensors.
    """
    with _opened(Path(path)) as file:
        return {key: list(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118 (not a mapping)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    if not path.is_file():
        pickled = sorted(path.parent.glob("*.bin")) + sorted(path.parent.glob("*.ckpt"))
        hint = f"; {pickled[0].name} is a pickle, which is never loaded: convert it to safetensors" if pickled else ""
        raise CheckpointError(path, hint=f"does not exist or is not a file{hint}")
    check_header(path, error=CheckpointError)
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (OSError, SafetensorError) as error:
        raise CheckpointError(path, hint=f"is not a whole safetensors file: {why(error)}") from error


def _check_shapes(path: Path, shapes: Mapping[str, list[int]], module: nn.Module) -> None:
    """Raise a CheckpointError unless the tensors of a file are those that a module needs."""
    targets = module.state_dict(keep_vars=True)
    tied = _tied_keys(targets)
    if missing := [key for key in targets if key not in shapes and key not in tied]:
        raise CheckpointError(path, hint=f"lacks {listed(missing)}, which {type(module).__name__} needs")
    if extra := sorted(key for key in shapes if key not in targets):
        raise CheckpointError(path, hint=f"holds {listed(extra)}, which {type(module).__name__} has not")
    for key, shape in sorted(shapes.items()):
        if shape != list(targets[key].shape):
            raise CheckpointError(path, hint=f"{key} has shape {shape}, expected {list(targets[key].shape)}")


def _check_values(path: Path, key: str, found: Tensor, expected: Tensor) -> None:
    if found.is_floating_point() != expected.is_floating_point():
        raise CheckpointError(path, hint=f"{key} is {type_name(found.dtype)}, expected {type_name(expected.dtype)}")
    if found.is_floating_point() and not _finite(found):
        raise CheckpointError(path, hint=f"{key} holds NaN or infinity")


def _finite(tensor: Tensor) -> bool:
    if not tensor.numel():
        return True
    # Both ends, since NaN spreads to them: a thirtieth of the time of `isfinite` on all. PyTorch has none for 8 bits.
    ends = torch.aminmax(tensor.float() if tensor.itemsize == 1 else tensor)
    return all(math.isfinite(end.item()) for end in ends)


def _tied_keys(state: Mapping[str, Tensor]) -> dict[str, str]:
    """Map every further key of a tensor that stands under several keys to the first one."""
    first: dict[int, str] = {}
    return {key: first[id(tensor)] for key, tensor in state.items() if first.setdefault(id(tensor), key) != key}


def _materialized(tensor: Tensor) -> Tensor:
    # Not `torch.empty_like`, which imports PyTorch's symbolic shapes for a tensor without memory.
    empty = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="cpu")
    return nn.Parameter(empty, requires_grad=tensor.requires_grad) if isinstance(tensor, nn.Parameter) else empty


def listed(keys: list[str], *, most: int = 3) -> str:
    """The first keys, and how many more there are: for messages."""
    more = f" and {len(keys) - most} more" if len(keys) > most else ""
    return ", ".join(keys[:most]) + more


def type_name(dtype: torch.dtype) -> str:
    """Name of a dtype in messages: float32, int64, ..."""
    return str(dtype).removeprefix("torch.")
