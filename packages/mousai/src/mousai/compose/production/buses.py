"""The buses: what is rendered and processed apart."""

from ..rendering.layers import layer_of
from ..song import Track

BUSES = ("drums", "bass", "chords", "guitars", "lead")
"""Names of the buses. `guitars` are the electric guitars of the layer `chords`, and are added to that stem."""
DISTORTED = ("overdriven guitar", "distorted guitar")
"""Guitars that an amplifier is always heard through."""
ELECTRIC = (*DISTORTED, "clean electric guitar", "muted guitar", "guitar harmonics")
"""Guitars that it may be heard through."""


def bus_of(track: Track) -> str:
    """The bus of a track."""
    layer = layer_of(track)
    return "guitars" if layer == "chords" and track.instrument in DISTORTED else layer
