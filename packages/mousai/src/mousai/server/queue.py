"""The queue: jobs in the order in which they were accepted, and the threads that hand them to the engine."""

import asyncio
import math
import sys
import threading
import time
import traceback
from collections.abc import Callable

from mousai.server.engine.base import Engine
from mousai.server.errors import ApiError
from mousai.server.files import FileStore
from mousai.server.job import Canceled, Job, JobFailed, Status, now


class JobQueue:
    """Jobs that wait, those that run, and those that ended a while ago.

    All public methods are called on the event loop's thread; the worker threads, one for each job that the engine does
    at a time, change jobs under the lock and wake those who wait for them.

    Args:
        engine: does the jobs; the first worker thread opens it.
        files: the store.
        limit: jobs that may wait.
        keep: seconds for which a job is remembered after its end.
        on_failure: called in the first worker thread where the model cannot be loaded.
    """

    def __init__(
        self,
        engine: Engine,
        files: FileStore,
        *,
        limit: int,
        keep: float,
        on_failure: Callable[[Exception], None],
    ) -> None:
        self.ready = False
        self.closing = False
        self.closed_at = math.inf
        self._engine, self._files, self._on_failure = engine, files, on_failure
        self._limit, self._keep = limit, keep
        self._jobs: dict[str, Job] = {}
        self._waiting: list[Job] = []
        self._running: list[Job] = []
        self._lock = threading.RLock()
        self._work = threading.Condition(self._lock)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._threads = [
            threading.Thread(target=self._work_on, name=f"mousai-worker-{number}", daemon=True)
            for number in range(1, engine.jobs)
        ]
        self._first = threading.Thread(target=self._load_and_work, name="mousai-worker-0", daemon=True)
        self._recent: list[float] = []  # seconds that the last jobs took
        self.ended: dict[tuple[str, str], int] = {}  # (verb, status) -> jobs
        self.busy_seconds = 0.0
        self.audio_seconds = 0.0

    # ---- on the event loop

    def start(self) -> None:
        """Start the first worker, which loads the model and starts the others."""
        self._loop = asyncio.get_running_loop()
        self._first.start()

    @property
    def length(self) -> int:
        """Jobs that wait."""
        return len(self._waiting)

    @property
    def is_running(self) -> bool:
        """Whether a job runs."""
        return bool(self._running)

    @property
    def running(self) -> int:
        """Jobs that run."""
        return len(self._running)

    def find(self, name: str) -> Job:
        """Return a job.

        Raises:
            ApiError: there is none of that id.
        """
        found = self._jobs.get(name)
        if found is None:
            raise ApiError(404, f"there is no prediction {name}; it may have been removed after its time")
        return found

    def known(self, name: str) -> Job | None:
        """Return a job, or None where there is none of that id."""
        return self._jobs.get(name)

    def check_open(self) -> None:
        """Raise `ApiError` where no job would be accepted: the server is about to exit, or the queue is full."""
        if self.closing:
            raise ApiError(503, "the server is shutting down and accepts no more jobs", retry_after=10.0)
        if len(self._waiting) >= self._limit:
            waits = "1 job waits" if self._limit == 1 else f"{self._limit} jobs wait"
            raise ApiError(429, f"the queue is full: {waits}; try again later", retry_after=self._usual())

    def submit(self, job: Job) -> Job:
        """Accept a job, whose files are kept until it has ended.

        Raises:
            ApiError: the queue is full, the server is about to exit, or a file is gone.
        """
        with self._work:
            self.check_open()
            self._files.check_room()
            self._files.pin(job.input.files())
            self._jobs[job.id] = job
            self._waiting.append(job)
            self._number()
            self._work.notify()
        return job

    def cancel(self, job: Job) -> None:
        """Cancel a job; a running one stops at its next step. One that has ended stays as it is."""
        with self._work:
            if job.is_over:
                return
            job.cancel_wanted = True
            if job in self._waiting:
                self._waiting.remove(job)
                self._end(job, Status.CANCELED)
                self._number()
            else:
                self._engine.cancel(job)

    def forget(self, job: Job) -> None:
        """Forget a job and remove its file."""
        with self._lock:
            self._jobs.pop(job.id, None)
        if job.result is not None:
            self._files.discard(job.result)

    def sweep(self, moment: float | None = None) -> None:
        """Forget jobs that ended long ago."""
        moment = time.monotonic() if moment is None else moment
        with self._lock:
            for job in [job for job in self._jobs.values() if job.is_over and moment - job.ended > self._keep]:
                del self._jobs[job.id]

    def begin_closing(self) -> None:
        """Refuse new jobs and cancel those that wait; those that run are finished, but for endless ones."""
        with self._work:
            self.closing = True
            self.closed_at = min(self.closed_at, time.monotonic())
            for job in list(self._waiting):
                self.cancel(job)
                job.error = "the server is shutting down"
            for job in self._running:
                if job.is_endless:
                    job.error = "the server is shutting down"
                    self.cancel(job)
            self._work.notify_all()

    def cancel_running(self) -> None:
        """Cancel the jobs that run, if there are any; they stop at their next step."""
        with self._work:
            for job in self._running:
                self.cancel(job)

    def stop(self) -> None:
        """Cancel everything, and wait for the workers: the steps that run are finished."""
        self.begin_closing()
        self.cancel_running()
        if self.ready:
            for thread in (self._first, *self._threads):
                thread.join()

    @property
    def is_loading(self) -> bool:
        """Whether the first worker still loads the model."""
        return self._first.is_alive() and not self.ready

    def _usual(self) -> float:
        """Seconds until a place should be free."""
        return sum(self._recent) / len(self._recent) if self._recent else 5.0

    # ---- in a worker thread, and under the lock

    def _load_and_work(self) -> None:
        try:
            self._engine.open(self._files, self._wake)
        except Exception as error:
            self._on_failure(error)
            return
        for thread in self._threads:
            thread.start()
        self.ready = True
        self._work_on()

    def _work_on(self) -> None:
        while (job := self._next()) is not None:
            self._do(job)

    def _next(self) -> Job | None:
        with self._work:
            while not self._waiting and not self.closing:
                self._work.wait()
            if not self._waiting:
                return None
            job = self._waiting.pop(0)
            self._running.append(job)
            job.status, job.started_at = Status.PROCESSING, now()
            self._number()
            self._wake(job)
            return job

    def _do(self, job: Job) -> None:
        status, error, fault = Status.SUCCEEDED, None, False
        try:
            self._engine.run(job)
        except Canceled:
            status, error = Status.CANCELED, job.error
        except JobFailed as mistake:
            status, error = Status.FAILED, str(mistake)
        except Exception as other:
            status, fault = Status.FAILED, True
            error = f"the server failed ({type(other).__name__}); its log says more"
            traceback.print_exc(file=sys.stderr)
        with self._work:
            self._running.remove(job)
            self._end(job, status, error=error, fault=fault)

    def _end(self, job: Job, status: Status, *, error: str | None = None, fault: bool = False) -> None:
        self._files.unpin(job.input.files())
        job.end(status, error=error, fault=fault)
        if job.feed is not None:
            job.feed.send(None)
        key = (job.input.verb, str(status))
        self.ended[key] = self.ended.get(key, 0) + 1
        if (seconds := job.seconds) is not None:
            self.busy_seconds += seconds
            self._recent = [*self._recent[-9:], seconds]
        self.audio_seconds += job.audio_seconds or 0.0
        self._wake(job)

    def _number(self) -> None:
        """Tell the waiting jobs their places."""
        free = self._engine.jobs - len(self._running)  # of places at the engine; the first so many jobs are next
        for place, job in enumerate(self._waiting):
            place = max(place + 1 - free, 0)
            if job.place != place:
                job.place = place
                self._wake(job)

    def _wake(self, job: Job) -> None:
        """Wake those who wait for a change of a job, from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(job.wake)
