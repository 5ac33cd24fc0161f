"""Guard in front of all routes: who may ask, from which page, and how much of a body is read.

A page of another site can make a browser send requests here. Its `Origin` gives it away; and where it let its own name
point to this machine (DNS rebinding), the `Host` header does.
"""

import asyncio
import base64
import ipaddress
import secrets
import socket
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mousai.server.errors import answer
from mousai.server.service import Service

LARGEST_BODY = 1_000_000
"""Bytes of a body that is no upload."""
PATIENCE = 30.0
"""Seconds that a client may pause within a body."""
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'; "
    "style-src 'self' 'sha256-Y/8t1dAKa3ay+RZEiEFEDr8dFiQhpaFvYXXUfT3p6ZU='"  # the one that wavesurfer.js writes
)
_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


class Guard:
    """ASGI application around another one.

    Args:
        app: the application.
        service: state of the server.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._service = service
        self._app = self._with_cors(app)
        self._hosts = {"localhost", service.config.host.lower(), socket.gethostname().lower()}
        self._hosts |= {name.lower() for name in service.config.allowed_hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refused = self._refused(scope)
        if scope["type"] == "websocket":
            if refused is not None:
                await receive()
                await send({"type": "websocket.close", "code": 1008})
                return
            await self._app(scope, receive, send)
            return
        send = self._counted(send)
        if refused is None and not _is_upload(scope):
            refused, receive = await _read_body(scope, receive)
        if refused is None:
            await self._app(scope, receive, send)
        elif self._is_of_named_site(Headers(scope=scope)):
            await self._with_cors(refused)(scope, receive, send)  # a page of a named site can read why
        else:
            await refused(scope, receive, send)

    def _with_cors(self, app: ASGIApp) -> ASGIApp:
        """Return an application whose answers pages of the named sites can read."""
        if not self._service.config.cors:
            return app
        return CORSMiddleware(
            app,
            allow_origins=self._service.config.cors,
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Prefer", "X-API-Key"],
            expose_headers=["X-Mousai-Seed", "X-Mousai-Settings", "Retry-After", "Location"],
        )

    def _refused(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if not self._is_known_host(headers.get("host", "")):
            name = headers.get("host", "")
            return answer(403, f"this server is not called {name!r}; start it with --allow-host if it is")
        origin = headers.get("origin")
        if origin is not None and not self._is_known_origin(origin, headers.get("host", "")):
            return answer(403, f"pages of {origin!r} may not use this server; start it with --cors if they may")
        key = self._service.config.api_key
        if key is not None and scope["path"] != "/health" and not _shows(headers, key):
            if scope.get("method") == "OPTIONS" and origin is not None:  # a browser's question before a request
                return None
            challenge = {"WWW-Authenticate": 'Basic realm="mousai", charset="UTF-8"'}
            return answer(401, "needs the key, as Authorization: Bearer KEY", headers=challenge)
        return None

    def _is_known_host(self, host: str) -> bool:
        name = _name_of(host)
        if name in self._hosts:
            return True
        try:
            ipaddress.ip_address(name)  # a number cannot be made to point elsewhere
        except ValueError:
            return False
        return True

    def _is_known_origin(self, origin: str, host: str) -> bool:
        if origin in self._service.config.cors:
            return True
        try:
            parts = urlsplit(origin)
        except ValueError:  # "http://["
            return False
        return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()

    def _is_of_named_site(self, headers: Headers) -> bool:
        return headers.get("origin") in self._service.config.cors and self._is_known_host(headers.get("host", ""))

    def _counted(self, send: Send) -> Send:
        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                status = message["status"]
                self._service.requests[status] = self._service.requests.get(status, 0) + 1
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        return counted


def _name_of(host: str) -> str:
    """Name or address in a Host header, without the port."""
    if host.startswith("[") and "]" in host:
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _shows(headers: Headers, key: str) -> bool:
    """Whether a request has the key: as a bearer, as the password of basic authentication, or as X-API-Key."""
    scheme, _, shown = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            shown = base64.b64decode(shown, validate=True).decode().partition(":")[2]
        except ValueError:
            return False
    elif scheme.lower() != "bearer":
        shown = headers.get("x-api-key", "")
    return secrets.compare_digest(shown.strip().encode("utf-8", "replace"), key.encode())


def _is_upload(scope: Scope) -> bool:
    return bool(scope["method"] == "POST" and scope["path"] == "/v1/files")


async def _read_body(scope: Scope, receive: Receive) -> tuple[Response | None, Receive]:
    """Read a body that is no upload; returns a refusal or None, and what gives the body once more."""
    stated = Headers(scope=scope).get("content-length", "")
    too_large = answer(413, f"the body is larger than {LARGEST_BODY} bytes; sound goes to POST /v1/files")
    if stated.isdecimal() and int(stated[:20]) > LARGEST_BODY:
        return too_large, receive
    body, more = b"", True
    while more:
        try:
            message: Any = await asyncio.wait_for(receive(), PATIENCE)
        except TimeoutError:
            return answer(408, f"nothing of the body came for {PATIENCE:g} s"), receive
        if message["type"] == "http.disconnect":
            break
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > LARGEST_BODY:
            return too_large, receive
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return None, again
