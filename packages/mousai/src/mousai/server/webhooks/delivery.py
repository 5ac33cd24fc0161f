"""One request of a webhook: a connection to the receiver's host, the body, and the status of the answer.

It is written by hand because no client of the standard library keeps to a time as a whole, and because here nothing but
the receiver is connected to: redirects are not followed, and proxies of the environment are not asked.
"""

import asyncio
import functools
import re
import ssl
from typing import Any

from mousai import __version__
from mousai.server.webhooks.names import Names
from mousai.server.webhooks.receiver import Receiver

PATIENCE = 10.0
"""Seconds for the name, the connection, the request and the head of the answer together."""
LARGEST_HEAD = 16384
"""Bytes of the head of an answer."""
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})[ \r]")


class Undelivered(Exception):
    """A receiver has not taken a webhook; its text says why.

    Args:
        reason: half a sentence.
        again: whether it may be another time.
    """

    def __init__(self, reason: str, *, again: bool) -> None:
        super().__init__(reason)
        self.again = again


async def post(receiver: Receiver, body: bytes, names: Names) -> None:
    """Send JSON to a receiver, once.

    Args:
        receiver: where it goes.
        body: the JSON.
        names: tells the addresses of hosts.

    Raises:
        Undelivered: it was not reached, or did not answer with a status of 200 to 299 within `PATIENCE` seconds.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            status = await _status(receiver, body, names)
    except TimeoutError:
        raise Undelivered(f"no answer within {PATIENCE:g} s", again=True) from None
    except OSError as error:  # a name that is not known and a certificate that is not right are such too
        raise Undelivered(error.strerror or type(error).__name__, again=True) from None
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
        raise Undelivered("no answer of HTTP", again=True) from None
    if not 200 <= status < 300:
        raise Undelivered(f"answered {status}", again=status in (408, 429) or status >= 500)


async def _status(receiver: Receiver, body: bytes, names: Names) -> int:
    """Send the request and return the status of the answer."""
    reader, writer = await _connected(receiver, names)
    try:
        head = (
            f"POST {receiver.target} HTTP/1.1\r\nHost: {receiver.place}\r\nUser-Agent: mousai/{__version__}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode("ascii") + body)
        await writer.drain()
        status = 100
        while status < 200:  # what comes before the answer
            found = _STATUS.match(await reader.readuntil(b"\r\n\r\n"))
            if found is None:
                raise ValueError("no answer of HTTP")
            status = int(found[1])
        return status
    finally:
        writer.transport.abort()  # whatever else it sends


async def _connected(receiver: Receiver, names: Names) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to the first address of the host that takes it; a certificate has to be one of the host's name."""
    how: dict[str, Any] = {}
    if receiver.secure:  # certificates are read from files, once: not on the event loop
        how = {"ssl": await asyncio.to_thread(_context), "server_hostname": receiver.host}
    refused: OSError | None = None
    addresses = await names.addresses(receiver.host)
    for address in addresses:
        try:
            async with asyncio.timeout(PATIENCE / len(addresses)):  # the first may lead nowhere
                return await asyncio.open_connection(address, receiver.port, limit=LARGEST_HEAD, **how)
        except OSError as error:
            refused = error
    raise refused or OSError("the name has no address")


@functools.cache
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()
