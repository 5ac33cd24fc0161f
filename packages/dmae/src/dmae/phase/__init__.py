"""Phases for predicted magnitudes: the fast Griffin-Lim algorithm and its start."""

from dmae.phase.griffin_lim import griffin_lim, griffin_lim_spectrum
from dmae.phase.initial_estimate import initial_estimate, random_phases
from dmae.phase.interruption import interruptible
from dmae.phase.noise_phases import noise_phases
from dmae.phase.spsi import as_spectrum, spsi

__all__ = [
    "as_spectrum",
    "griffin_lim",
    "griffin_lim_spectrum",
    "initial_estimate",
    "interruptible",
    "noise_phases",
    "random_phases",
    "spsi",
]
