"""The page: static files that come along in the package, and nothing else."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as PathField
from fastapi.responses import FileResponse

from mousai.server.errors import ApiError

router = APIRouter(include_in_schema=False)
FOLDER = Path(__file__).parents[1] / "page"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}
"""Endings of files that are served, with their media types."""
_FILES = {
    path.relative_to(FOLDER).as_posix(): path for path in FOLDER.rglob("*") if path.is_file() and path.suffix in TYPES
}
"""All of them, listed once: a request names an entry of this table and no path."""
_HEADERS = {"Cache-Control": "no-cache"}


@router.get("/")
async def index() -> FileResponse:
    """Send the page."""
    return await asset("index.html")


@router.get("/page/{name:path}")
async def asset(name: Annotated[str, PathField(max_length=200)]) -> FileResponse:
    """Send a file of the page."""
    found = _FILES.get(name)
    if found is None:
        raise ApiError(404, "there is nothing at this address")
    return FileResponse(found, media_type=TYPES[found.suffix], headers=_HEADERS)
