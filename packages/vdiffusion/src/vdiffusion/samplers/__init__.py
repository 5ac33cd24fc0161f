"""Samplers: from noise to data along a falling grid of times, with any net `(x_t, t, **conditions) -> v`."""

from vdiffusion.samplers.contract import Callback, Sampler
from vdiffusion.samplers.ddim import DDIM, EulerAncestral
from vdiffusion.samplers.dpm_solver import DPMSolverPP
from vdiffusion.samplers.heun import Heun
from vdiffusion.samplers.named import SAMPLER_NAMES, sampler_named

__all__ = ["DDIM", "SAMPLER_NAMES", "Callback", "DPMSolverPP", "EulerAncestral", "Heun", "Sampler", "sampler_named"]
