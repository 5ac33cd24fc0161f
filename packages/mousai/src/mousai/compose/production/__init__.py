"""How a composed song sounds: the soundfont that plays it and the production that it gets, as records do."""

from .orchestras import ORCHESTRAS, Orchestra, draw_orchestra, parse_orchestras

__all__ = ["ORCHESTRAS", "Orchestra", "draw_orchestra", "parse_orchestras"]
