"""The settings that a run keeps from its first step to its last."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mousai.errors import UserError
from mousai.training.config import (
    AutoencoderCropConfig,
    ComposerConfig,
    ControlConfig,
    DistillationConfig,
    LatentCropConfig,
)
from mousai.training.fsdp import FSDP

BESIDE = "beside"
"""Key of RUN/config.json with the fingerprints of what the run does not keep itself, see `Experiment.beside`."""


def fixed_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that a run keeps; how long, how fast, on what machine and what is logged may change."""
    free = ("data", "out", "device", "checkpointing", "logging", "stage", BESIDE)
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


def refuse_other_models(
    stored: Mapping[str, Any], beside: Mapping[str, Mapping[str, str]], given: Mapping[str, Any], out: Path
) -> None:
    """Refuse to go on beside a model that was changed since the run began, such as by an export into its folder.

    Args:
        stored: content of RUN/config.json; runs of before there were fingerprints take the model as it is.
        beside: fingerprints as they are now, by setting and part.
        given: settings of the command that goes on.
        out: folder of the run.

    Raises:
        UserError: one is another.
    """
    for setting, parts in stored.get(BESIDE, {}).items():
        for part, mark in parts.items():
            if beside.get(setting, {}).get(part, mark) != mark:
                hint = f"has another {part} than when {out} began with it; put back the model that it was, or begin a "
                raise UserError(setting, given.get(setting), f"{hint}new run, with another --out")


def _length(fixed: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the loop, with the length where a cosine falls over so many steps, or so much time."""
    kept = dict(fixed["loop"])
    if values["optimizer"]["schedule"] == "cosine":
        kept["max_steps"] = values["loop"]["max_steps"]
        if values["loop"]["max_steps"] is None:
            kept["max_time"] = values["loop"]["max_time"]
    return {"loop": kept}
