"""Sounds: upload, download, remove."""

from datetime import UTC, datetime, timedelta
from pathlib import Path as FilePath
from time import monotonic
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from mousai.conditioning.attributes import key_name
from mousai.errors import UserError
from mousai.server.errors import ApiError, responses, status_of
from mousai.server.files import MEGABYTE, FileStore, StoredFile, media_type_of, sound_content
from mousai.server.provenance import attributes_in
from mousai.server.sending import Sent, SentOnce
from mousai.server.service import Service, TheService, base_of
from mousai.server.uploads import receive

router = APIRouter(tags=["files"])
FileName = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="id of the file")]


Container = Annotated[
    Literal["wav", "flac", "mp3", "ogg"] | None, Query(description="container in which it comes; its own if not given")
]


class FileInfo(BaseModel):
    """One sound of the store."""

    id: str
    url: str
    kind: str = Field(description='"upload", "result", or "midi": the file of a tune, of no rate and channels')
    media_type: str
    bytes: int
    seconds: float
    sample_rate: int
    channels: int
    tempo: float | None = Field(description="beats per minute, as it is stored or as its prompt says")
    first_downbeat: float | None = Field(description="second at which a bar begins, where the tempo is known")
    key: str | None = Field(description='key, such as "A minor", as it is stored or as its prompt says')
    lead: str | None = Field(description="instrument that has the melody, as it is stored or as its prompt says")
    made: dict[str, str] = Field(description="prompt, seed and settings, where mousai made it")
    command: str | None = Field(description="command line that makes it again, where there is one")
    expires_at: datetime = Field(description="when it is removed if nobody uses it before")


_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                    "additionalProperties": False,
                }
            }
        },
    }
}
_KINDS = sound_content("wav", "flac", "mp3", "ogg", "aiff", "mid")
_SOUND: dict[int | str, dict[str, Any]] = {
    200: {"description": "the sound", "content": _KINDS},
    206: {"description": "a part of it", "content": _KINDS},
}


@router.post("/v1/files", status_code=201, openapi_extra=_BODY, responses=responses(415, 429))
async def upload(request: Request, service: TheService) -> FileInfo:
    """Upload a recording: WAV, FLAC, OGG, MP3 or AIFF, mono or stereo, in a part named "file"."""
    config = service.config
    most = config.max_upload * MEGABYTE
    file = await receive(request, service.files, max_bytes=most, max_seconds=config.max_duration)
    return _info(file, request, service)


@router.get("/v1/files/{file_id}", response_class=FileResponse, responses={**responses(404, 415, 416), **_SOUND})
async def download(file_id: FileName, service: TheService, format: Container = None) -> FileResponse:
    """Download a result or an upload; ranges are answered. With another `format` it is written anew in that."""
    file = service.files.get(file_id) if format is None else service.files.recording(file_id, field="file_id")
    file.fetched = True
    if format is not None and format != file.container:
        path = await _converted_in_turn(file, format, service.files)
        kind = media_type_of(format)
        return SentOnce(
            path, media_type=kind, filename=f"{file.id}.{format}", after=lambda: service.files.release(path)
        )
    headers = {"Cache-Control": "private, no-store"}
    name = file.file_name
    return Sent(
        file.path, media_type=file.media_type, filename=name, content_disposition_type="inline", headers=headers
    )


@router.get("/v1/files/{file_id}/info", responses=responses(404))
async def info(file_id: FileName, request: Request, service: TheService) -> FileInfo:
    """Look at a file: length, rate, and how it was made."""
    return _info(service.files.get(file_id), request, service)


@router.delete("/v1/files/{file_id}", status_code=204, responses=responses(404, 409))
async def delete(file_id: FileName, service: TheService) -> Response:
    """Remove a file."""
    service.files.delete(file_id)
    return Response(status_code=204)


async def _converted_in_turn(file: StoredFile, container: str, files: FileStore) -> FilePath:
    files.pin([file.id])  # it could be removed while this waits
    try:
        async with files.reading:
            return await run_in_threadpool(converted, file, container, files)
    finally:
        files.unpin([file.id])


def converted(file: StoredFile, container: str, files: FileStore) -> FilePath:
    """Write a file in another container, with what mousai stored in it, and return the path.

    It counts as a file of the store until `FileStore.release`.

    Raises:
        ApiError: that container cannot hold it, or the store is full.
    """
    from mousai.audio.files import read_audio, write_audio

    _, path = files.new_path(f".{container}")
    files.reserve(path, round(file.seconds * file.sample_rate) * file.channels * 3 + 65536)  # 24 bits at most
    try:
        sound = read_audio(file.path, sample_rate=file.sample_rate, channels=file.channels)
        write_audio(path, sound, file.sample_rate, metadata=file.made)
        files.reserve(path, path.stat().st_size)
    except BaseException as error:
        files.release(path)
        if isinstance(error, UserError):
            raise ApiError(status_of(error, 415), f"format: {container}: {error.hint}", param="format") from None
        raise
    return path


def _info(file: StoredFile, request: Request, service: Service) -> FileInfo:
    known = attributes_in(file.made)
    left = service.config.keep * 60 - (monotonic() - file.last_used)
    return FileInfo(
        id=file.id,
        url=f"{base_of(request)}/v1/files/{file.id}",
        kind=file.kind,
        media_type=file.media_type,
        bytes=file.size,
        seconds=file.seconds,
        sample_rate=file.sample_rate,
        channels=file.channels,
        tempo=known.tempo,
        first_downbeat=None if known.tempo is None else known.first_downbeat,
        key=None if known.key is None else key_name(known.key),
        lead=known.lead,
        made=dict(file.made),
        command=file.command,
        expires_at=datetime.now(UTC) + timedelta(seconds=left),
    )
