"""`mousai serve`: the model behind an HTTP API, with the page on top of it."""

import argparse
from importlib.util import find_spec
from pathlib import Path

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
        **limits,
    )
    check_lora(args)
    device = checked_device(args)

    from mousai.pipeline import Mousai
    from mousai.server.run import serve
    from mousai.server.service import served_model
    from mousai.storage.folders import model_folder

    folder = model_folder(args.model, revision=args.revision)
    check_lora_fits(args, folder)

    def load() -> Mousai:
        pipe = Mousai.from_pretrained(folder, dtype=args.dtype, device=device)
        load_lora(pipe, args)
        return pipe.compile() if args.compile else pipe

    # Clients are told no path of this machine.
    facts = {name: Path(value).name for name, value in lora_record(args).items()}
    facts |= {} if args.revision is None else {"revision": args.revision}
    model = served_model(folder, name=served_name(args), device=device, load=load, facts=facts)
    return serve(config, model, browser=args.browser)


def served_name(args: argparse.Namespace) -> str:
    """Name of the model for clients, of a folder its last part."""
    name = model_name(args)
    return Path(name).resolve().name if Path(name).is_dir() and args.model is not None else name
