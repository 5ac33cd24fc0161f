"""Progress of a job as server-sent events."""

from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from sse_starlette import EventSourceResponse, ServerSentEvent

from mousai.server.errors import responses
from mousai.server.job import Job
from mousai.server.prediction import prediction_of, progress_of
from mousai.server.routes.predictions import JobId
from mousai.server.service import TheService, base_of
from mousai.server.waiting import until_changed

router = APIRouter(tags=["predictions"])
PING = 15
"""Seconds after which a comment keeps the connection open."""
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "`progress` events, then one `done`", "content": {"text/event-stream": {}}}
}


@router.get(
    "/predictions/{prediction_id}/events",
    response_class=EventSourceResponse,
    responses={**responses(404), **_STREAM},
)
async def events(prediction_id: JobId, request: Request, service: TheService) -> EventSourceResponse:
    """Follow a prediction.

    `progress` events hold its progress: place in the queue, stage, step, total, seconds left. The last event is `done`
    and holds the whole prediction. Going away cancels nothing.
    """
    job = service.queue.find(prediction_id)
    return EventSourceResponse(_events(job, request), ping=PING, headers={"Cache-Control": "no-store"})


async def _events(job: Job, request: Request) -> AsyncIterator[ServerSentEvent]:
    last = ""
    while not job.is_over:
        event = job.changed
        shown = progress_of(job).model_dump_json()
        if shown != last:
            yield ServerSentEvent(shown, event="progress")
            last = shown
        if not job.is_over and event is job.changed:
            await until_changed(job, PING)
    yield ServerSentEvent(prediction_of(job, base_of(request)).model_dump_json(), event="done")
