"""Samplers: from noise to data along a falling grid of times, with any net `(x_t, t, **conditions) -> v`."""

from vdiffusion.samplers.base import Moment, Step, SteppingSampler
from vdiffusion.samplers.ddim import DDIM, EulerAncestral
from vdiffusion.samplers.dpm_solver import DPMSolverPP
from vdiffusion.samplers.heun import Heun
from vdiffusion.samplers.protocol import Callback, Sampler
from vdiffusion.samplers.registry import SAMPLER_NAMES, get_sampler

__all__ = [
    "DDIM",
    "SAMPLER_NAMES",
    "Callback",
    "DPMSolverPP",
    "EulerAncestral",
    "Heun",
    "Moment",
    "Sampler",
    "Step",
    "SteppingSampler",
    "get_sampler",
]
