"""The four layers of a song, each of which is rendered apart and can be had as a stem."""

from ..song import Track

LAYERS = ("drums", "bass", "chords", "lead")
"""Names of the layers in the order in which they are added up; `chords` is everything that is none of the others."""


def layer_of(track: Track) -> str:
    """The layer of a track: by its role, and `chords` where the role names no layer."""
    if track.is_drum:
        return "drums"
    return track.role if track.role in LAYERS else "chords"
