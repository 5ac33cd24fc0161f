"""LoRA adapters on the attention and convolutions of stage 2 while it is trained, through peft."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora.layer import LoraLayer
from torch import Tensor, nn

from mousai.diffusion.lora import FORMAT, A, B
from mousai.storage.weights import save_tensors
from mousai.training.config import AdapterConfig
from unet1d import Conv, wrap

TARGETS = ("to_q", "to_kv", "to_out", "conv", "conv1", "conv2")
"""Modules of the U-Net that get an adapter: attention and convolutions."""


class LoraConv(nn.Module, LoraLayer):
    """A convolution of the U-Net and its low-rank change: rank channels from all taps, and from them all outputs."""

    def __init__(
        self, base_layer: Conv, adapter_name: str, config: LoraConfig, r: int, lora_alpha: int, **rest: Any
    ) -> None:
        super().__init__()
        out_channels, taps, in_channels = base_layer.weight.shape
        # Where peft looks for the sizes of a layer that it does not know.
        sizes: Any = base_layer
        sizes.in_features, sizes.out_features = taps * in_channels, out_channels
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Unsupported layer type")  # which it nevertheless takes them from
            LoraLayer.__init__(self, base_layer, **rest)
        self._active_adapter = adapter_name
        self.update_layer(adapter_name, r, lora_alpha=lora_alpha, config=config, **rest)

    def forward(self, x: Tensor, circular: bool = False) -> Tensor:
        """[B, L, C_in] -> [B, L, C_out]; for `circular` see `Conv`."""
        base = self.get_base_layer()
        assert isinstance(base, Conv)
        result: Tensor = base(x, circular)
        taps = base.weight.shape[1]
        padded = wrap(x, taps // 2) if circular else F.pad(x, (0, 0, taps // 2, taps // 2))
        neighbours = torch.cat([padded[:, tap : tap + x.shape[1]] for tap in range(taps)], dim=-1)
        for name in self.active_adapters:
            result = result + self.scaling[name] * self.lora_B[name](self.lora_A[name](neighbours))
        return result


def add_adapters(net: nn.Module, adapters: AdapterConfig) -> None:
    """Freeze a U-Net and give its attention and convolutions adapters, which change nothing yet and are trained."""
    config = LoraConfig(
        r=adapters.rank, lora_alpha=adapters.scale, target_modules=list(TARGETS), init_lora_weights=True
    )
    config._register_custom_module({Conv: LoraConv})
    net.requires_grad_(False)
    inject_adapter_in_model(config, net)


def save_adapter(path: Path, weights: Mapping[str, Tensor], *, prefix: str, config: AdapterConfig, base: str) -> int:
    """Write the adapters among a stage's weights, by their names there, as `mousai.diffusion.lora.add_lora` reads them.

    Args:
        path: the file.
        weights: averaged weights of a checkpoint.
        prefix: prefix of the model in the stage, such as "model.".
        config: config of the adapters.
        base: model that they were trained on, named in the file.

    Returns:
        Number of weights that they change.
    """
    tensors: dict[str, Tensor] = {}
    for key, weight in weights.items():
        name, ending, _ = key.removeprefix(prefix).partition(".lora_")
        if ending:
            tensors[f"{name}.weight{A if '.lora_A.' in key else B}"] = weight
    about = {"format": FORMAT, "version": "1", "rank": str(config.rank), "alpha": str(config.scale), "base": base}
    save_tensors(path, tensors, metadata=about)
    return len(tensors) // 2
