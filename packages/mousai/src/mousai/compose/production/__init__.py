"""Sound of a composed song: the soundfont that plays it and the production that it gets, as records do."""

from .config import Production
from .draw import draw_production
from .orchestras import ORCHESTRAS, Orchestra, draw_orchestra, parse_orchestras

__all__ = ["ORCHESTRAS", "Orchestra", "Production", "draw_orchestra", "draw_production", "parse_orchestras"]
