"""What the first, the second and the third signal do, without a process of its own."""

import asyncio
import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn

from mousai.errors import UserError
from mousai.server import run
from mousai.server.config import ServerConfig
from mousai.server.engine.base import LocalEngine
from mousai.server.files import FileStore, StoredFile
from mousai.server.job import Canceled, Job
from mousai.server.run import Server
from mousai.server.runner import Runner
from mousai.server.service import Service, served_model

from .conftest import ENDLESS, service_of


def server_of(service: Service) -> Server:
    """A server around a service that is not started."""
    server = Server(uvicorn.Config("", log_config=None))
    server._service = service
    return server


@pytest.fixture
def service(saved_model: Path):
    found = Service(ServerConfig(), served_model(saved_model, name="bundled", dtype="float32"))
    yield found
    found.files.close()


def result(service: Service, *, age: float) -> StoredFile:
    """A result that nobody has fetched."""
    name, path = service.files.new_path(".wav")
    path.write_bytes(b"sound")
    sound = {"size": 5, "seconds": 1.0, "sample_rate": 48000, "channels": 2}
    made = StoredFile(id=name, path=path, kind="result", container="wav", created=time.monotonic() - age, **sound)
    return service.files.add(made)


@pytest.mark.parametrize(("grace", "age", "waits"), [(1.5, 0.2, True), (60.0, 600.0, False)])
def test_a_result_that_ended_shortly_before_the_signal_can_still_be_fetched(service, monkeypatch, grace, age, waits):
    monkeypatch.setattr(run, "GRACE", grace)
    result(service, age=age)
    server = server_of(service)
    server.handle_exit(signal.SIGTERM, None)
    begun = time.monotonic()
    asyncio.run(server._watched())
    assert server.should_exit and (time.monotonic() - begun >= 1.4 if waits else time.monotonic() - begun < 30)


@pytest.fixture
def umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.parametrize(
    ("failure", "kind", "said"),
    [
        (UserError("model", "m", "is broken"), UserError, "model='m': is broken"),
        (ZeroDivisionError("by zero"), RuntimeError, "the model could not be loaded"),
    ],
)
def test_a_model_that_cannot_be_loaded_ends_the_server(saved_model: Path, umask, capsys, failure, kind, said):
    def load():
        raise failure

    model = served_model(saved_model, name="bundled", dtype="float32", load=load)
    # An engine of its own, since the process of the other would end here.
    with pytest.raises(kind) as caught:
        run.serve(ServerConfig(port=0), model, engine=LocalEngine(load, model.stored))
    assert type(caught.value) is kind and str(caught.value) == said
    assert failure in (caught.value, caught.value.__cause__)


def test_a_job_that_is_canceled_in_its_last_step_stores_nothing(tmp_path: Path):
    files = FileStore(keep=60, limit=10**6)
    pipe: Any = SimpleNamespace(set_progress_bar_config=lambda **_: None)
    runner = Runner(pipe, {}, files, lambda _: None)
    wanted: Any = SimpleNamespace(prompt=None, response_format="wav", passes=lambda _: 1)
    job = Job(input=wanted, asked=wanted)

    def make(*_):
        job.cancel_wanted = True
        return SimpleNamespace(output=SimpleNamespace(save=lambda *_, **__: pytest.fail("stored")))

    wanted.make = make
    with pytest.raises(Canceled):
        runner.run(job)
    assert files.count == 0 and job.result is None
    files.close()


def test_a_second_signal_cancels_what_runs_at_once(client):
    name = client.post("/predictions", json={"input": ENDLESS}, headers={"Prefer": "respond-async"}).json()["id"]
    queue = service_of(client).queue
    while not queue.is_running:
        time.sleep(0.01)
    client.portal.call(queue.cancel_running)
    while queue.is_running:
        time.sleep(0.01)
    assert client.get(f"/predictions/{name}").json()["status"] == "canceled"
    queue.cancel_running()  # nothing runs: nothing happens


def test_two_signals_leave_nothing_that_runs_to_wait_for(service, monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(service.queue, "cancel_running", lambda: asked.append("cancel"))
    monkeypatch.setattr(type(service.queue), "is_running", property(lambda _: True))
    server = server_of(service)
    for _ in range(2):
        server.handle_exit(signal.SIGINT, None)
    asyncio.run(asyncio.wait_for(server._watched(), 5.0))
    assert asked == ["cancel"] and server.should_exit


def test_a_third_signal_ends_the_process_and_leaves_no_sound(service, monkeypatch):
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    result(service, age=0.0)
    server = server_of(service)
    for _ in range(3):
        assert codes == []
        server.handle_exit(signal.SIGINT, None)
    assert codes == [130] and not service.files.folder.exists()
