"""Samplers by name, for settings that are text: a command line, a stored config."""

import difflib
from dataclasses import fields
from typing import Any

from vdiffusion.samplers.ddim import DDIM, EulerAncestral
from vdiffusion.samplers.dpm_solver import DPMSolverPP
from vdiffusion.samplers.heun import Heun
from vdiffusion.samplers.protocol import Sampler

_BY_NAME: dict[str, tuple[type[DDIM | DPMSolverPP | Heun], dict[str, float]]] = {
    "ddim": (DDIM, {}),
    "dpmpp_2m": (DPMSolverPP, {}),
    "dpmpp_2m_sde": (DPMSolverPP, {"eta": 1.0}),
    "heun": (Heun, {}),
    "euler_ancestral": (EulerAncestral, {}),
}

SAMPLER_NAMES: tuple[str, ...] = tuple(_BY_NAME)
"""Names that `get_sampler` knows."""


def get_sampler(sampler: str | Sampler, **settings: Any) -> Sampler:
    """Return a sampler by its name; a sampler is returned as it is, so that both can be taken as one argument.

    Args:
        sampler: a `Sampler`, or a name: "ddim", "dpmpp_2m" and "heun" are deterministic; "dpmpp_2m_sde" and
            "euler_ancestral" draw fresh noise.
        settings: fields of the named sampler's class, such as `eta` of all but "heun"; by default those that the name
            stands for.

    Raises:
        ValueError: no sampler has this name, it has no such setting, the value is impossible, or a setting is given
            beside a sampler.
    """
    if not isinstance(sampler, str):
        return _checked(sampler, settings)
    if sampler not in _BY_NAME:
        near = difflib.get_close_matches(sampler, SAMPLER_NAMES, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"sampler={sampler!r}: no such sampler; {hint}use one of {', '.join(SAMPLER_NAMES)}")
    kind, preset = _BY_NAME[sampler]
    known = {field.name for field in fields(kind)}
    for setting in settings:
        if setting not in known:
            raise ValueError(f"sampler {sampler!r} has no setting {setting!r}; it has {', '.join(known) or 'none'}")
    return kind(**preset | settings)


def _checked(sampler: Sampler, settings: dict[str, Any]) -> Sampler:
    if isinstance(sampler, type) or not isinstance(sampler, Sampler):
        raise ValueError(
            f"sampler={sampler!r}: must be one of {', '.join(SAMPLER_NAMES)}, or an object with the members of "
            "vdiffusion.Sampler, such as DDIM()"
        )
    if settings:
        raise ValueError(f"sampler={sampler!r}: is made already; {', '.join(settings)} can be set beside a name only")
    return sampler
