"""`mousai serve` and `mousai ui` as programs: refusals, the socket, and how they end."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from mousai.cli import main
from mousai.errors import UserError
from mousai.server.run import address_of, bound_socket
from mousai.storage.weights import save_tensors

from .conftest import ENDLESS


def refusal(capsys, *words: object) -> str:
    assert main([str(word) for word in words]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("mousai: error: ") and err.count("\n") == 1
    return err


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("--host", "0.0.0.0"), "--host 0.0.0.0: can be reached by others; give --api-key-env, or --no-auth"),
        (("--api-key-env", "MOUSAI_NO_SUCH"), "--api-key-env MOUSAI_NO_SUCH: is not set"),
        (("--cors", "*"), "--cors '*': must be an origin"),
        (("--allow-host", "a b"), "--allow-host 'a b': must be the name"),
        (("--queue", "0"), "--queue 0: must be 1 to"),
        (("--max-duration", "-1"), "--max-duration -1: must lie above 0"),
        (("--port", "99999"), "--port 99999: must be 0 to 65535"),
        (("--model", "/no/such/folder"), "/no/such/folder"),
        (("--device", "tpu"), "--device tpu"),
        (("--lora", "no-such-file"), "--lora no-such-file: no such file"),
        (("--host", "192.0.2.1", "--no-auth", "--port", "0"), "--host 192.0.2.1: is no address of this machine"),
        (("--host", "no.such.host.invalid", "--no-auth"), "--host no.such.host.invalid: is no address"),
    ],
)
@pytest.mark.parametrize("command", ["serve", "ui"])
def test_a_mistake_is_one_line(capsys, command, words, hint):
    assert hint in refusal(capsys, command, *words)


def test_an_adapter_of_another_model_is_refused_before_anything_is_served(capsys, tmp_path: Path):
    adapter = tmp_path / "other.safetensors"
    tensors = {"other.lora_A": torch.ones(2, 3), "other.lora_B": torch.ones(5, 2)}
    save_tensors(adapter, tensors, metadata={"format": "mousai lora", "rank": "2", "alpha": "2"})
    said = refusal(capsys, "serve", "--port", "0", "--lora", adapter)
    assert "is an adapter of another model than this (other: not in the model)" in said


def test_a_port_that_is_taken_is_one_line(capsys):
    with bound_socket("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert f"--port {port}: is taken by another program" in refusal(capsys, "serve", "--port", port)


def test_a_port_that_needs_rights_is_one_line(monkeypatch):
    def denied(self, address):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(socket.socket, "bind", denied)
    with pytest.raises(UserError, match="port=80: needs rights that you do not have; give one above 1023"):
        bound_socket("127.0.0.1", 80)


def test_the_extra_is_named_where_it_is_missing(capsys, monkeypatch):
    import mousai.cli.server.serve as serve

    monkeypatch.setattr(serve, "NEEDED", ("fastapi", "no_such_module"))
    said = refusal(capsys, "ui")
    assert "needs the extra [serve]; no_such_module is missing" in said and "packages/mousai[serve]" in said


def test_a_socket_is_bound_to_the_address_and_told_as_a_url():
    with bound_socket("127.0.0.1", 0) as bound:
        assert address_of(bound, "127.0.0.1") == f"http://127.0.0.1:{bound.getsockname()[1]}/"
    with bound_socket("0.0.0.0", 0) as bound:
        assert address_of(bound, "0.0.0.0").startswith("http://127.0.0.1:")
    if socket.has_ipv6:
        try:
            with bound_socket("::1", 0) as bound:
                assert address_of(bound, "::1").startswith("http://[::1]:")
        except UserError:
            pytest.skip("this machine has no IPv6")


class Running:
    """A server in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]", address: str, temporary: Path) -> None:
        self.process, self.address, self.temporary = process, address, temporary

    def ask(self, path: str, body: object = None, **headers: str) -> tuple[int, dict]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **headers}
        request = urllib.request.Request(self.address + path, data=data, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def stopped(self, *, within: float) -> int:
        code = self.process.wait(timeout=within)
        assert list(self.temporary.iterdir()) == []
        return code


@contextmanager
def running(
    model: Path, temporary: Path, *words: str, command: str = "serve", warnings: str = "error"
) -> Iterator[Running]:
    program = [sys.executable, "-W", warnings, "-m", "mousai", command, "--port", "0", "--model", str(model), *words]
    environment = {**os.environ, "TMPDIR": str(temporary), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=temporary.parent
    )
    try:
        line = process.stdout.readline()
        assert line.startswith("mousai: http://127.0.0.1:"), (line, process.stderr.read())
        yield Running(process, line.split()[1].rstrip("/"), temporary)
    finally:
        process.kill()
        process.stdout.close()
        process.stderr.close()
        process.wait()


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


def until_ready(server: Running) -> None:
    while server.ask("/health")[0] != 200:
        time.sleep(0.1)


@pytest.mark.slow
def test_sigterm_finishes_what_runs_refuses_new_work_and_leaves_nothing(saved_model, temporary):
    body = {"input": {**ENDLESS, "steps": 300, "decoder_steps": 5}}
    with running(saved_model, temporary) as server:
        until_ready(server)
        assert server.ask("/v1/models")[1]["data"][0]["id"] == saved_model.name
        job = server.ask("/predictions", body, Prefer="respond-async")[1]
        waiting = server.ask("/predictions", body, Prefer="respond-async")[1]
        while server.ask(f"/predictions/{job['id']}")[1]["progress"]["step"] == 0:
            time.sleep(0.02)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        status, refused = server.ask("/predictions", body)
        assert status == 503 and "shutting down" in refused["error"]["message"]
        found = server.ask(f"/predictions/{waiting['id']}")[1]
        assert found["status"] == "canceled" and found["error"] == "the server is shutting down"
        while (found := server.ask(f"/predictions/{job['id']}")[1])["status"] == "processing":
            time.sleep(0.05)
        assert found["status"] == "succeeded"
        with urllib.request.urlopen(found["output"]) as response:  # it waits a little for this
            assert response.read(4) == b"RIFF"
        assert server.stopped(within=20) == 0
        assert server.process.stderr.read() == ""


@pytest.mark.slow
def test_a_second_signal_stops_what_runs(saved_model, temporary):
    with running(saved_model, temporary, "--no-browser", command="ui") as server:
        until_ready(server)
        job = server.ask("/predictions", {"input": ENDLESS}, Prefer="respond-async")[1]
        while server.ask(f"/predictions/{job['id']}")[1]["progress"]["step"] == 0:
            time.sleep(0.02)
        server.process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        server.process.send_signal(signal.SIGINT)
        assert server.stopped(within=20) == 0


@pytest.mark.slow
def test_a_signal_while_the_model_is_loaded_ends_it(saved_model, temporary):
    with running(saved_model, temporary) as server:
        server.process.send_signal(signal.SIGTERM)
        assert server.stopped(within=20) == 0


@pytest.mark.slow
def test_a_model_that_cannot_be_loaded_ends_it_with_one_line(model_copy, temporary):
    weights = model_copy / "autoencoder" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with running(model_copy, temporary) as server:
        assert server.stopped(within=60) == 2
        said = server.process.stderr.read()
        assert said.startswith("mousai: error: ") and said.count("\n") == 1 and "model.safetensors" in said
