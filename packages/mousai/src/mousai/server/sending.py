"""Responses that end well: a file that nobody needs once it was sent, and sound for a client that stops reading."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

from fastapi.responses import FileResponse, StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

PATIENCE = 60.0
"""Seconds that a client may take none of a stream."""


class Sent(FileResponse):
    """A file, read in few large pieces: each costs a turn of the event loop and one of a thread."""

    chunk_size = 2**20


class SentOnce(Sent):
    """A file that nobody needs once it was sent.

    A `background` task would not be run where a range makes no sense, or the client goes away.

    Args:
        path: the file.
        after: called at the end, whatever came of it.
        options: those of `FileResponse`.
    """

    def __init__(self, path: Any, *, after: Callable[[], None], **options: Any) -> None:
        super().__init__(path, **options)
        self._after = after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._after()


class Streamed(StreamingResponse):
    """Sound while it is made, which ends where the client takes nothing of it for `PATIENCE` seconds.

    Args:
        sound: gives the bytes; closed at the end.
        options: those of `StreamingResponse`.
    """

    def __init__(self, sound: AsyncGenerator[bytes], **options: Any) -> None:
        super().__init__(sound, **options)
        self._sound = sound

    async def stream_response(self, send: Send) -> None:
        """Send it.

        Raises:
            ClientDisconnect: the client took nothing for too long, which counts as gone.
        """

        async def patient(message: Message) -> None:
            await asyncio.wait_for(send(message), PATIENCE)

        try:
            await super().stream_response(patient)
        except TimeoutError:
            raise ClientDisconnect from None
        finally:
            await self._sound.aclose()
