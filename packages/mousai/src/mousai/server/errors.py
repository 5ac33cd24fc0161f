"""Errors of the API: one schema, one sentence."""

import os
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from mousai.errors import DISK_FULL, READ_ONLY, UserError
from mousai.sampling_config import SamplingConfig
from mousai.settings import settings_of

_CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    416: "range_not_satisfiable",
    422: "invalid",
    429: "busy",
    500: "internal",
    501: "not_implemented",
    503: "unavailable",
    507: "disk_full",
}
_NAMES = {
    **{name: one.stored_as(name) for name, one in settings_of(SamplingConfig).items()},
    "inpaint_audio": "recording",
    "inpaint_mask_start_seconds": "regions",
    "inpaint_mask_end_seconds": "regions",
    "inpaint_before_seconds": "before",
    "seam_seconds": "seam",
}
"""Names of Python's arguments -> those of a prediction's input."""


class ErrorDetail(BaseModel):
    """What went wrong."""

    code: str = Field(description="kind of error, for programs", examples=["invalid"])
    message: str = Field(description="one sentence, for people", examples=["duration=0: must be above 0 seconds"])
    param: str | None = Field(default=None, description="field of the request that is wrong", examples=["duration"])


class ErrorBody(BaseModel):
    """Body of every error."""

    error: ErrorDetail


class ApiError(Exception):
    """Error that is answered to a request.

    Args:
        status: HTTP status.
        message: one sentence.
        param: field of the request that is wrong.
        retry_after: seconds after which the request may be sent again.
    """

    def __init__(
        self, status: int, message: str, *, param: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.retry_after = status, message, param, retry_after


def sentence_of(error: UserError, paths: Mapping[str, str] | None = None) -> str:
    """Return the one line of an error in the words of the API.

    Args:
        error: the error.
        paths: path of a stored file -> name of the field that named it; no path of the server is told.
    """
    return error.in_options({**_NAMES, **(paths or {})})


def param_of(error: UserError, paths: Mapping[str, str] | None = None) -> str | None:
    """Return the field of the request that an error is about."""
    return None if error.field is None else {**_NAMES, **(paths or {})}.get(error.field, error.field)


def answer(
    status: int, message: str, *, param: str | None = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return an error as a response."""
    about = ErrorDetail(
        code=_CODES.get(status, "error"),
        message=" ".join(_encodable(message).split()),
        param=None if param is None else _encodable(param),
    )
    body = ErrorBody(error=about)
    return JSONResponse(body.model_dump(), status_code=status, headers=dict(headers or {}))


async def on_api_error(_: Request, error: Exception) -> JSONResponse:
    """Answer an `ApiError`."""
    assert isinstance(error, ApiError)
    headers = {} if error.retry_after is None else {"Retry-After": str(max(1, round(error.retry_after)))}
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="mousai", charset="UTF-8"'
    return answer(error.status, error.message, param=error.param, headers=headers)


async def on_user_error(request: Request, error: Exception) -> JSONResponse:
    """Answer a mistake that the packages below found; no path of the server is told."""
    assert isinstance(error, UserError)
    folder = f"{request.app.state.service.files.folder}{os.sep}"
    param = param_of(error)
    told = None if param is None else param.replace(folder, "")
    return answer(status_of(error), sentence_of(error).replace(folder, ""), param=told)


def status_of(error: UserError, otherwise: int = 422) -> int:
    """Status of a mistake: 507 where it is none of the client, because a disk is full or cannot be written."""
    cause = error.__cause__
    return 507 if isinstance(cause, OSError) and cause.errno in (*DISK_FULL, *READ_ONLY) else otherwise


async def on_invalid(_: Request, error: Exception) -> JSONResponse:
    """Answer a request that does not fit the schema: the first thing that is wrong with it."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return answer(422, "the body is not JSON")
    message, param = sentence_of_invalid(first, first["loc"][:1])
    return answer(422, message, param=param)


def sentence_of_invalid(first: Mapping[str, Any], place: tuple[Any, ...]) -> tuple[str, str | None]:
    """Return the sentence and the field of an error of pydantic.

    Args:
        first: the error.
        place: part of its location that comes before the fields, such as ("body",).
    """
    # ("body", "input", "generate", "prompt"): the input of a prediction, whose verb is no part of the name.
    where = [str(part) for part in first["loc"][len(place) :]]
    where = where[2:] if where[:1] == ["input"] and len(where) > 1 else where
    field = "verb" if first["type"] == "verb" else ".".join(where) or None
    message = str(first["msg"]).removeprefix("Value error, ")
    return f"{field or (place or ('message',))[0]}: {_lowered(message)}", field


async def on_http(_: Request, error: Exception) -> JSONResponse:
    """Answer what the router refuses: no such path, a method that the path does not have."""
    assert isinstance(error, HTTPException)
    messages = {404: "there is nothing at this address", 405: "this address does not take this method"}
    return answer(error.status_code, messages.get(error.status_code, str(error.detail)), headers=error.headers)


async def on_disk(request: Request, error: Exception) -> JSONResponse:
    """Answer a disk that is full or read-only, which passes; what else the system reports is a fault."""
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        return answer(507, f"the disk of the server is full ({error.strerror}); make room there, then ask again")
    if isinstance(error, OSError) and error.errno in READ_ONLY:
        return answer(507, f"the disk of the server cannot be written ({error.strerror}); mend that, then ask again")
    raise error


async def on_fault(_: Request, error: Exception) -> JSONResponse:
    """Answer a fault of the program; its traceback goes to the log."""
    return answer(500, f"the server failed ({type(error).__name__}); its log says more")


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return statuses for the OpenAPI document of a route; those that every route has come along."""
    always = (400, 401, 403, 408, 413, 422, 507)
    return {status: {"model": ErrorBody, "description": _CODES[status]} for status in sorted({*always, *statuses})}


def _encodable(text: str) -> str:
    """Replace what no JSON document can hold; a request may hold it as an escape."""
    return text.encode("utf-8", "backslashreplace").decode()


def _lowered(message: str) -> str:
    return message[:1].lower() + message[1:]
