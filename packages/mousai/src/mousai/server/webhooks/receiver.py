"""Where a webhook goes: its URL, and whether the server may send there.

The parts that are compared with the list of allowed hosts are the parts that are connected to: the URL is taken apart
once, by one strict form, and never read again.
"""

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from mousai.errors import UserError

Event = Literal["start", "output", "logs", "completed"]
"""An event of a job, in cog's words."""
EVENTS: tuple[Event, ...] = ("start", "output", "logs", "completed")
"""All of them."""
LONGEST_URL = 2000
FORM = re.IGNORECASE | re.ASCII  # without the second, "K" for kelvin would be a letter of a host
HOST_NAME = r"[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?"
"""Form of the name of a host in small letters, or of an address of IPv4. Services of containers have "_" in theirs."""
HOST = rf"(?:\[[0-9a-f:.]+\]|{HOST_NAME})"
"""The same, or an address of IPv6 as it stands in a URL."""
_HOST = re.compile(rf"({HOST})(?::(\d{{1,5}}))?", FORM)
_URL = re.compile(rf'(https?)://({HOST})(?::(\d{{1,5}}))?([/?][!"$-\[\]-~]*)?', FORM)
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """Where a webhook goes.

    Args:
        secure: whether by HTTPS, with a certificate of that host.
        host: name or address, in small letters.
        port: its port.
        target: path and query.
    """

    secure: bool
    host: str
    port: int
    target: str

    @property
    def place(self) -> str:
        """Host and port; path and query may hold a secret of the client's."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """A webhook of a job.

    Args:
        receiver: where it goes.
        events: events of which it tells.
        base: URL under which the client reached this server, without a slash at its end.
    """

    receiver: Receiver
    events: frozenset[Event]
    base: str = field(compare=False)


def receiver_of(url: str, allowed: Collection[str]) -> Receiver:
    """Return where a webhook goes.

    Args:
        url: the URL that a client gave.
        allowed: hosts to which the server may send, HOST for the scheme's own port or HOST:PORT.

    Raises:
        UserError: it is no URL of HTTP, or its host is not allowed.
    """
    found = _URL.fullmatch(url) if len(url) <= LONGEST_URL else None
    name = None if found is None else _normal(found[2])
    if found is None or name is None:
        hint = "must be the URL of a receiver, such as https://music.example.org/made, without user, password and #"
        raise UserError("webhook", hint=hint)
    scheme = found[1].lower()
    port = int(found[3] or _PORTS[scheme])
    target = found[4] or "/"
    target = target if target.startswith("/") else f"/{target}"
    receiver = Receiver(secure=scheme == "https", host=name, port=port, target=target)
    known = {host_of(one) for one in allowed}
    if (name, port) not in known and not ((name, None) in known and port == _PORTS[scheme]):
        shown = receiver.place.removesuffix(f":{_PORTS[scheme]}")
        raise UserError("webhook", hint=f"goes to {shown}; start the server with --webhook-host {shown} if it may")
    return receiver


def host_of(text: str) -> tuple[str, int | None]:
    """Return the host and the port of HOST or HOST:PORT.

    Raises:
        UserError: it is neither.
    """
    found = _HOST.fullmatch(text)
    name = None if found is None else _normal(found[1])
    if found is None or name is None or int(found[2] or 1) not in range(1, 65536):
        raise UserError("webhook_hosts", text, "must be HOST or HOST:PORT, such as music.example.org or 10.0.0.5:8000")
    return name, None if found[2] is None else int(found[2])


def _normal(name: str) -> str | None:
    """A host as it is compared and connected to; None where it is an address that is none."""
    if not name.startswith("["):
        return name.lower()
    try:
        return str(ipaddress.IPv6Address(name[1:-1]))
    except ValueError:
        return None
