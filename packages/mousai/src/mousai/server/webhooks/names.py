"""Addresses of the hosts that webhooks go to, asked for once where several webhooks need the same."""

import asyncio
import ipaddress
import socket
import threading
import time

KEPT = 10.0
"""Seconds for which the addresses of a host count: as long as one try of a webhook may take."""


class Names:
    """Addresses by name. All methods are called on one event loop's thread.

    A thread of its own asks for each name, which nobody waits for: one of the loop's would keep the server from ending.
    There are as many at most as names, and none for what is an address already.
    """

    def __init__(self) -> None:
        self._asked: dict[str, asyncio.Future[list[str]]] = {}
        self._known: dict[str, tuple[float, list[str]]] = {}

    async def addresses(self, host: str) -> list[str]:
        """Return the addresses of a host, IPv4 and IPv6.

        Raises:
            OSError: the name is not known, or nobody could be asked.
        """
        if _is_address(host):
            return [host]
        until, known = self._known.get(host, (0.0, []))
        if time.monotonic() < until:
            return known
        if host not in self._asked:
            self._asked[host] = self._ask(host)
        return await asyncio.shield(self._asked[host])  # who gives up does so alone

    def _ask(self, host: str) -> "asyncio.Future[list[str]]":
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[str]] = loop.create_future()

        def ask() -> None:
            found: list[str] | OSError
            try:
                infos = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
                found = list(dict.fromkeys(str(one[4][0]) for one in infos))
            except (OSError, UnicodeError) as error:  # a name with a part that is too long
                found = OSError(0, getattr(error, "strerror", None) or "no name of a host")
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle, found)

        def settle(found: list[str] | OSError) -> None:
            del self._asked[host]
            if isinstance(found, OSError):
                answer.set_exception(found)
                answer.exception()  # where everybody has given up, nobody else looks at it
            else:
                self._known[host] = (time.monotonic() + KEPT, found)
                answer.set_result(found)

        threading.Thread(target=ask, name="mousai-webhook-name", daemon=True).start()
        return answer


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
