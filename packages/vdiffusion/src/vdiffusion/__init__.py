"""v-objective diffusion for any net `(x_t, t, **conditions) -> v`: schedule, objective, samplers, guidance, windows.

t in [0, 1]    alpha = cos(pi t / 2)    sigma = sin(pi t / 2)    x_t = alpha x + sigma eps    v = alpha eps - sigma x
"""

from vdiffusion.circle import Circle
from vdiffusion.classifier_guidance import ClassifierGuidance
from vdiffusion.distillation import two_step_target
from vdiffusion.guidance import Guidance
from vdiffusion.inpainting import KeepKnown, RePaint
from vdiffusion.net import Net
from vdiffusion.noise import LongNoise, NoiseSource, draw_noise
from vdiffusion.objective import (
    LogitNormalTime,
    Preconditioned,
    TimeDistribution,
    UniformTime,
    VObjective,
    noise_from_v,
    to_noisy,
    to_v,
    x_from_v,
)
from vdiffusion.samplers import (
    DDIM,
    SAMPLER_NAMES,
    Callback,
    DPMSolverPP,
    EulerAncestral,
    Heun,
    Moment,
    Sampler,
    Step,
    SteppingSampler,
    get_sampler,
)
from vdiffusion.schedule import TIME_GRID_NAMES, alpha_sigma, log_snr, require_steps, time_grid, time_of_log_snr
from vdiffusion.windows import Windows, window_plan

__version__ = "0.1.0"

__all__ = [
    "DDIM",
    "SAMPLER_NAMES",
    "TIME_GRID_NAMES",
    "Callback",
    "Circle",
    "ClassifierGuidance",
    "DPMSolverPP",
    "EulerAncestral",
    "Guidance",
    "Heun",
    "KeepKnown",
    "LogitNormalTime",
    "LongNoise",
    "Moment",
    "Net",
    "NoiseSource",
    "Preconditioned",
    "RePaint",
    "Sampler",
    "Step",
    "SteppingSampler",
    "TimeDistribution",
    "UniformTime",
    "VObjective",
    "Windows",
    "__version__",
    "alpha_sigma",
    "draw_noise",
    "get_sampler",
    "log_snr",
    "noise_from_v",
    "require_steps",
    "time_grid",
    "time_of_log_snr",
    "to_noisy",
    "to_v",
    "two_step_target",
    "window_plan",
    "x_from_v",
]
