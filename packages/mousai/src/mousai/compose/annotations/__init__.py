"""What is known of a song beside its sound: bars, chords, sections, keys and melody.

`spans` holds the values, `harte` spells chords, `tables` makes frames of them; these know nothing of the composer.
`listen` takes the facts from the composer's plan and from the notes that are played; `jams`, `midi` and `files` write
them.
"""

from .harte import parse_label, spell_label
from .spans import BarTime, ChordSpan, KeySpan, SectionSpan

__all__ = ["BarTime", "ChordSpan", "KeySpan", "SectionSpan", "parse_label", "spell_label"]
