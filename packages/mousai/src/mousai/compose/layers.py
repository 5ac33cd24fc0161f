"""The four layers of a song, each of which is rendered apart and can be had as a stem."""

from dataclasses import replace

from .song import Song, Track

LAYERS = ("drums", "bass", "chords", "lead")
"""Names of the layers in the order in which they are added up; `chords` is everything that is none of the others."""


def layer_of(track: Track) -> str:
    """The layer of a track: by its role, and `chords` where the role names no layer."""
    if track.is_drum:
        return "drums"
    return track.role if track.role in LAYERS else "chords"


def only_layer(song: Song, layer: str) -> Song:
    """The song with the tracks of one layer alone; it may have none."""
    return replace(song, tracks=tuple(track for track in song.tracks if layer_of(track) == layer))
