"""`WS /v1/live`: music without end, changed while it plays."""

import asyncio
import json
from contextlib import suppress
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import ValidationError

from mousai.errors import UserError
from mousai.server.errors import ApiError, param_of, sentence_of, sentence_of_invalid
from mousai.server.job import Job
from mousai.server.live.feed import Feed
from mousai.server.live.input import LiveInput, LiveUpdate, id_of
from mousai.server.routes.predictions import accept
from mousai.server.service import Service

router = APIRouter()
MOST_BEHIND = 30
"""Seconds of sound that may wait for a client who reads too slowly."""
LARGEST_MESSAGE = 20_000
"""Characters of a message."""
PATIENCE = 30.0
"""Seconds in which the first message has to come."""


@router.websocket("/v1/live")
async def live(socket: WebSocket) -> None:
    """Play for one client.

    The first message of the client is what to play (`LiveInput`), later ones change it (`LiveUpdate`) or end it
    (`{"type": "stop"}`). The server sends its place in the queue, `start` with the form of the samples, then `chunk`
    with bar and beat before each binary message of samples, `changed` or `error` for each update, with its `id`, and at
    last `end`.
    """
    service: Service = socket.app.state.service
    await socket.accept()
    with suppress(WebSocketDisconnect):
        try:
            given = LiveInput.model_validate(await asyncio.wait_for(_message(socket), PATIENCE))
            feed = Feed(paced=True, most_behind=MOST_BEHIND)
            job = await accept(given, service, feed=feed)
        except (ApiError, UserError, ValidationError, TimeoutError) as error:
            await socket.send_json(_told(error))
            await socket.close(1008)
            return
        await _session(socket, service, job, feed)


async def _session(socket: WebSocket, service: Service, job: Job, feed: Feed) -> None:
    tasks = [
        asyncio.create_task(one) for one in (_tell_place(socket, job), _listen(socket, feed), _send(socket, job, feed))
    ]
    try:
        _, waiting = await asyncio.wait(tasks[1:], return_when=asyncio.FIRST_COMPLETED)
        service.queue.cancel(job)
        if tasks[2] in waiting and tasks[1].exception() is None:  # it was asked to stop: the end is still sent
            await tasks[2]
        for one in tasks[1:]:
            if one.done():
                one.result()
        await socket.close()
    finally:
        service.queue.cancel(job)
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        service.queue.forget(job)


async def _tell_place(socket: WebSocket, job: Job) -> None:
    """Tell the place in the queue until it is its turn."""
    place = None
    while job.started_at is None and not job.is_over:
        event = job.changed
        if job.place != place:
            place = job.place
            await socket.send_json({"type": "queue", "place": place})
        if job.started_at is None and not job.is_over:
            await event.wait()


async def _listen(socket: WebSocket, feed: Feed) -> None:
    """Take updates until the client asks to stop."""
    while True:
        message = None
        try:
            message = await _message(socket)
            if message == {"type": "stop"}:
                return
            feed.update(LiveUpdate.model_validate(message).model_dump())
        except (ApiError, ValidationError) as error:
            await socket.send_json(_told(error, name=id_of(message)))


async def _send(socket: WebSocket, job: Job, feed: Feed) -> None:
    """Send what the worker makes until its end."""
    while (found := await feed.receive()) is not None:
        if isinstance(found, bytes):
            await socket.send_bytes(found)
        else:
            await socket.send_json(found)
    await socket.send_json({"type": "end", "status": job.status, "message": job.error})


async def _message(socket: WebSocket) -> Any:
    """Return the next message, which is JSON."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1006))
    text = message.get("text")
    if text is None or len(text) > LARGEST_MESSAGE:
        raise ApiError(422, "a message must be JSON text, no longer than 20,000 characters")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ApiError(422, "a message must be JSON") from None


def _told(error: Exception, *, name: str | None = None) -> dict[str, Any]:
    """Return an error as a message; `name` is the id of the one that it answers."""
    message, param = "nothing came", None
    if isinstance(error, ApiError):
        message, param = error.message, error.param
    elif isinstance(error, UserError):
        message, param = sentence_of(error), param_of(error)
    elif isinstance(error, ValidationError):
        message, param = sentence_of_invalid(error.errors()[0], ())
    return {"type": "error", "id": name, "message": message, "param": param}
