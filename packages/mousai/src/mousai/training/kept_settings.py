"""The settings that a run keeps from its first step to its last."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from mousai.training.config import (
    AutoencoderCropConfig,
    ComposerConfig,
    ControlConfig,
    DistillationConfig,
    LatentCropConfig,
)
from mousai.training.fsdp import FSDP


def fixed_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that a run keeps; how long, how fast, on what machine and what is logged may change."""
    free = ("data", "out", "device", "checkpointing", "logging", "stage")
    fixed = {key: value for key, value in values.items() if key not in free}
    fixed["loop"] = {"seed": values["loop"]["seed"]}
    fixed["loop"]["resident"] = values["loop"].get("resident", False)  # whose crops are drawn otherwise
    fixed["loop"]["fsdp"] = values["loop"]["strategy"] == FSDP  # whose optimiser counts the weights in another order
    # Runs that were begun before there was a setting have its default.
    if "wordings" in fixed:  # of a text encoder, which learns from no music
        return fixed | _length(fixed, values)
    crops = LatentCropConfig if "frames" in values["crops"] else AutoencoderCropConfig
    fixed.setdefault("composer", asdict(ComposerConfig()))
    fixed["crops"] = {**asdict(crops()), **values["crops"]}
    fixed["crops"].pop("latents", None)
    if crops is LatentCropConfig:
        fixed["controls"] = {**asdict(ControlConfig()), **fixed.get("controls", {})}
        fixed["distillation"] = {**asdict(DistillationConfig()), **fixed.get("distillation", {})}
        fixed.setdefault("distill_from", None)
    if crops is AutoencoderCropConfig:
        fixed.setdefault("attack_weight", 0.0)
        if fixed["phase"] == "decoder":  # which learns no magnitudes
            fixed.pop("attack_weight")
    return fixed | _length(fixed, values)


def _length(fixed: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the loop, with the length where a cosine falls over so many steps, or so much time."""
    kept = dict(fixed["loop"])
    if values["optimizer"]["schedule"] == "cosine":
        kept["max_steps"] = values["loop"]["max_steps"]
        if values["loop"]["max_steps"] is None:
            kept["max_time"] = values["loop"]["max_time"]
    return {"loop": kept}
