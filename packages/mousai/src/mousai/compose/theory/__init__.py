"""Music theory: keys, scales, chords and voice leading."""

from .harmony import SCALES, Chord, Key, chord, lead_voices, parse_key, place

__all__ = ["SCALES", "Chord", "Key", "chord", "lead_voices", "parse_key", "place"]
