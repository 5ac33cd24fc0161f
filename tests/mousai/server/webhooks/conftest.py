"""A receiver of webhooks, in this process."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


class Receiver(ThreadingHTTPServer):
    """Keeps what is posted to it, and answers with `statuses`, one after the other, then with 200."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[str, dict[str, str], dict[str, Any]]] = []  # path, headers, body
        self.statuses: list[int] = []
        self.times: list[float] = []
        self.released = threading.Event()  # until then nothing is answered
        self.released.set()

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    @property
    def url(self) -> str:
        return f"http://{self.place}/made?token=secret"

    @property
    def said(self) -> list[str]:
        """Status of each body that came."""
        return [body["status"] for _, _, body in self.got]

    def until(self, number: int, *, within: float = 30.0) -> None:
        """Wait for so many requests."""
        end = time.monotonic() + within
        while len(self.got) < number:
            assert time.monotonic() < end, f"{len(self.got)} came, not {number}"
            time.sleep(0.01)


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.released.wait(60)
        self.server.times.append(time.monotonic())
        self.server.got.append((self.path, headers, body))
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", f"http://{self.server.place}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
