"""Music without end: windows one after the other, each of which continues the one before."""

from mousai.streaming.chunks import AudioChunk, Change
from mousai.streaming.stream import MusicStream

__all__ = ["AudioChunk", "Change", "MusicStream"]
