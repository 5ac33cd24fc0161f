"""The engine on Ray Serve: as many replicas of the model as are asked for, each of which does one job at a time.

    queue ── one thread for each replica ── Request ──> Ray Serve ──> a free replica
          <────────── progress, sound of streams, at last the result ──────────

Jobs wait in the server's queue, not in Ray's: so places, cancel and the end of the server stay what they are. Each job
is computed alone, never in a batch with others, because a piece in a batch differs from the same piece alone in its
last bits, and the bytes of a result are promised.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mousai import __version__
from mousai.server.engine.messages import Finished, Message, Progress, Refused, Request, Sent
from mousai.server.files import FileStore
from mousai.server.job import Canceled, Job, JobFailed
from mousai.server.live.feed import Feed

if TYPE_CHECKING:
    from mousai.pipeline import Mousai

RETRIES = 3
"""Number of times that a job is done again whose replica was lost."""
HEALTH_PERIOD = 2.0
"""Seconds between two looks of Ray Serve whether a replica is there."""


class RayEngine:
    """Replicas of a model, as an application of Ray Serve on the cluster that this process is connected to.

    Args:
        load: loads the model, on the machine of a replica.
        facts: what results store of it.
        name: of the application; one that is there already is replaced.
        replicas: number of them.
        resources: what each takes of the cluster, such as `{"num_cpus": 1}`.
    """

    def __init__(
        self,
        load: "Callable[[], Mousai]",
        facts: Mapping[str, str],
        *,
        name: str,
        replicas: int,
        resources: Mapping[str, float],
    ) -> None:
        self.jobs = replicas
        self._load, self._facts, self._name, self._resources = load, dict(facts), name, dict(resources)
        self._responses: dict[str, Any] = {}  # of running jobs
        self._lock = threading.Lock()
        self._handle: Any = None
        self._mailbox: Any = None
        self._deployed = False

    def open(self, files: FileStore, on_change: Callable[[Job], None]) -> None:
        """See `Engine`; ready when all replicas have loaded the model."""
        import ray
        from ray import serve

        from mousai.server.engine.deployment import ServedReplica
        from mousai.server.engine.messages import Mailbox

        self._files, self._on_change = files, on_change
        logging.getLogger("ray.serve").setLevel(logging.ERROR)
        serve.start(proxy_location="Disabled")  # the server is the door
        if self._name in serve.status().applications:  # of a server that was killed
            serve.delete(self._name)
        actor: Any = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(Mailbox)
        self._mailbox = actor.remote()
        deployment: Any = serve.deployment(
            ServedReplica,
            name="Replica",
            num_replicas=self.jobs,
            max_ongoing_requests=1,
            ray_actor_options=self._resources,
            health_check_period_s=HEALTH_PERIOD,
        )
        bound = deployment.bind(self._load, self._facts, __version__, self._mailbox)
        self._deployed = True
        handle = serve.run(bound, name=self._name, route_prefix=None)
        failure = handle.options(method_name="failure").remote().result()
        if failure is not None:
            raise failure
        self._handle = handle.options(method_name="make", stream=True)

    def run(self, job: Job) -> None:
        """See `Engine`; a job whose replica is lost is done again."""
        import ray

        lost, sent = 0, 0
        if isinstance(job.feed, Feed) and job.feed.paced:
            job.feed.forward(lambda change: self._mailbox.put.remote(job.id, change))
        try:
            while True:
                counted = _Messages(skip=sent)
                try:
                    self._once(job, counted)
                    return
                except ray.exceptions.TaskCancelledError:
                    raise Canceled from None
                except ray.exceptions.RayTaskError as error:
                    raise error.cause from None  # as if it had been raised here
                except ray.exceptions.RayError as error:
                    lost, sent = lost + 1, max(sent, counted.seen)
                    if job.cancel_wanted:
                        raise Canceled from None
                    if job.is_endless:
                        raise JobFailed("the replica that played it was lost; begin anew") from error
                    if lost > RETRIES:
                        hint = "perhaps because the memory was full; ask for a shorter piece"
                        raise JobFailed(f"the replica that worked on it was lost {lost} times, {hint}") from error
        finally:
            if job.is_endless:
                self._mailbox.forget.remote(job.id)

    def cancel(self, job: Job) -> None:
        """See `Engine`; the replica is free for another job when its step is done."""
        with self._lock:
            response = self._responses.get(job.id)
        if response is not None:
            response.cancel()

    def close(self) -> None:
        """Remove the application, and end Ray Serve where nothing else is on it."""
        if not self._deployed:
            return
        from ray import serve

        self._deployed = False
        serve.delete(self._name)
        if not serve.status().applications:
            serve.shutdown()

    def _once(self, job: Job, counted: "_Messages") -> None:
        response = self._handle.remote(self._request(job))
        with self._lock:
            self._responses[job.id] = response
        try:
            if job.cancel_wanted:  # asked for before there was a response that could be canceled
                response.cancel()
            for message in response:
                if isinstance(message, Sent) and not counted.is_new():
                    continue
                if self._take(job, message):
                    return
            raise Canceled
        finally:
            with self._lock:
                del self._responses[job.id]

    def _request(self, job: Job) -> Request:
        found = [self._files.get(name) for name in job.input.files()]
        return Request(
            id=job.id,
            input=job.input,
            recordings=tuple((file, file.path.read_bytes()) for file in found),
            paced=None if job.feed is None else job.feed.paced,
        )

    def _take(self, job: Job, message: Message) -> bool:
        """Write a message of the replica into the job; returns whether it was the last one."""
        match message:
            case Progress():
                job.stage, job.step, job.total = message.stage, message.step, message.total
                job.seconds_left, job.logs = message.seconds_left, message.logs
                self._on_change(job)
            case Sent():
                assert job.feed is not None
                job.audio_seconds = message.audio_seconds
                job.feed.send(message.one)
                if job.feed.too_slow:
                    self.cancel(job)
                    raise JobFailed("the client reads more slowly than the music plays")
            case Finished():
                if job.cancel_wanted:
                    raise Canceled
                job.logs, job.audio_seconds = message.logs, message.audio_seconds
                self._store(job, message)
                return True
            case Refused():
                raise JobFailed(message.sentence)
        return False

    def _store(self, job: Job, message: Finished) -> None:
        if message.file is None:
            return
        name, path = self._files.new_path(f".{message.file.container}")
        path.write_bytes(message.content)
        now = time.monotonic()  # the file's times are those of another machine's clock.
        made = replace(message.file, id=name, path=path, pins=0, created=now, last_used=now)
        job.result = self._files.add(made).id


class _Messages:
    """Count of what a stream has sent, so that the same stream done again sends each message once.

    Args:
        skip: messages that were sent before.
    """

    def __init__(self, *, skip: int) -> None:
        self.seen, self._skip = 0, skip

    def is_new(self) -> bool:
        """Count one; returns whether it was not sent before."""
        self.seen += 1
        return self.seen > self._skip
