"""A server around the miniature model, in this process."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from starlette.testclient import TestClient

from mousai.server.app import create_app
from mousai.server.config import ServerConfig
from mousai.server.routes.page import FOLDER
from mousai.server.service import Service, served_model

BASE = "http://127.0.0.1:7860"
QUICK = {"prompt": "calm piano pop, 100 bpm", "duration": 0.2, "steps": 2}
ENDLESS = {**QUICK, "steps": 1000, "decoder_steps": 1000, "duration": 2.0}
"""Takes longer than any test waits."""
ASYNC = {"Prefer": "respond-async"}


def wav(seconds: float = 1.0, *, rate: int = 48000, channels: int = 2, level: float = 0.3, **how: Any) -> bytes:
    """A tone as a file."""
    wave = level * np.sin(np.arange(round(seconds * rate)) * 2 * np.pi * 440 / rate)
    file = BytesIO()
    soundfile.write(file, np.stack([wave] * channels, axis=1), rate, **{"format": "WAV", **how})
    return file.getvalue()


def message_of(response: Any, status: int) -> str:
    """The sentence of a refusal, which has the one schema of all errors."""
    assert response.status_code == status, response.text
    body = response.json()
    assert body.keys() == {"error"} and body["error"].keys() == {"code", "message", "param"}
    message = body["error"]["message"]
    assert "\n" not in message and "/tmp" not in message
    return message


@pytest.fixture(scope="session")
def serve(saved_model: Path) -> Iterator[Callable[..., TestClient]]:
    """Starts a server with some settings; it is stopped at the end of the session."""
    with ExitStack() as stack:

        def start(**settings: Any) -> TestClient:
            service = Service(ServerConfig(**settings), served_model(saved_model, name="bundled", dtype="float32"))
            client = TestClient(create_app(service), base_url=BASE, raise_server_exceptions=False)
            return stack.enter_context(client)

        yield start


@pytest.fixture(scope="session")
def client(serve: Callable[..., TestClient]) -> TestClient:
    """A server that many tests share."""
    return serve(max_duration=30.0, max_upload=2)


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the page's modules that node takes for modules."""
    folder = tmp_path_factory.mktemp("page")
    shutil.copytree(FOLDER / "js", folder / "js")
    shutil.copytree(FOLDER / "vendor", folder / "vendor")
    (folder / "package.json").write_text('{"type": "module"}')
    return folder / "js"


def service_of(client: TestClient) -> Service:
    """The state behind a client."""
    return client.app.state.service  # type: ignore[attr-defined]


def upload(client: TestClient, content: bytes | None = None) -> str:
    """Id of an uploaded recording."""
    response = client.post("/v1/files", files={"file": ("song.wav", wav() if content is None else content)})
    assert response.status_code == 201, response.text
    return response.json()["id"]


def predict(client: TestClient, **given: Any) -> dict[str, Any]:
    """A prediction that has ended."""
    response = client.post("/predictions", json={"input": {**QUICK, **given}})
    assert response.status_code == 200, response.text
    return response.json()
