"""What the server is and how it fares: models, health, metrics."""

from typing import Any, Literal

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, Field

from mousai import __version__
from mousai.conditioning.controls import SECTIONS
from mousai.conditioning.leads import LEADS
from mousai.server.errors import responses
from mousai.server.metrics import exposition
from mousai.server.service import TheService
from mousai.server.verbs import VERBS
from mousai.server.verbs.base import FORMATS

router = APIRouter(tags=["server"])


class Health(BaseModel):
    """Whether jobs are being done."""

    status: Literal["loading", "ready", "closing", "failed"]
    version: str
    queue: int = Field(description="jobs that wait")


class StyleInfo(BaseModel):
    """A style of music that the model knows."""

    name: str
    genre: str
    tempo: tuple[int, int] = Field(description="usual tempos, beats per minute")


class Model(BaseModel):
    """The served model."""

    id: str
    object: Literal["model"] = "model"
    owned_by: str = "mousai"
    about: str
    device: str
    sample_rate: int
    channels: int
    max_duration: float = Field(description="most seconds of a piece")
    max_upload: int = Field(description="most megabytes of an upload")
    defaults: dict[str, Any] = Field(description="settings of sampling that it is best run with, by the input's names")
    verbs: list[str]
    formats: list[str]
    leads: list[str] = Field(description="instruments that can lead")
    styles: list[StyleInfo] = Field(description="styles that it was trained on, where they are known")
    controls: list[str] = Field(
        description="what the model follows beside tempo, key and lead: chords, melody, section (also form), known"
    )
    sections: list[str] = Field(description="sections that a form is made of")
    live: bool = Field(default=True, description="whether it plays without end at the WebSocket /v1/live")


class Models(BaseModel):
    """All models: one."""

    object: Literal["list"] = "list"
    data: list[Model]


@router.get("/health", responses={503: {"model": Health, "description": "not ready"}})
async def health(service: TheService) -> Response:
    """Tell whether the model is loaded: 200 when it is, 503 before, and when the server is about to exit."""
    queue = service.queue
    status: Any = "ready" if queue.ready else "loading"
    if queue.closing:
        status = "closing"
    if service.failure is not None:
        status = "failed"
    body = Health(status=status, version=__version__, queue=queue.length)
    return JSONResponse(body.model_dump(), status_code=200 if status == "ready" else 503)


@router.get("/v1/models", responses=responses())
async def models(service: TheService) -> Models:
    """List the model, with what it is best run with and what this server allows."""
    model, config = service.model, service.config
    known = type(model.defaults)
    from mousai.settings import settings_of

    names = {name: one.stored_as(name) for name, one in settings_of(known).items()}
    one = Model(
        id=model.name,
        about=model.about,
        device=model.device,
        sample_rate=model.sample_rate,
        channels=model.channels,
        max_duration=config.max_duration,
        max_upload=config.max_upload,
        defaults={names[name]: value for name, value in model.defaults.to_dict().items()},
        verbs=list(VERBS),
        formats=list(FORMATS),
        leads=list(LEADS),
        controls=list(model.controls),
        sections=list(SECTIONS),
        styles=_styles() if model.name == "bundled" else [],
    )
    return Models(data=[one])


@router.get("/metrics", response_class=PlainTextResponse, responses=responses())
async def metrics(service: TheService) -> PlainTextResponse:
    """Figures for Prometheus."""
    return PlainTextResponse(exposition(service), media_type="text/plain; version=0.0.4")


def _styles() -> list[StyleInfo]:
    """Return the styles of the composer, whose songs the bundled model was trained on."""
    from mousai.compose.styles import STYLES

    return [StyleInfo(name=one.name, genre=one.genre, tempo=one.tempo) for one in STYLES]
