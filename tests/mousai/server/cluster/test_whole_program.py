"""`mousai serve --ray auto` as a program on a cluster of its own: what its signals do, and what it leaves behind."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..conftest import ENDLESS
from ..test_command import running, until_ready
from ..webhooks.conftest import receiver  # noqa: F401 - a fixture

pytestmark = pytest.mark.slow
pytest.importorskip("grpc_reflection", reason="comes with ray[serve]")


@pytest.fixture
def cluster(monkeypatch) -> Iterator[int]:
    """Process of the head of a cluster with two cores, which is what `auto` means for the programs of this test."""
    folder = tempfile.mkdtemp(prefix="ray-")  # a short path: there are sockets in it
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    head = ["--head", "--block", "--port", str(port), "--node-ip-address", "127.0.0.1", "--num-cpus", "2"]
    quiet = ["--include-dashboard", "false", "--disable-usage-stats", "--temp-dir", folder]
    process = subprocess.Popen(
        [sys.executable, "-m", "ray.scripts.scripts", "start", *head, *quiet],
        # The second lets nobody but this machine reach it, see mousai.data.clusters.
        env={
            **os.environ,
            "RAY_worker_niceness": "0",
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        said = ""
        while "Ray runtime started" not in said:
            line = process.stdout.readline()
            assert line, said  # it has ended
            said += line
        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{port}")
        yield process.pid
    finally:
        started = descendants(process.pid)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        finally:
            for pid in [process.pid, *started]:
                if Path(f"/proc/{pid}").exists():
                    os.kill(pid, signal.SIGKILL)
            process.stdout.close()
            shutil.rmtree(folder, ignore_errors=True)


def descendants(root: int) -> list[int]:
    """Processes that a process has started, and those that these have."""
    found, parents = [root], {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    for one in found:
        found += [pid for pid, parent in parents.items() if parent == one]
    return found[1:]


def of_the_server(root: int) -> list[str]:
    """Processes on a cluster that a server has started there."""
    names = []
    for pid in descendants(root):
        try:
            names.append((Path(f"/proc/{pid}") / "cmdline").read_bytes().split(b"\0")[0].decode())
        except OSError:
            continue
    return [name for name in names if name.startswith(("ray::Serve", "ray::Mailbox", "ray::Proxy"))]


def eventually(holds: Any, *, seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.1)


def test_signals_finish_what_runs_then_stop_it_and_nothing_is_left_on_the_cluster(
    saved_model,
    tmp_path,
    cluster,
    receiver,  # noqa: F811
):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    words = ("--ray", "auto", "--replicas", "2", "--webhook-host", receiver.place)
    with running(saved_model, temporary, *words, warnings="default") as server:
        until_ready(server)
        assert len([name for name in of_the_server(cluster) if name.startswith("ray::ServeReplica:mousai-")]) == 2

        def job(**given: Any) -> str:
            told = {"webhook": receiver.url, "webhook_events_filter": ["completed"]}
            body = {"input": {**ENDLESS, **given}, **told}
            return server.ask("/predictions", body, Prefer="respond-async")[1]["id"]

        def now(name: str) -> dict[str, Any]:
            return server.ask(f"/predictions/{name}")[1]

        short, endless, waiting = job(steps=200, decoder_steps=2), job(), job()
        eventually(lambda: now(short)["progress"]["step"] and now(endless)["progress"]["step"])
        server.process.send_signal(signal.SIGTERM)
        eventually(lambda: now(waiting)["status"] == "canceled")
        status, refused = server.ask("/predictions", {"input": ENDLESS})
        assert status == 503 and "shutting down" in refused["error"]["message"]
        eventually(lambda: now(short)["status"] == "succeeded")  # it goes on after the signal, to its end
        with urllib.request.urlopen(now(short)["output"], timeout=60) as response:
            assert response.read(4) == b"RIFF"
        assert now(endless)["status"] == "processing"
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=120) == 0  # a thousand steps of both stages would take longer than that
        said = server.process.stderr.read()
        assert "Traceback" not in said and "mousai: webhook" not in said
    assert {body["id"]: body["status"] for _, _, body in receiver.got} == {
        short: "succeeded",
        endless: "canceled",
        waiting: "canceled",
    }
    assert list(temporary.glob("mousai*")) == []
    eventually(lambda: of_the_server(cluster) == [])
