"""`mousai serve --ray` as a program of its own: a replica killed under load, and what a SIGTERM does."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from mousai.server.app import create_app
from mousai.server.config import ServerConfig
from mousai.server.service import Service, served_model

from ..conftest import ASYNC, BASE, ENDLESS, QUICK, predict

pytest.importorskip("grpc_reflection", reason="comes with ray[serve]")
from .test_replicas import eventually, replicas  # which is skipped likewise

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]  # of Ray's own modules

BUSY = {**QUICK, "steps": 120}
"""Takes long enough for something to happen meanwhile."""
PREFIX = "ray::ServeReplica:mousai-"


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Address of a cluster of two cores, of this machine alone."""
    from mousai.data.clusters import ray_session

    with ray_session("local", workers=2):
        import ray

        yield ray.get_runtime_context().gcs_address


@contextmanager
def program(folder: Path, cluster: str, log: Path) -> Iterator[tuple["subprocess.Popen[str]", httpx.Client]]:
    """The server, ready, and a client of it; it is killed where it has not ended by itself."""
    words = ["--port", "0", "--model", str(folder), "--dtype", "float32", "--ray", cluster, "--replicas", "2"]
    command = [sys.executable, "-m", "mousai", "serve", *words]
    # Its files are looked for here; a thread, as in the tests' own process, whose bytes it has to give.
    environment = {**os.environ, "TMPDIR": str(log.parent), "OMP_NUM_THREADS": "1"}
    with log.open("w") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)
    assert process.stdout is not None
    try:
        address = process.stdout.readline().split()[1]
        assert process.stdout.readline() == "mousai: ready\n", log.read_text()
        with httpx.Client(base_url=address, timeout=120, trust_env=False) as client:
            yield process, client
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


def job(client: httpx.Client, **given: Any) -> str:
    response = client.post("/predictions", json={"input": given}, headers=ASYNC)
    assert response.status_code == 202, response.text
    return response.json()["id"]


def now(client: httpx.Client, name: str) -> dict[str, Any]:
    return client.get(f"/predictions/{name}").json()


def expected_of(folder: Path) -> list[bytes]:
    """What a server without replicas makes of the first seeds; its model has the name that the program gives it."""
    service = Service(ServerConfig(), served_model(folder, name=folder.name, dtype="float32"))
    with TestClient(create_app(service), base_url=BASE) as client:
        return [client.get(predict(client, **BUSY, seed=seed)["output"]).content for seed in range(6)]


def test_a_killed_replica_loses_nothing_and_a_signal_lets_what_runs_end(saved_model, cluster, tmp_path):
    expected = expected_of(saved_model)
    log = tmp_path / "log"
    with program(saved_model, cluster, log) as (process, there), ThreadPoolExecutor() as pool:
        # A replica is killed under load: no job is lost, all have the bytes of a server without replicas.
        names = [job(there, **BUSY, seed=seed) for seed in range(6)]
        eventually(lambda: all(now(there, name)["progress"]["step"] for name in names[:2]))
        before = replicas(PREFIX)
        assert len(before) == 2
        os.kill(before[0], signal.SIGKILL)
        for seed, name in enumerate(names):
            eventually(lambda name=name: now(there, name)["completed_at"] is not None)
            made = now(there, name)
            assert made["status"] == "succeeded", made["error"]
            assert there.get(f"/v1/files/{made['output_file']}").content == expected[seed]
        eventually(lambda: len(set(replicas(PREFIX)) - set(before)) == 1)  # another in its place

        # A signal: those that run are finished and sent, those that wait are canceled, new ones are refused.
        body = {"prompt": BUSY["prompt"], "duration": BUSY["duration"], "steps": BUSY["steps"]}
        running = [pool.submit(there.post, "/v1/audio/generations", json={**body, "seed": seed}) for seed in range(2)]
        eventually(lambda: b"\nmousai_running 2" in there.get("/metrics").content)
        waiting = pool.submit(there.post, "/predictions", json={"input": {**BUSY, "seed": 3}})
        eventually(lambda: b"\nmousai_queue_length 1" in there.get("/metrics").content)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        refused = there.post("/predictions", json={"input": QUICK})
        assert refused.status_code == 503 and "shutting down" in refused.json()["error"]["message"]
        assert refused.headers["Retry-After"]
        canceled = waiting.result().json()
        assert canceled["status"] == "canceled" and "shutting down" in canceled["error"]
        for seed, one in enumerate(running):
            assert one.result().status_code == 200 and one.result().content == expected[seed]
        assert process.wait(timeout=60) == 0
    eventually(lambda: replicas(PREFIX) == [])
    assert log.read_text() == ""
    assert [one.name for one in tmp_path.iterdir()] == ["log"]


def test_a_second_signal_ends_a_job_at_its_next_step(saved_model, cluster, tmp_path):
    log = tmp_path / "log"
    with program(saved_model, cluster, log) as (process, there):
        name = job(there, **ENDLESS)
        eventually(lambda: now(there, name)["progress"]["step"] > 0)
        process.send_signal(signal.SIGTERM)
        eventually(lambda: now(there, name)["status"] == "processing" and refuses(there))
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    eventually(lambda: replicas(PREFIX) == [])
    assert log.read_text() == "" and [one.name for one in tmp_path.iterdir()] == ["log"]


def refuses(client: httpx.Client) -> bool:
    return client.post("/predictions", json={"input": QUICK}, headers=ASYNC).status_code == 503
