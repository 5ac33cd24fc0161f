"""One request for one piece, in the form that other servers of audio have."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from pydantic import AliasChoices, ConfigDict, Field, create_model
from pydantic.config import JsonDict

from mousai.audio.writing import wav_header
from mousai.pipeline import DURATION
from mousai.server.errors import ApiError, responses
from mousai.server.files import sound_content
from mousai.server.job import Job, Status
from mousai.server.live.feed import Feed
from mousai.server.live.input import LiveInput
from mousai.server.routes.predictions import accept
from mousai.server.sending import SentOnce, Streamed
from mousai.server.service import Service, TheService
from mousai.server.verbs.base import FORMATS, Text
from mousai.server.verbs.generate import GENERATE_SETTINGS, Generate, GenerateInput
from mousai.server.waiting import LOOK, until_over

router = APIRouter(tags=["generations"])

MOST_BEHIND = 1200.0
"""Seconds of a stream that may wait for a client who reads too slowly: 230 megabytes at 48 kHz stereo."""
_SOUND: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "the sound; X-Mousai-Seed and X-Mousai-Settings say how it is made again",
        "content": sound_content(*FORMATS),
    }
}
_EXAMPLE: JsonDict = {
    "model": "bundled",
    "prompt": "calm piano pop, 100 bpm",
    "duration": 10,
    "response_format": "flac",
}


class _Generation(Generate):
    """A piece of music from a sentence."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    prompt: Text = Field(validation_alias=AliasChoices("prompt", "input"), description="what the music is like")
    model: str | None = Field(default=None, max_length=500, description="name of the served model; may be left out")
    stream: bool = Field(
        default=False, description="send it while it is made, as WAV: other music than the whole piece of the same seed"
    )


GenerationRequest: Any = create_model(
    "GenerationRequest", __base__=_Generation, __doc__=_Generation.__doc__, **GENERATE_SETTINGS
)


@router.post(
    "/v1/audio/generations", response_class=FileResponse, responses={**responses(404, 429, 500, 503), **_SOUND}
)
async def generate(body: GenerationRequest, request: Request, service: TheService) -> Response:
    """Make a piece and answer with its bytes; a client that goes away cancels it."""
    if body.model is not None and body.model != service.model.name:
        raise ApiError(404, f"model: this server has {service.model.name!r} alone", param="model")
    if body.stream:
        return await _streamed(body, request, service)
    given = body.model_dump(exclude={"model", "stream"}, exclude_unset=True)
    job = await accept(GenerateInput.model_construct(**given), service)
    if not await until_over(job, request):
        service.queue.cancel(job)
        return Response(status_code=499)
    if job.result is None:
        service.queue.forget(job)
        raise _failure(job)
    file = service.files.get(job.result)
    file.fetched = True
    settings = {name: value for name, value in file.made.items() if name not in ("prompt", "seed")}
    headers = {"X-Mousai-Seed": str(job.input.seed), "X-Mousai-Settings": json.dumps(settings)}
    return SentOnce(file.path, media_type=file.media_type, headers=headers, after=lambda: service.queue.forget(job))


async def _streamed(body: Any, request: Request, service: Service) -> Response:
    """Answer with the sound while it is made."""
    leave_out = {"model", "stream", "verb", "response_format", "duration"}
    for name in sorted(body.model_fields_set - LiveInput.model_fields.keys() - leave_out):
        if getattr(body, name) is not None:
            raise ApiError(422, f"{name}: is no part of a stream; leave it or stream out", param=name)
    if isinstance(body.chords, list):
        raise ApiError(422, 'chords: must be bars in a stream, such as "Am F C G"', param="chords")
    if body.response_format != "wav":
        raise ApiError(422, "response_format: a stream is sent as wav", param="response_format")
    given = body.model_dump(exclude=leave_out, exclude_none=True)
    seconds = DURATION if body.duration is None else body.duration
    if seconds > service.config.max_duration:
        limit = f"must be at most {service.config.max_duration:g} on this server"
        raise ApiError(422, f"duration={seconds:g}: {limit}", param="duration")
    wanted = LiveInput(**given, seconds=seconds)
    feed = Feed(paced=False, most_behind=MOST_BEHIND)
    job = await accept(wanted, service, feed=feed)
    first = asyncio.create_task(feed.receive())
    while not first.done():
        if await request.is_disconnected():
            first.cancel()
            service.queue.cancel(job)
            return Response(status_code=499)
        await asyncio.wait([first], timeout=LOOK)
    start = first.result()
    if not isinstance(start, dict):
        service.queue.forget(job)
        raise _failure(job)
    rate, channels = start["sample_rate"], start["channels"]
    header = wav_header(rate, channels, round(seconds * rate))
    headers = {"X-Mousai-Seed": str(job.input.seed)}
    return Streamed(_sound(job, feed, service, header), media_type="audio/wav", headers=headers)


async def _sound(job: Job, feed: Feed, service: Service, header: bytes) -> AsyncGenerator[bytes]:
    """Give the bytes of a WAV file as they come; a client that goes away cancels the job."""
    try:
        yield header
        while (found := await feed.receive()) is not None:
            if isinstance(found, bytes):
                yield found
        if job.status is not Status.SUCCEEDED:
            # The status line is gone: a body that ends early is how HTTP tells that something failed.
            raise RuntimeError(f"a stream ended early: {job.error or job.status}")
    finally:
        service.queue.cancel(job)
        service.queue.forget(job)


def _failure(job: Job) -> ApiError:
    """Return how a job that has no sound is answered."""
    if job.status is Status.CANCELED:
        return ApiError(503, job.error or "the job was canceled", retry_after=10.0)
    return ApiError(500 if job.fault else 422, job.error or "the job failed")
