"""What passes between the worker thread that makes a stream and the client that listens to it."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from mousai.server.errors import ApiError

MOST_UPDATES = 100
"""Updates that may wait for the worker."""


class WorkerFeed(Protocol):
    """The worker's side of a feed."""

    paced: bool
    too_slow: bool

    def send(self, *messages: dict[str, Any] | bytes | None) -> None:
        """Send messages and sound; `None` is the end of all."""
        ...

    def updates(self) -> list[Mapping[str, Any]]:
        """Return the updates that have come since it was last asked."""
        ...

    def wait(self, seconds: float) -> None:
        """Wait for an update, or for so long."""
        ...


class Feed:
    """Messages and sound from the worker to a client, updates from the client to the worker.

    A message is a dictionary, sound is bytes. Made on the event loop's thread.

    Args:
        paced: whether the worker waits for the clock, as for someone who listens, or makes all as fast as it can.
        most_behind: most seconds of sound that wait for a client who reads too slowly; then the stream ends. Seconds
            and not bytes, of which each format has another number.
    """

    def __init__(self, *, paced: bool, most_behind: float) -> None:
        self.paced = paced
        self.too_slow = False
        self._most_behind = most_behind
        self._taken = 0.0  # second of the music at which the chunk begins that was received last
        self._loop = asyncio.get_running_loop()
        self._sent: asyncio.Queue[dict[str, Any] | bytes | None] = asyncio.Queue()
        self._updates: deque[Mapping[str, Any]] = deque()
        self._news = threading.Event()
        self._to: Callable[[Mapping[str, Any]], object] | None = None

    # ---- the worker's side

    def send(self, *messages: dict[str, Any] | bytes | None) -> None:
        """Send messages and sound; `None` is the end of all."""
        self._loop.call_soon_threadsafe(self._put, messages)

    def updates(self) -> list[Mapping[str, Any]]:
        """Return the updates that have come since it was last asked."""
        self._news.clear()
        found = []
        while self._updates:
            found.append(self._updates.popleft())
        return found

    def wait(self, seconds: float) -> None:
        """Wait for an update, or for so long."""
        self._news.wait(seconds)

    def forward(self, to: Callable[[Mapping[str, Any]], object]) -> None:
        """Hand updates on as they come, where the worker is in another process; also those that have come already."""
        self._loop.call_soon_threadsafe(self._forward, to)

    # ---- the client's side, on the event loop

    def update(self, change: Mapping[str, Any]) -> None:
        """Ask for a change.

        Raises:
            ApiError: too many wait already.
        """
        if self._to is not None:
            self._to(change)
            return
        if len(self._updates) >= MOST_UPDATES:
            raise ApiError(429, "too many updates at once")
        self._updates.append(change)
        self._news.set()

    async def receive(self) -> dict[str, Any] | bytes | None:
        """Return the next message or sound; `None` at the end."""
        found = await self._sent.get()
        if isinstance(found, dict) and found["type"] == "chunk":
            self._taken = found["seconds"]
        return found

    def _forward(self, to: Callable[[Mapping[str, Any]], object]) -> None:
        self._to = to
        for change in self.updates():
            to(change)

    def _put(self, messages: tuple[dict[str, Any] | bytes | None, ...]) -> None:
        for one in messages:
            if isinstance(one, dict) and one["type"] == "chunk":
                self.too_slow = self.too_slow or one["seconds"] - self._taken > self._most_behind
            self._sent.put_nowait(one)
