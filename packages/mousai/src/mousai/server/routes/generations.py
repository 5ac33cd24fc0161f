"""One request for one piece, in the form that other servers of audio have."""

import json
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from pydantic import AliasChoices, ConfigDict, Field, create_model
from pydantic.config import JsonDict
from starlette.background import BackgroundTask

from mousai.server.errors import ApiError, responses
from mousai.server.job import Status
from mousai.server.routes.predictions import accept
from mousai.server.service import TheService
from mousai.server.verbs.base import Text
from mousai.server.verbs.generate import GENERATE_SETTINGS, Generate, GenerateInput
from mousai.server.waiting import until_over

router = APIRouter(tags=["generations"])

_SOUND: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "the sound; X-Mousai-Seed and X-Mousai-Settings say how it is made again",
        "content": {"audio/wav": {"schema": {"type": "string", "format": "binary"}}},
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
    stream: bool = Field(default=False, description="must be false: this server sends a piece when it is whole")


GenerationRequest: Any = create_model(
    "GenerationRequest", __base__=_Generation, __doc__=_Generation.__doc__, **GENERATE_SETTINGS
)


@router.post(
    "/v1/audio/generations", response_class=FileResponse, responses={**responses(404, 429, 500, 501, 503), **_SOUND}
)
async def generate(body: GenerationRequest, request: Request, service: TheService) -> Response:
    """Make a piece and answer with its bytes; a client that goes away cancels it."""
    if body.model is not None and body.model != service.model.name:
        raise ApiError(404, f"model: this server has {service.model.name!r} alone", param="model")
    if body.stream:
        raise ApiError(501, "stream: this server sends a piece when it is whole; leave it out", param="stream")
    given = body.model_dump(exclude={"model", "stream"}, exclude_unset=True)
    job = await accept(GenerateInput.model_construct(**given), service)
    if not await until_over(job, request):
        service.queue.cancel(job)
        return Response(status_code=499)
    if job.result is None:
        service.queue.forget(job)
        if job.status is Status.CANCELED:
            raise ApiError(503, job.error or "the job was canceled", retry_after=10.0)
        raise ApiError(500 if job.fault else 422, job.error or "the job failed")
    file = service.files.get(job.result)
    file.fetched = True
    settings = {name: value for name, value in file.made.items() if name not in ("prompt", "seed")}
    headers = {"X-Mousai-Seed": str(job.input.seed), "X-Mousai-Settings": json.dumps(settings)}
    done = BackgroundTask(service.queue.forget, job)
    return FileResponse(file.path, media_type=file.media_type, headers=headers, background=done)
