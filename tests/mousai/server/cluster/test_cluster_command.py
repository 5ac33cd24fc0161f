"""`mousai serve --ray`: mistakes are one line, before anything is loaded."""

import socket
import threading
from pathlib import Path

import pytest

from mousai.errors import UserError
from mousai.server.engine.sharing import share
from mousai.server.service import served_model

from ..test_command import refusal


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("--replicas", "0"), "--replicas 0: must be 1 to 1000"),
        (("--replicas", "0", "--ray", "auto"), "--replicas 0: must be 1 to 1000"),
        (("--replicas", "2"), "--replicas 2: needs a cluster; give ray its address"),
        (("--ray", "somewhere"), "--ray somewhere: must be auto, or HOST:PORT"),
        (("--ray", "ray://127.0.0.1:10001"), "must be auto, or HOST:PORT"),
        (("--ray", "127.0.0.1:1"), "--ray 127.0.0.1:1: nobody answers there (Connection refused)"),
        (("--ray", "no.such.host.invalid:6379"), "--ray no.such.host.invalid:6379: nobody answers there"),
        (("--ray", "127.0.0.1:1", "--model", "/no/such/folder"), "/no/such/folder"),
    ],
)
def test_a_mistake_is_one_line(capsys, words, hint):
    pytest.importorskip("grpc_reflection", reason="comes with ray[serve]")
    assert hint in refusal(capsys, "serve", *words)


def test_another_service_at_the_address_is_one_line(capsys):
    pytest.importorskip("grpc_reflection", reason="comes with ray[serve]")

    def answer() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(100)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        other = threading.Thread(target=answer)
        other.start()
        said = refusal(capsys, "serve", "--ray", f"127.0.0.1:{listening.getsockname()[1]}")
        other.join()
    assert "what answers there is no Ray cluster" in said


@pytest.mark.parametrize("missing", ["ray", "grpc_reflection"])
def test_the_extra_is_named_where_it_is_missing(capsys, monkeypatch, missing):
    import mousai.cli.server.serve as serve

    found = serve.find_spec
    monkeypatch.setattr(serve, "find_spec", lambda name: None if name == missing else found(name))
    said = refusal(capsys, "serve", "--ray", "auto")
    assert "--ray auto: needs Ray Serve" in said and "packages/mousai[ray]" in said


@pytest.mark.parametrize(
    ("machines", "replicas", "device", "message"),
    [
        ([{"CPU": 2.0}], 3, "auto", "replicas=3: the cluster has 2 cores"),
        ([{"CPU": 8.0, "GPU": 1.0}], 2, "auto", "replicas=2: the cluster has 1 GPU, .* device cpu"),
        ([{"CPU": 8.0}], 2, "cuda", "replicas=2: the cluster has 0 GPUs"),
        ([{"CPU": 8.0}], 2, "cuda:1", "device='cuda:1': must be auto, cpu or cuda"),
        ([], 1, "cpu", "replicas=1: the cluster has 0 cores"),
        ([{"CPU": 8.0}], 1, "mps", "device='mps': must be auto, cpu or cuda on a cluster"),
        ([{"CPU": 8.0}], 1, "cuda", "replicas=1: the cluster has 0 GPUs, and each replica takes one"),
        ([{"CPU": 8.0, "GPU": 1.0}], 2, "auto", "replicas=2: the cluster has 1 GPU, and each replica takes one"),
        ([{"CPU": 1.0}], 2, "cpu", "replicas=2: the cluster has 1 core, and each replica takes one or more"),
    ],
)
def test_a_cluster_that_is_too_small_is_refused(machines, replicas, device, message):
    with pytest.raises(UserError, match=message):
        share(machines, replicas, device)


def test_the_head_of_a_cluster_measures_no_dtype(saved_model: Path, monkeypatch: pytest.MonkeyPatch):
    asked: list[object] = []
    monkeypatch.setattr("mousai.dtype.bfloat16_gain", lambda device: asked.append(device) or 0.0)
    assert served_model(saved_model, name="own", device="cpu", settled=False).dtype == "auto" and asked == []
    assert served_model(saved_model, name="own", device="cpu").dtype == "float32" and len(asked) == 1
