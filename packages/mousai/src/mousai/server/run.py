"""Running the server: the socket, the signals, the lines on the terminal, and the browser."""

import asyncio
import os
import shutil
import socket
import sys
import time
from types import FrameType
from typing import Any

import uvicorn

from mousai.errors import UserError
from mousai.server.app import create_app
from mousai.server.config import ServerConfig
from mousai.server.engine.base import Engine
from mousai.server.service import ServedModel, Service

GRACE = 5.0
"""Seconds for which a result that nobody has fetched yet can still be fetched after SIGTERM; also one that ended so
shortly before."""
_LOOK = 0.05


def serve(config: ServerConfig, model: ServedModel, *, engine: Engine | None = None, browser: bool = False) -> int:
    """Serve until a signal ends it; returns the exit code.

    SIGTERM and SIGINT finish what runs and refuse new ones; a second signal stops it at its next step, and a
    third ends the process at once. The process ends with the server, but for one whose engine was given.

    Args:
        config: settings.
        model: the model.
        engine: computes; by default the model in this process.
        browser: whether to open the page when it can be shown.

    Raises:
        UserError: the port is taken, or the address is none of this machine.
    """
    listening = bound_socket(config.host, config.port)
    os.umask(0o077)
    address = address_of(listening, config.host)
    server = Server(
        uvicorn.Config("", log_level="warning", timeout_graceful_shutdown=10, server_header=False, ws_max_size=65536)
    )
    service = Service(config, model, engine=engine, on_failure=lambda _: server.leave())
    server.attach(service, address, browser=browser)
    try:
        server.run(sockets=[listening])
    finally:
        listening.close()
        service.files.close()
    loading = service.queue.is_loading
    if loading:
        service.engine.close()
    elif isinstance(service.failure, UserError):
        raise service.failure
    elif service.failure is not None:
        raise RuntimeError("the model could not be loaded") from service.failure
    if loading or engine is None:
        # All is written and closed. Nothing can stop a model that is being loaded, and nobody need wait while Python
        # takes PyTorch apart.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
    return 0


class Server(uvicorn.Server):
    """uvicorn's server, which on a signal finishes the job that runs before it closes its socket."""

    _service: Service
    _signals = 0

    def attach(self, service: Service, address: str, *, browser: bool) -> None:
        """Set the service that is served, and what is said when it can be reached."""
        self._service, self._address, self._browser = service, address, browser
        self.config.app = create_app(service)

    def leave(self) -> None:
        """Stop, from any thread."""
        self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal; the third does not wait for anything, and leaves no sound behind."""
        self._signals += 1
        if self._signals >= 3:
            shutil.rmtree(self._service.files.folder, ignore_errors=True)
            os._exit(128 + sig)
        self._service.queue.closing = True  # at once, so that no job slips in before the loop gets to it

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and say so."""
        await super().startup(sockets)
        if self.should_exit:
            return
        print(f"mousai: {self._address} (Ctrl-C stops)", flush=True)
        if self._browser:
            import webbrowser

            asyncio.get_running_loop().run_in_executor(None, webbrowser.open, self._address)
        self._watch = asyncio.create_task(self._watched())

    async def _watched(self) -> None:
        """Say when the model is loaded; after a signal, finish what runs and leave."""
        queue, told = self._service.queue, False
        while not self._signals:
            if queue.ready and not told:
                print("mousai: ready", flush=True)
                told = True
            await asyncio.sleep(_LOOK)
        queue.begin_closing()
        end: Any = None
        while self._signals < 2:
            if not queue.is_running:
                end = time.monotonic() + GRACE if end is None else end
                recent = queue.closed_at - GRACE
                if time.monotonic() >= end or not self._service.files.has_unfetched_since(recent):
                    break
            await asyncio.sleep(_LOOK)
        queue.cancel_running()  # a client that waits for it would else keep the server for as long as it runs
        self.should_exit = True


def bound_socket(host: str, port: int) -> socket.socket:
    """Return a socket that is bound, so that nobody else takes the port while the model is loaded.

    Raises:
        UserError: the port is taken or needs rights, or the address is none of this machine.
    """
    try:
        family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError:
        raise UserError("host", host, "is no address of this machine; 127.0.0.1 is this machine alone") from None
    bound = socket.socket(family, socket.SOCK_STREAM)
    if os.name == "posix":  # elsewhere it would share the port with another server
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(where)
        bound.listen(128)
    except OSError as error:
        bound.close()
        import errno

        if error.errno == errno.EADDRINUSE:
            raise UserError("port", port, "is taken by another program; give another, or 0") from None
        if error.errno == errno.EACCES:
            raise UserError("port", port, "needs rights that you do not have; give one above 1023") from None
        raise UserError("host", host, "is no address of this machine; 127.0.0.1 is this machine alone") from None
    return bound


def address_of(listening: socket.socket, host: str) -> str:
    """Return the URL of the page for a browser on this machine."""
    port = listening.getsockname()[1]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}/"
