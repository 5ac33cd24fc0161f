"""Samplers by name, for settings that are text: a command line, a stored config."""

from dataclasses import fields
from typing import Any

from vdiffusion.samplers.contract import Sampler
from vdiffusion.samplers.ddim import DDIM, EulerAncestral
from vdiffusion.samplers.dpm_solver import DPMSolverPP
from vdiffusion.samplers.heun import Heun

_NAMED: dict[str, tuple[type[DDIM | DPMSolverPP | Heun], dict[str, float]]] = {
    "ddim": (DDIM, {}),
    "dpmpp_2m": (DPMSolverPP, {}),
    "dpmpp_2m_sde": (DPMSolverPP, {"eta": 1.0}),
    "heun": (Heun, {}),
    "euler_ancestral": (EulerAncestral, {}),
}

SAMPLER_NAMES: tuple[str, ...] = tuple(_NAMED)
"""What `sampler_named` knows."""


def sampler_named(name: str, **settings: Any) -> Sampler:
    """Return a sampler by its name.

    Args:
        name: "ddim", "dpmpp_2m" and "heun" are deterministic; "dpmpp_2m_sde" and "euler_ancestral" draw fresh noise.
        settings: of its class, such as `eta` of all but "heun"; by default those that the name stands for.

    Raises:
        ValueError: there is no sampler of this name, it has no such setting, or the value is impossible.
    """
    if name not in _NAMED:
        raise ValueError(f"sampler {name!r}: there is none of this name; use one of {', '.join(SAMPLER_NAMES)}")
    kind, preset = _NAMED[name]
    known = {field.name for field in fields(kind)}
    for setting in settings:
        if setting not in known:
            raise ValueError(f"sampler {name!r} has no setting {setting!r}; it has {', '.join(known) or 'none'}")
    return kind(**preset | settings)
