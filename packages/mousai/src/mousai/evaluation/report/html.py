"""Fragments of HTML: cells, tables, images and audio players."""

import html
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1d2733;max-width:1180px;margin:2rem auto;padding:0 1.2rem}
h1{font-size:1.7rem;margin-bottom:.2rem} h2{margin-top:2.4rem;border-bottom:1px solid #d5dbe1;padding-bottom:.2rem}
table{border-collapse:collapse;margin:.8rem 0} th,td{padding:.28rem .7rem;text-align:left;vertical-align:top}
th{border-bottom:2px solid #9aa7b3;font-weight:600} td{border-bottom:1px solid #e6eaee}
td.n{font-variant-numeric:tabular-nums;white-space:nowrap} .note{color:#4d5b68;max-width:60rem}
img{max-width:100%;display:block;margin:.6rem 0} audio{height:28px;width:230px} .wrong{color:#b3261e}
details summary{cursor:pointer;color:#2f6f9f} .small{font-size:13px}
"""


def text(value: Any) -> str:
    """A value as escaped text."""
    return html.escape(", ".join(map(str, value)) if isinstance(value, list) else str(value))


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: bool = False) -> str:
    """A table of cells that are HTML already."""
    kind = ' class="n"' if numbers else ""
    top = "".join(f"<th>{cell}</th>" for cell in head)
    body = "".join(
        "<tr>" + "".join(f"<td{kind if place else ''}>{cell}</td>" for place, cell in enumerate(row)) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def image(png: str, alt: str) -> str:
    """An image of a PNG in base64, embedded in the page."""
    return f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{png}">'


def note(markup: str) -> str:
    """A paragraph of explanation, of HTML."""
    return f'<p class="note">{markup}</p>'


def number(value: float | None, digits: int = 2) -> str:
    """A number, or a dash where it is missing or not finite."""
    return "–" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def player(path: Path, out: Path) -> str:
    """A player of an audio file, linked relative to the page's folder where the file lies below it."""
    link = path.relative_to(out).as_posix() if path.is_relative_to(out) else path.resolve().as_uri()
    return f'<audio controls preload="none" src="{quote(link, safe="/:")}"></audio>'
