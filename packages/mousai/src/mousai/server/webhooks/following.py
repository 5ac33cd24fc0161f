"""Follows jobs and tells their receivers: on the event loop, beside the model, which never waits for a receiver."""

import asyncio
import sys

from mousai.server.errors import ApiError
from mousai.server.job import Job
from mousai.server.prediction import prediction_of
from mousai.server.webhooks import delivery
from mousai.server.webhooks.names import Names
from mousai.server.webhooks.receiver import Event, Webhook

PAUSES: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)
"""Seconds between two tries of `completed`; the other events are sent once."""
MOST = 1000
"""Jobs of which receivers are being told; how many wait for the model is the queue's matter."""
LAST = 5.0
"""Seconds that the end of the server waits for receivers."""


class Webhooks:
    """The webhooks of a server. All methods are called on the event loop's thread."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._telling = 0
        self._names = Names()

    def check_room(self) -> None:
        """Raise `ApiError` where too many receivers have not taken their webhooks yet."""
        if self._telling >= MOST:
            raise ApiError(429, f"webhooks of {MOST} jobs wait for their receivers; try again later", retry_after=10.0)

    def follow(self, job: Job, webhook: Webhook) -> None:
        """Tell the receiver of a job's webhook what becomes of it."""
        task = asyncio.create_task(self._follow(job, webhook))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Wait a little for the receivers, and give up those that have not answered."""
        if not self._tasks:
            return
        _, left = await asyncio.wait(self._tasks, timeout=LAST)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _follow(self, job: Job, webhook: Webhook) -> None:
        """Tell of each event once, in its order."""
        started, logs = False, ""
        while True:
            event = job.changed  # before the job is looked at: what changes meanwhile sets it
            over = job.is_over
            if job.started_at is not None and not started:
                started = True
                await self._tell(job, webhook, "start")
            if job.logs != logs:
                logs = job.logs
                await self._tell(job, webhook, "logs")
            if over:
                break
            await event.wait()
        if job.result is not None:
            await self._tell(job, webhook, "output")
        await self._tell(job, webhook, "completed")

    async def _tell(self, job: Job, webhook: Webhook, event: Event) -> None:
        """Send the job as it is now; what a receiver does not take is a line in the log, and nothing else."""
        if event not in webhook.events:
            return
        body = prediction_of(job, webhook.base).model_dump_json().encode()
        pauses = PAUSES if event == "completed" else ()
        self._telling += 1
        about, tries = f"webhook {event!r} of prediction {job.id} to {webhook.receiver.place}", 0
        try:
            while True:
                try:
                    await delivery.post(webhook.receiver, body, self._names)
                    return
                except delivery.Undelivered as error:
                    tries += 1
                    if not error.again or tries > len(pauses):
                        times = "" if tries == 1 else f", {tries} times"
                        _log(f"{about} was not taken: {error}{times}")
                        return
                await asyncio.sleep(pauses[tries - 1])
        except asyncio.CancelledError:
            _log(f"{about} was not taken before the server ended")
            raise
        finally:
            self._telling -= 1


def _log(line: str) -> None:
    print(f"mousai: {line}", file=sys.stderr, flush=True)
