"""Captions of songs, from the fields of their rows."""

from .caption import caption, caption_from_metadata

__all__ = ["caption", "caption_from_metadata"]
