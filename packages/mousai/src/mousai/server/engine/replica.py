"""One replica: a model in a process of its own, which does one job at a time and tells how far it is."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mousai import __version__
from mousai.errors import UserError
from mousai.server.engine.messages import Finished, Message, Progress, Refused, Request, Sent
from mousai.server.files import FileStore
from mousai.server.job import Canceled, Job, JobFailed
from mousai.server.runner import Runner

if TYPE_CHECKING:
    from mousai.pipeline import Mousai

_MOST_BYTES = 10**15  # the server has counted what it sends here


class Replica:
    """A model and a store of its own; the same runner does the jobs as in a server without replicas.

    Args:
        load: loads the model.
        facts: what results store of it.
        version: of the server's mousai.
        take: returns the updates that have come for a stream, given the id of its job.
    """

    def __init__(
        self,
        load: "Callable[[], Mousai]",
        facts: Mapping[str, str],
        version: str,
        take: Callable[[str], list[Mapping[str, Any]]],
    ) -> None:
        self.failure: UserError | None = None
        self._take = take
        self._emit: Callable[[Message], None] = lambda _: None
        self._files = FileStore(keep=math.inf, limit=_MOST_BYTES)
        self._runner: Runner | None = None
        try:
            if version != __version__:
                hint = f"a replica has mousai {__version__}; install the server's version on every machine"
                raise UserError("version", version, hint)
            self._runner = Runner(load(), facts, self._files, self._changed)
        except UserError as error:  # one line for the server, which Ray would make a page of
            self.failure = error

    async def make(self, request: Request) -> AsyncIterator[Message]:
        """Do a job; the messages are its progress, or its stream, and at last its end.

        Where nobody waits for the next message any more, it stops at its next step, and only then ends.
        """
        loop = asyncio.get_running_loop()
        messages: asyncio.Queue[Message | None] = asyncio.Queue()

        def emit(message: Message | None) -> None:
            loop.call_soon_threadsafe(messages.put_nowait, message)

        job = Job(input=request.input, asked=request.input, id=request.id)
        if request.paced is not None:
            job.feed = _Feed(job, request.paced, emit, self._take)
        work = loop.run_in_executor(None, self._work, request, job, emit)
        try:
            while (message := await messages.get()) is not None:
                yield message
            await work
        finally:
            job.cancel_wanted = True
            await asyncio.wait([work])

    def close(self) -> None:
        """Remove all files."""
        self._files.close()

    # ---- in a thread of its own, one job at a time

    def _work(self, request: Request, job: Job, emit: Callable[[Message | None], None]) -> None:
        self._emit = emit
        try:
            emit(self._done(request, job))
        except Canceled:
            pass  # the server knows: it has asked for it
        except JobFailed as mistake:
            emit(Refused(sentence=str(mistake)))
        finally:
            self._emit = lambda _: None
            emit(None)

    def _done(self, request: Request, job: Job) -> Finished:
        if self._runner is None:
            raise JobFailed(f"a replica has no model: {self.failure}")
        for file, content in request.recordings:
            _, path = self._files.new_path(f".{file.container}")
            path.write_bytes(content)
            self._files.add(replace(file, path=path, pins=0))
        try:
            self._runner.run(job)
            end = Finished(audio_seconds=job.audio_seconds, logs=job.logs)
            if job.result is None:
                return end
            made = self._files.get(job.result)
            return replace(end, file=made, content=made.path.read_bytes())
        finally:
            for name in [*(file.id for file, _ in request.recordings), *([job.result] if job.result else [])]:
                self._files.discard(name)

    def _changed(self, job: Job) -> None:
        self._emit(
            Progress(stage=job.stage, step=job.step, total=job.total, seconds_left=job.seconds_left, logs=job.logs)
        )


class _Feed:
    """The worker's side of a stream whose client is elsewhere, see `live.feed.Feed`."""

    too_slow = False  # the server ends it where its client reads too slowly

    def __init__(
        self,
        job: Job,
        paced: bool,
        emit: Callable[[Message | None], None],
        take: Callable[[str], list[Mapping[str, Any]]],
    ) -> None:
        self.paced = paced
        self._job, self._emit, self._take = job, emit, take

    def send(self, *messages: dict[str, Any] | bytes | None) -> None:
        for one in messages:
            if one is not None:  # the end, which the server tells itself
                self._emit(Sent(one=one, audio_seconds=self._job.audio_seconds))

    def updates(self) -> list[Mapping[str, Any]]:
        return self._take(self._job.id) if self.paced else []

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)
