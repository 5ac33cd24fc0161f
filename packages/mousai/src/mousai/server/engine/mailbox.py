"""Where updates of streams wait for the replica that plays them."""

from collections import defaultdict, deque
from collections.abc import Mapping
from typing import Any

from mousai.server.live.feed import MOST_UPDATES


class Mailbox:
    """Updates by job. It is an actor on the cluster: the server puts in, and the replicas look from time to time.

    A request to a Ray Serve application reaches any replica, so the one that plays a stream cannot be told by it.
    """

    def __init__(self) -> None:
        self._updates: dict[str, deque[Mapping[str, Any]]] = defaultdict(lambda: deque(maxlen=MOST_UPDATES))

    def put(self, job: str, change: Mapping[str, Any]) -> None:
        """Keep an update until it is taken; of too many the oldest go."""
        self._updates[job].append(change)

    def take(self, job: str) -> list[Mapping[str, Any]]:
        """Return the updates of a job that have come since it was last asked."""
        return list(self._updates.pop(job, ()))

    def forget(self, job: str) -> None:
        """Drop what is there for a job that has ended."""
        self._updates.pop(job, None)
