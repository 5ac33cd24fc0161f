"""`mousai serve`: the model behind an HTTP API, with the page on top of it."""

import argparse
import os
import socket
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mousai.cli.common.lora_options import add_lora_arguments, check_lora, check_lora_fits, load_lora, lora_record
from mousai.cli.common.sampling_options import add_sampling_options
from mousai.cli.common.shared import (
    add_compile_argument,
    add_model_arguments,
    checked_device,
    model_name,
)
from mousai.errors import UserError, install_hint
from mousai.server.config import ServerConfig, key_of

if TYPE_CHECKING:
    from mousai.pipeline import Mousai
    from mousai.server.service import ServedModel

NEEDED = ("fastapi", "uvicorn", "sse_starlette", "python_multipart", "websockets")
"""Modules that the extra [serve] brings."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `serve` takes."""
    add_server_arguments(parser)
    parser.set_defaults(browser=False)


def add_server_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `serve` and `ui` take."""
    group = parser.add_argument_group("who can reach it")
    group.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="address to listen on (default 127.0.0.1: this machine)"
    )
    group.add_argument(
        "--api-key-env",
        metavar="NAME",
        help="environment variable that holds the key which every request has to show",
    )
    group.add_argument("--no-auth", action="store_true", help="let everyone in who reaches the address")
    group.add_argument(
        "--cors",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="other site whose pages may use the server, such as https://music.example.org; give it again for another",
    )
    group.add_argument(
        "--allow-host",
        action="append",
        default=[],
        dest="allowed_hosts",
        metavar="NAME",
        help="further name under which the server is reached, such as that of a proxy; give it again for another",
    )
    group.add_argument(
        "--webhook-host",
        action="append",
        default=[],
        dest="webhook_hosts",
        metavar="HOST",
        help="host that clients may name as the receiver of webhooks, HOST:PORT where the port is not the usual one; "
        "give it again for another (default: none)",
    )
    group = parser.add_argument_group("more than one machine, or more than one GPU")
    group.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="compute on the Ray cluster whose head is at HOST:PORT, with Ray Serve; auto: the cluster that "
        "this machine is part of",
    )
    group.add_argument(
        "--replicas",
        type=int,
        default=1,
        metavar="N",
        help="models on the cluster; each does one job at a time, on a GPU of its own if there are any (default 1)",
    )
    group = parser.add_argument_group("limits")
    add_sampling_options(group, config=ServerConfig)
    add_model_arguments(parser)
    add_lora_arguments(parser)
    add_compile_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Serve until a signal ends it."""
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise UserError(f"mousai serve needs the extra [serve]; {missing[0]} is missing; {install_hint('serve')}")
    from mousai.settings import settings_of

    limits = {name: getattr(args, name) for name in settings_of(ServerConfig) if getattr(args, name) is not None}
    config = ServerConfig(
        host=args.host,
        api_key=key_of(args.api_key_env),
        no_auth=args.no_auth,
        cors=tuple(args.cors),
        allowed_hosts=tuple(args.allowed_hosts),
        webhook_hosts=tuple(args.webhook_hosts),
        ray=args.ray,
        replicas=args.replicas,
        **limits,
    )
    check_lora(args)
    if config.ray is None:
        return _serve_here(args, config)
    return _serve_on_cluster(args, config, config.ray)


def _serve_here(args: argparse.Namespace, config: ServerConfig) -> int:
    """Serve with the model in this process."""
    from mousai.server.run import serve

    device = checked_device(args)
    model = _served_model(args, device)
    return serve(config, model, browser=args.browser)


def _serve_on_cluster(args: argparse.Namespace, config: ServerConfig, address: str) -> int:
    """Serve with the model on the replicas of a cluster."""
    from mousai.data.clusters import ray_session
    from mousai.server.engine.ray_serve import RayEngine
    from mousai.server.engine.sharing import share_of_cluster
    from mousai.server.run import serve

    if find_spec("ray") is None or find_spec("grpc_reflection") is None:  # the second comes with ray[serve] alone
        raise UserError("ray", address, f"needs Ray Serve; {install_hint('ray')}")
    model = _served_model(args, "cpu", settled=False)
    with ray_session(address):
        resources, device = share_of_cluster(config.replicas, args.device)
        engine = RayEngine(
            Load(args, device),
            model.stored,
            name=f"mousai-{socket.gethostname()}-{config.port or os.getpid()}",
            replicas=config.replicas,
            resources=resources,
        )
        return serve(config, replace(model, device=device), engine=engine, browser=args.browser)


def _served_model(args: argparse.Namespace, device: str, *, settled: bool = True) -> "ServedModel":
    from mousai.server.service import served_model
    from mousai.storage.folders import model_folder

    folder = model_folder(args.model, revision=args.revision)
    check_lora_fits(args, folder)
    # Clients are told no path of this machine.
    facts = {name: Path(value).name for name, value in lora_record(args).items()}
    facts |= {} if args.revision is None else {"revision": args.revision}
    return served_model(
        folder,
        name=served_name(args),
        device=device,
        dtype=args.dtype,
        compiled=args.compile,
        load=Load(args, device),
        facts=facts,
        settled=settled,
    )


class Load:
    """Loads the model that the options name; also in another process, which stands in another folder.

    Args:
        args: the parsed options.
        device: where it computes.
    """

    def __init__(self, args: argparse.Namespace, device: str) -> None:
        given = {name: getattr(args, name) for name in ("revision", "dtype", "compile", "lora_scale")}
        self._args = argparse.Namespace(model=_absolute(args.model), lora=_absolute(args.lora), **given)
        self._device = device

    def __call__(self) -> "Mousai":
        """Load it."""
        from mousai.pipeline import Mousai
        from mousai.storage.folders import model_folder

        args = self._args
        folder = model_folder(args.model, revision=args.revision)
        pipe = Mousai.from_pretrained(folder, dtype=args.dtype, device=self._device)
        load_lora(pipe, args)
        return pipe.compile() if args.compile else pipe


def _absolute(name: str | None) -> str | None:
    """Path of a file or folder that is there; other names, such as those of the hub, as they are."""
    return str(Path(name).absolute()) if name is not None and Path(name).exists() else name


def served_name(args: argparse.Namespace) -> str:
    """Name of the model for clients, of a folder its last part."""
    name = model_name(args)
    return Path(name).resolve().name if Path(name).is_dir() and args.model is not None else name
