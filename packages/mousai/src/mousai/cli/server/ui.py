"""`mousai ui`: the server, with its page opened in a browser."""

import argparse

from mousai.cli.server.serve import add_server_arguments, run

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `ui` takes: what `serve` takes, and whether a browser is opened."""
    add_server_arguments(parser)
    parser.add_argument(
        "--no-browser",
        action="store_false",
        dest="browser",
        help="do not open a browser; the address of the page is printed",
    )
    parser.set_defaults(browser=True)
