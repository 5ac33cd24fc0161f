"""A job: one prediction, from the moment it is accepted until it is forgotten."""

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from mousai.server.verbs.base import JobInput

if TYPE_CHECKING:
    from mousai.server.live.feed import WorkerFeed
    from mousai.server.webhooks.receiver import Webhook


class Status(StrEnum):
    """Where a job stands, in cog's words."""

    STARTING = "starting"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


ENDS = (Status.SUCCEEDED, Status.FAILED, Status.CANCELED)


class Canceled(Exception):
    """A job was canceled while the model worked on it."""


class JobFailed(Exception):
    """A job cannot be done as it was asked for; its text is the one sentence that the client gets."""


def now() -> datetime:
    """Return the time of day, UTC."""
    return datetime.now(UTC)


@dataclass(kw_only=True, eq=False)
class Job:
    """One prediction.

    Args:
        input: what is asked for, with its seed.
        asked: what is asked for as it came, which a repeated request has to be.
        feed: where a stream goes; None for a prediction.
        webhook: who is told what becomes of it.
        id: name that clients use.
        stage: stage of the model that works, "latent_diffusion" or "decoder"; None before the first step.
        step: steps of that stage that are done.
        total: steps of that stage.
        place: jobs before it in the queue; 0 when it is next or running.
        seconds_left: estimate.
        result: id of the file that it made.
        audio_seconds: length of that.
        error: one sentence, where it failed.
        logs: remarks, such as the end of a prompt that the model does not read.
        fault: whether the error is one of the program and not of the request.
        ended: `time.monotonic()` of its end.
        cancel_wanted: whether somebody asked that it stops.
        changed: set at the next change.
    """

    input: JobInput
    asked: JobInput
    feed: "WorkerFeed | None" = None
    webhook: "Webhook | None" = None
    id: str = field(default_factory=lambda: secrets.token_hex(13))
    status: Status = Status.STARTING
    created_at: datetime = field(default_factory=now)
    started_at: datetime | None = None
    completed_at: datetime | None = None
    stage: str | None = None
    step: int = 0
    total: int = 0
    place: int = 0
    seconds_left: float | None = None
    result: str | None = None
    audio_seconds: float | None = None
    error: str | None = None
    logs: str = ""
    fault: bool = False
    ended: float = 0.0
    cancel_wanted: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in ENDS

    @property
    def is_endless(self) -> bool:
        """Whether it goes on until somebody ends it."""
        return self.feed is not None and self.feed.paced

    @property
    def seconds(self) -> float | None:
        """Seconds that the model worked on it."""
        if self.started_at is None or self.completed_at is None:
            return None
        return (self.completed_at - self.started_at).total_seconds()

    def wake(self) -> None:
        """Wake those who wait for a change; on the event loop's thread."""
        event, self.changed = self.changed, asyncio.Event()
        event.set()

    def end(self, status: Status, *, error: str | None = None, fault: bool = False) -> None:
        """Write down how it ended."""
        self.error, self.fault = error, fault
        self.completed_at, self.ended = now(), time.monotonic()
        self.seconds_left = None
        self.status = status  # last: who sees it on another thread finds the rest
