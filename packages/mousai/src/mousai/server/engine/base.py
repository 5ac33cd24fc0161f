"""What the queue asks of an engine, and the engine that computes in the server's own process."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from mousai.server.files import FileStore
from mousai.server.job import Job
from mousai.server.runner import Runner

if TYPE_CHECKING:
    from mousai.pipeline import Mousai


class Engine(Protocol):
    """Something that does jobs, some at a time; each in a thread of the queue."""

    @property
    def jobs(self) -> int:
        """Number of jobs that it does at a time."""
        ...

    def open(self, files: FileStore, on_change: Callable[[Job], None]) -> None:
        """Load the model, in a thread of the queue.

        Args:
            files: the server's store, into which results go.
            on_change: called after each step of a job.

        Raises:
            UserError: the model cannot be loaded.
        """
        ...

    def run(self, job: Job) -> None:
        """Do a job and store its result.

        Raises:
            Canceled: somebody asked for it; nothing is stored.
            JobFailed: what was asked for cannot be done.
        """
        ...

    def cancel(self, job: Job) -> None:
        """Take notice that a running job is canceled, from any thread; its `cancel_wanted` is set."""
        ...

    def close(self) -> None:
        """Give back what the engine holds; also before it is open."""
        ...


class LocalEngine:
    """One model in the server's own process, which does one job at a time.

    Args:
        load: loads the model.
        facts: what results store of it.
    """

    jobs = 1

    def __init__(self, load: "Callable[[], Mousai]", facts: Mapping[str, str]) -> None:
        self._load, self._facts = load, facts
        self._runner: Runner | None = None

    def open(self, files: FileStore, on_change: Callable[[Job], None]) -> None:
        """See `Engine`."""
        self._runner = Runner(self._load(), self._facts, files, on_change)

    def run(self, job: Job) -> None:
        """See `Engine`."""
        assert self._runner is not None
        self._runner.run(job)

    def cancel(self, job: Job) -> None:
        """See `Engine`; the job looks at `cancel_wanted` itself."""

    def close(self) -> None:
        """See `Engine`."""
