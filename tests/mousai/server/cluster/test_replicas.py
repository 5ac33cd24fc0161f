"""Replicas on Ray Serve: the same bytes as without, also where one is killed under load; progress, cancel, streams."""

import json
import os
import signal
import time
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from mousai.cli.server.serve import Load
from mousai.server.app import create_app
from mousai.server.config import ServerConfig
from mousai.server.service import Service, served_model

from ..conftest import ASYNC, BASE, ENDLESS, QUICK, predict, service_of, upload

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]  # of Ray's own modules
pytest.importorskip("grpc_reflection", reason="comes with ray[serve]")

BUSY = {**QUICK, "steps": 120}
"""Takes long enough to be killed meanwhile."""


@pytest.fixture(scope="module")
def on_ray(saved_model: Path) -> Iterator[TestClient]:
    """A server whose two replicas are on a cluster of this machine, and are gone at the end."""
    from mousai.data.clusters import ray_session
    from mousai.server.engine.ray_serve import RayEngine

    model = served_model(saved_model, name="bundled", dtype="float32")
    with ray_session("local", workers=2):
        options = {"revision": None, "compile": False, "lora": None, "lora_scale": None}
        load = Load(Namespace(model=str(saved_model), dtype="float32", **options), "cpu")
        engine = RayEngine(load, model.stored, name="mousai-test", replicas=2, resources={"num_cpus": 1})
        service = Service(ServerConfig(max_duration=30.0, ray="auto", replicas=2), model, engine=engine)
        with TestClient(create_app(service), base_url=BASE, raise_server_exceptions=False) as client:
            eventually(lambda: service.queue.ready or service.failure is not None)
            assert service.failure is None, service.failure
            yield client
        assert replicas() == []


def eventually(holds: Any, *, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.05)


def replicas(prefix: str = "ray::ServeReplica:mousai-test") -> list[int]:
    """Processes of replicas, by how their names begin."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if words.startswith(prefix.encode()):
            found.append(int(folder.name))
    return found


def accepted(client: TestClient, **given: Any) -> str:
    response = client.post("/predictions", json={"input": given}, headers=ASYNC)
    assert response.status_code == 202, response.text
    return response.json()["id"]


def now(client: TestClient, name: str) -> dict[str, Any]:
    return client.get(f"/predictions/{name}").json()


def ended(client: TestClient, name: str) -> dict[str, Any]:
    eventually(lambda: now(client, name)["status"] not in ("starting", "processing"))
    return now(client, name)


def sound(client: TestClient, made: dict[str, Any]) -> bytes:
    assert made["status"] == "succeeded", made["error"]
    return client.get(made["output"]).content


def test_two_jobs_run_at_once_and_have_the_bytes_of_a_server_without_replicas(on_ray, client):
    names = [accepted(on_ray, **BUSY, seed=seed) for seed in range(3)]
    queue = service_of(on_ray).queue
    eventually(lambda: queue.running == 2)
    assert queue.length == 1 and now(on_ray, names[2])["progress"]["queue_place"] == 1
    eventually(lambda: now(on_ray, names[0])["progress"]["step"] > 0)
    assert now(on_ray, names[0])["progress"]["total"] == BUSY["steps"]
    for seed, name in enumerate(names):
        made = ended(on_ray, name)
        assert made["input"]["seed"] == seed and made["metrics"]["audio_seconds"] == pytest.approx(0.2)
        assert sound(on_ray, made) == sound(client, predict(client, **BUSY, seed=seed))


def test_a_killed_replica_loses_no_job_and_the_bytes_stay(on_ray, client):
    eventually(lambda: len(replicas()) == 2)
    names = [accepted(on_ray, **BUSY, seed=seed) for seed in range(6)]
    eventually(
        lambda: service_of(on_ray).queue.running == 2 and all(now(on_ray, n)["progress"]["step"] for n in names[:2])
    )
    before = replicas()
    os.kill(before[0], signal.SIGKILL)
    for seed, name in enumerate(names):
        assert sound(on_ray, ended(on_ray, name)) == sound(client, predict(client, **BUSY, seed=seed))
    eventually(lambda: len(set(replicas()) - set(before)) == 1)  # another in its place


def test_cancel_frees_the_replica_within_a_step(on_ray):
    eventually(lambda: len(replicas()) == 2)
    names = [accepted(on_ray, **ENDLESS) for _ in range(2)]
    eventually(lambda: all(now(on_ray, name)["progress"]["step"] for name in names))
    for name in names:
        on_ray.post(f"/predictions/{name}/cancel")
    made = predict(on_ray, seed=1)  # the replicas are free, or this would wait for a thousand steps
    assert made["status"] == "succeeded"
    assert [now(on_ray, name)["status"] for name in names] == ["canceled", "canceled"]


def test_recordings_travel_to_the_replica_and_its_refusals_come_back(on_ray, client):
    given = {"verb": "vary", "strength": 0.5, "seed": 3, "steps": 2}
    there, here = [predict_of(one, recording=upload(one), **given) for one in (on_ray, client)]
    assert sound(on_ray, there)[:4] == b"RIFF"
    assert there["metrics"]["audio_seconds"] == here["metrics"]["audio_seconds"]
    files = service_of(on_ray).files
    assert all(str(one.path).startswith(str(files.folder)) for one in files._files.values())


def predict_of(client: TestClient, **given: Any) -> dict[str, Any]:
    response = client.post("/predictions", json={"input": {"prompt": "calm piano", **given}})
    assert response.status_code == 200, response.text
    return response.json()


def test_a_stream_is_the_same_and_goes_on_where_its_replica_was_killed(on_ray, client):
    given = {"prompt": QUICK["prompt"], "duration": 20.0, "steps": 40, "seed": 2, "stream": True}
    expected = client.post("/v1/audio/generations", json=given).content
    eventually(lambda: len(replicas()) == 2)
    assert on_ray.post("/v1/audio/generations", json=given).content == expected
    eventually(lambda: len(replicas()) == 2)
    with on_ray.stream("POST", "/v1/audio/generations", json=given) as response:
        parts = response.iter_bytes()
        first = next(parts)
        for pid in replicas():
            os.kill(pid, signal.SIGKILL)
        assert first + b"".join(parts) == expected


def test_a_live_session_plays_changes_and_stops(on_ray):
    with on_ray.websocket_connect("/v1/live", headers={"Host": "127.0.0.1"}) as socket:
        socket.send_json({"prompt": "house groove, 124 bpm", "steps": 2, "decoder_steps": 1, "seed": 1})
        until(socket, "chunk")
        socket.send_json({"type": "update", "prompt": "jazz trio"})
        until(socket, "changed")
        socket.send_json({"type": "stop"})
        until(socket, "end")
    eventually(lambda: service_of(on_ray).queue.running == 0)


def until(socket: Any, kind: str) -> None:
    """Read up to the first message of a kind."""
    while True:
        text = socket.receive().get("text")
        if text is not None and json.loads(text)["type"] == kind:
            return
