"""How the addresses of receivers are found: once for all who ask, and beside the event loop."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from mousai.server.webhooks import delivery, names
from mousai.server.webhooks.names import Names
from mousai.server.webhooks.receiver import Receiver


class NameServer:
    """Answers in the threads that ask, once it may."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int | None]] = []  # host, thread
        self.may = threading.Event()

    def __call__(self, host: str, *_: Any, **__: Any) -> list[Any]:
        self.asked.append((host, threading.get_ident()))
        self.may.wait(30)
        if host.startswith("no."):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, 0, 0, "", ("10.0.0.5", 0)), (socket.AF_INET, 0, 0, "", ("10.0.0.6", 0))] * 2


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    found = NameServer()
    monkeypatch.setattr(socket, "getaddrinfo", found)
    yield found
    found.may.set()


def test_many_who_ask_for_a_name_ask_once(server, monkeypatch):
    monkeypatch.setattr(names, "KEPT", 1000.0)

    async def ask() -> None:
        known = Names()
        asking = [asyncio.create_task(known.addresses("my_app")) for _ in range(20)]
        await asyncio.sleep(0.05)
        asking.pop().cancel()  # who gives up does so alone
        server.may.set()
        assert await asyncio.gather(*asking) == [["10.0.0.5", "10.0.0.6"]] * 19
        assert await known.addresses("my_app") == ["10.0.0.5", "10.0.0.6"]
        assert len(server.asked) == 1 and server.asked[0][1] != threading.get_ident()
        monkeypatch.setattr(names, "KEPT", 0.0)
        await known.addresses("other")
        await known.addresses("other")
        assert [host for host, _ in server.asked] == ["my_app", "other", "other"]  # it is not known for ever

    asyncio.run(ask())


def test_an_address_asks_nobody(server):
    async def ask() -> list[list[str]]:
        return [await Names().addresses(one) for one in ("10.0.0.5", "::1")]

    assert asyncio.run(ask()) == [["10.0.0.5"], ["::1"]] and server.asked == []


@pytest.mark.parametrize("waits", [True, False])
def test_a_name_that_there_is_not_is_told_to_all_and_asked_again(server, waits):
    async def ask() -> None:
        known = Names()
        for turn in (1, 2):
            server.may.clear()
            asking = [asyncio.create_task(known.addresses("no.such.host")) for _ in range(3)]
            await asyncio.sleep(0.05)
            if not waits:  # nobody is left who would look at the answer
                for one in asking:
                    one.cancel()
            server.may.set()
            found = await asyncio.gather(*asking, return_exceptions=True)
            assert all(isinstance(one, OSError if waits else asyncio.CancelledError) for one in found)
            while known._asked:
                await asyncio.sleep(0.01)
            assert len(server.asked) == turn

    asyncio.run(ask())


def test_certificates_are_read_beside_the_event_loop(monkeypatch, receiver):
    threads: list[int] = []
    make = ssl.create_default_context

    def made() -> ssl.SSLContext:
        threads.append(threading.get_ident())
        return make()

    monkeypatch.setattr(ssl, "create_default_context", made)
    delivery._context.cache_clear()
    where = Receiver(secure=True, host="127.0.0.1", port=receiver.server_port, target="/")

    async def ask() -> None:
        for _ in range(2):
            with pytest.raises(delivery.Undelivered):  # it speaks HTTP
                await delivery.post(where, b"{}", Names())

    asyncio.run(ask())
    assert len(threads) == 1 and threads[0] != threading.get_ident()
