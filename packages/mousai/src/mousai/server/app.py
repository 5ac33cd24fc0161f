"""The application: routes, errors, guard."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from mousai import __version__
from mousai.errors import UserError
from mousai.server import errors
from mousai.server.guard import Guard
from mousai.server.routes import about, events, files, generations, live, page, predictions
from mousai.server.service import Service

_DESCRIPTION = """Music from sentences, on a machine of your own.

Jobs are predictions: `POST /predictions` with `Prefer: respond-async`, then `GET /predictions/{id}/events`. One request
for one piece is `POST /v1/audio/generations`. Sound goes in by `POST /v1/files`. Every error has the same schema.
"""


def create_app(service: Service) -> FastAPI:
    """Return the application of a service; it loads the model when it starts, and removes all files when it ends."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        try:
            yield
        finally:
            await service.stop()

    app = FastAPI(
        title="Moûsai",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # both pages would be fetched from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = service
    for module in (predictions, events, files, generations, live, about, page):
        app.include_router(module.router)
    handlers: dict[Any, Any] = {
        errors.ApiError: errors.on_api_error,
        UserError: errors.on_user_error,
        RequestValidationError: errors.on_invalid,
        HTTPException: errors.on_http,
        OSError: errors.on_disk,
        Exception: errors.on_fault,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
    app.add_middleware(Guard, service=service)
    return app
