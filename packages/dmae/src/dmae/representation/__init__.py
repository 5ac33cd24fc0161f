"""Representations of what is diffused: the waveform, the waveform as learned patches, or MDCT coefficients."""

from dmae.representation.mdct import MDCT, to_mid_side
from dmae.representation.patches import Patches
from dmae.representation.waveform import Waveform

__all__ = ["MDCT", "Patches", "Waveform", "to_mid_side"]
