"""A Ray cluster for as long as something works on it."""

import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from mousai.errors import UserError, install_hint

PATIENCE = 5.0
"""Seconds in which the head of a cluster has to answer."""
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nobody is told
    "RAY_worker_niceness": "0",  # 15 is the default, with which a busy machine does next to nothing of it
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # the way of later versions, without the warning of this one
}
_OTHERS = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""Variable that Ray reads when it is imported: at 0 it takes this system for one that has no clusters, and a new one
listens to this machine alone; else to the whole network."""
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""What a client of HTTP/2 sends first, with empty settings (RFC 9113, section 3.4)."""
_SETTINGS_FRAME = 4


@contextmanager
def ray_session(address: str, *, workers: int | None = None) -> Iterator[None]:
    """Connect this process to a Ray cluster for the block.

    Args:
        address: HOST:PORT, ray://HOST:PORT, auto for the cluster of this machine, or local to start one that ends with
            the block and that other machines do not reach.
        workers: cores of a local one; all by default.

    Raises:
        UserError: Ray is not installed, there is no such cluster, or other machines would reach a local one.
    """
    too_late = sys.modules.get("ray") is not None and os.environ.get(_OTHERS) != "0"
    prepare_environment(local=address == "local" and not too_late)
    try:
        import ray
    except ImportError:
        raise UserError("ray", address, f"needs Ray; {install_hint('ray')}") from None
    _knock(address)
    if ray.is_initialized():  # by whoever calls this from Python, and it is theirs to end
        yield
        return
    if address == "local" and too_late:
        hint = f"Ray was imported before, so that other machines would reach it; set {_OTHERS}=0 before Ray is imported"
        raise UserError("ray", address, hint)
    try:
        if address == "local":
            cores = workers or os.cpu_count()
            ray.init("local", num_cpus=cores, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        else:
            ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError) as error:
        why = " ".join(str(error).split())[:300]
        raise UserError(
            "ray", address, f"no such cluster, or it asks for a token (then set RAY_AUTH_MODE=token): {why}"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def prepare_environment(*, local: bool) -> None:
    """Set what Ray reads when it is imported, so before it is.

    Args:
        local: whether a cluster that this process starts listens to this machine alone.
    """
    for name, value in {**_SETTINGS, **({_OTHERS: "0"} if local else {})}.items():
        os.environ.setdefault(name, value)


def _knock(address: str) -> None:
    """Tell whether a cluster is there, which Ray finds out in minutes and many lines."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdecimal():
        return
    try:
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as knocking:
            answered = os.environ.get("RAY_USE_TLS", "0") != "0" or _speaks_grpc(knocking)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise UserError(
            "ray", address, f"nobody answers there ({why}); start a cluster with `ray start --head`"
        ) from None
    if not answered:
        raise UserError(
            "ray", address, "what answers there is no Ray cluster; ray status says where the head of one is"
        )


def _speaks_grpc(knocking: socket.socket) -> bool:
    """Whether the other side is a server of gRPC, which sends its settings before anything else."""
    try:
        knocking.sendall(_PREFACE)
        head = knocking.recv(9)
    except OSError:
        return False
    return len(head) > 3 and head[3] == _SETTINGS_FRAME
