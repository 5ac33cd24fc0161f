"""A composer of captioned practice music.

`compose_song` writes a song from a seed, `render_song` plays it with FluidSynth, `caption` describes it, and
`write_dataset` makes a folder of such songs to train on. Composing needs the standard library only; rendering needs
`mousai-music[compose]`, FluidSynth and a General MIDI soundfont.
"""

from .annotations.facts import song_facts
from .captions import caption, caption_from_metadata
from .composition import compose_song
from .dataset import write_dataset
from .errors import ComposeError
from .rendering.layers import LAYERS
from .rendering.midi import song_to_midi
from .rendering.render import RenderedSong, render_song
from .song import Song, Track
from .styles import GENRES, STYLES, Style
from .writing.performance import Note

__all__ = [
    "GENRES",
    "LAYERS",
    "STYLES",
    "ComposeError",
    "Note",
    "RenderedSong",
    "Song",
    "Style",
    "Track",
    "caption",
    "caption_from_metadata",
    "compose_song",
    "render_song",
    "song_facts",
    "song_to_midi",
    "write_dataset",
]
