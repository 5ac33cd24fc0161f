"""Uploads: one file of a multipart body, streamed to disk, bounded, and checked to be sound."""

import asyncio
import warnings
from pathlib import Path
from typing import Any, BinaryIO

from fastapi import Request
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from mousai.errors import UserError
from mousai.server.errors import ApiError
from mousai.server.files import MEGABYTE, FileStore, StoredFile, longest_at
from mousai.server.provenance import cleaned

PATIENCE = 30.0
"""Seconds that a client may pause within an upload."""
FORM = 16384
"""Bytes that a form may have beside the file."""


class _FilePart:
    """Callbacks of the parser: writes the part named "file", and refuses every other."""

    def __init__(self, target: BinaryIO, limit: int) -> None:
        self.found = self.complete = self.ended = False
        self.size = 0
        self._target, self._limit = target, limit
        self._header, self._value = b"", b""
        self._wanted = False

    def callbacks(self) -> Any:
        """Return them by the parser's names."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._field,
            "on_header_value": self._add,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._last,
        }

    def _begin(self) -> None:
        self._wanted, self._header, self._value = False, b"", b""

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _add(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._wanted = parse_options_header(self._value)[1].get(b"name") == b"file"
        self._header = self._value = b""

    def _headers(self) -> None:
        if not self._wanted:
            raise ApiError(422, 'file: the body must have one part, named "file"', param="file")
        if self.found:
            raise ApiError(422, "file: there are two; send one at a time", param="file")
        self.found = True

    def _data(self, data: bytes, start: int, end: int) -> None:
        self.size += end - start
        if self.size > self._limit:
            raise ApiError(413, f"file: is larger than {self._limit // MEGABYTE} MB", param="file")
        self._target.write(data[start:end])

    def _end(self) -> None:
        self.complete = True

    def _last(self) -> None:
        self.ended = True


async def receive(request: Request, files: FileStore, *, max_bytes: int, max_seconds: float) -> StoredFile:
    """Store the file of a multipart request.

    Raises:
        ApiError: it is no such request, too large, too slow, too long, or no sound; nothing stays on disk.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise ApiError(415, 'send the file as multipart/form-data, in a part named "file"')
    stated = request.headers.get("content-length", "")
    if stated.isdecimal() and int(stated[:20]) > max_bytes + FORM:
        raise ApiError(413, f"file: is larger than {max_bytes // MEGABYTE} MB", param="file")
    name, path = files.new_path(".upload")
    promised = int(stated[:20]) if stated.isdecimal() else 0
    try:
        files.reserve(path, promised)
        await _stream(request, path, options[b"boundary"], max_bytes=max_bytes, promised=promised, files=files)
        return files.add(await _in_turn(files, path, name, max_seconds))
    except BaseException:
        files.release(path)
        raise


async def _in_turn(files: FileStore, path: Path, name: str, max_seconds: float) -> StoredFile:
    async with files.reading:
        return await run_in_threadpool(checked, path, name, max_seconds)


async def _stream(
    request: Request, path: Path, boundary: bytes, *, max_bytes: int, promised: int, files: FileStore
) -> None:
    with path.open("xb") as target:
        part = _FilePart(target, max_bytes)
        chunks, received = request.stream(), 0
        try:
            parser = MultipartParser(boundary, part.callbacks())
            while True:
                chunk = await asyncio.wait_for(anext(chunks, None), PATIENCE)
                if chunk is None:
                    break
                received += len(chunk)
                if received > max_bytes + FORM:
                    raise ApiError(413, f"file: is larger than {max_bytes // MEGABYTE} MB", param="file")
                if received > promised:
                    files.reserve(path, received)
                parser.write(chunk)
            parser.finalize()
        except TimeoutError:
            raise ApiError(408, f"nothing of the file came for {PATIENCE:g} s", param="file") from None
        except ClientDisconnect:
            raise ApiError(400, "file: is cut short: the client went away", param="file") from None
        except MultipartParseError:
            raise ApiError(400, "the body is not multipart/form-data as its header says") from None
    if not (part.found and part.complete and part.ended):
        what = "is cut short" if part.found else 'is missing: the body must have one part, named "file"'
        raise ApiError(422, f"file: {what}", param="file")


def checked(path: Path, name: str, max_seconds: float) -> StoredFile:
    """Read a whole upload and describe it.

    Raises:
        ApiError: it is neither sound nor the MIDI file of a tune, or too long.
    """
    with path.open("rb") as start:
        magic = start.read(4)
    if magic == b"MThd":
        return _tune(path, name)
    from mousai.audio.files import read_audio, read_metadata
    from mousai.audio.opening import opened

    try:
        with warnings.catch_warnings(), opened(path) as file:
            warnings.simplefilter("ignore")
            rate, channels, container = file.samplerate, file.channels, file.format.lower()
        longest = longest_at(rate, max_seconds)
        sound = read_audio(path, sample_rate=rate, channels=min(channels, 2), duration=longest + 1)
        made = read_metadata(path)
    except UserError as error:
        raise ApiError(415, f"file: {error.hint}", param="file") from None
    seconds = sound.shape[1] / rate
    if seconds > longest:
        why = "" if longest == max_seconds else f", the most at {rate} samples a second"
        raise ApiError(413, f"file: is longer than {longest:.6g} s{why}; cut it into parts", param="file")
    loudest = float(max(sound.max(), -sound.min()))
    return StoredFile(
        id=name,
        path=path,
        kind="upload",
        container={"wavex": "wav", "mpeg": "mp3"}.get(container, container),
        size=path.stat().st_size,
        seconds=seconds,
        sample_rate=rate,
        channels=channels,
        peak=loudest,
        made=cleaned(made),
    )


def _tune(path: Path, name: str) -> StoredFile:
    """Read a MIDI file and describe it; `ApiError` where it has no tune."""
    from mousai.conditioning.notation.midi_tunes import read_midi_tune

    try:
        _, notes = read_midi_tune(path)
    except UserError as error:
        raise ApiError(415, f"file: {error.hint}", param="file") from None
    return StoredFile(
        id=name,
        path=path,
        kind="midi",
        container="mid",
        size=path.stat().st_size,
        seconds=max(end for _, end, _ in notes),
        sample_rate=0,
        channels=0,
    )
