"""What passes between the server and a replica: a request there, messages back, and updates of a stream there."""

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from mousai.server.files import StoredFile
from mousai.server.live.feed import MOST_UPDATES
from mousai.server.verbs.base import JobInput


@dataclass(frozen=True, kw_only=True)
class Request:
    """A job for a replica, which may be on a machine that shares no folder with the server.

    Args:
        id: of the job.
        input: what is asked for, with its seed: done again, it gives the same bytes.
        recordings: the files that it needs, each with its content.
        paced: whether a stream waits for the clock; None for a prediction.
    """

    id: str
    input: JobInput
    recordings: tuple[tuple[StoredFile, bytes], ...] = ()
    paced: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a job is, as in `Job`."""

    stage: str | None
    step: int
    total: int
    seconds_left: float | None
    logs: str


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One message or one stretch of sound of a stream, and how much music there has been so far."""

    one: dict[str, Any] | bytes
    audio_seconds: float | None


@dataclass(frozen=True, kw_only=True)
class Finished:
    """The end of a job that was done, for a prediction with its result."""

    audio_seconds: float | None
    logs: str
    file: StoredFile | None = None
    content: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Refused:
    """The end of a job that cannot be done as it was asked for; one sentence says why."""

    sentence: str


Message: TypeAlias = Progress | Sent | Finished | Refused


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
