"""Annotations of a song: bars, chords, sections, keys and melody.

`spans` holds the values, `extraction` takes them from the composer's plan and from the notes that are played, `facts`
writes the row of a song, `jams` and `files` the files beside its sound, `picture` draws them. Chord labels and tables
of frames are `mousai.conditioning.chord_labels` and `mousai.conditioning.tables`.
"""

from ...conditioning.chord_labels import parse_label, spell_label
from .spans import BarTime, ChordSpan, KeySpan, SectionSpan

__all__ = ["BarTime", "ChordSpan", "KeySpan", "SectionSpan", "parse_label", "spell_label"]
