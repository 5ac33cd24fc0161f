"""One function over many jobs: in this process, in worker processes of this machine, or on a Ray cluster.

`check`, `encode` and `shard` give each of these pools the same function and the same jobs, and every job writes its own
files whole or not at all. So what comes of it does not depend on the pool, nor on who was killed on the way.

    pool.map(work, jobs)  ->  results, in the order in which they are done
"""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from queue import SimpleQueue
from typing import Any, Protocol, TypeVar

from mousai.data.clusters import ray_session
from mousai.errors import UserError
from mousai.processes import follow_parent

Job = TypeVar("Job")
Result = TypeVar("Result")

RETRIES = 3
"""Number of times that Ray runs a job again whose process was killed."""
_AHEAD = 3  # jobs that wait for each process; more would fill the memory, fewer would let processes wait


class Pool(Protocol):
    """Runner of jobs."""

    def map(self, work: Callable[[Job], Result], jobs: Sequence[Job]) -> Iterator[Result]:
        """Results of `work(job)` as they are done; what it raises is raised here, and ends the others."""
        ...


@contextmanager
def open_pool(*, workers: int | None = None, ray: str | None = None) -> Iterator[Pool]:
    """A pool for the block.

    Args:
        workers: processes at a time; by default one for each core, or as many as the cluster has.
        ray: address of a Ray cluster (HOST:PORT, ray://HOST:PORT, or auto for the one of this machine), or local to
            start one here that ends with the block. All machines must see the same files under the same paths.

    Raises:
        UserError: `workers` is impossible, Ray is not installed, or there is no cluster.
    """
    if workers is not None and workers < 1:
        raise UserError("workers", workers, "must be 1 or more")
    if ray is None:
        yield LocalPool(workers or os.cpu_count() or 1)
    else:
        with ray_session(ray, workers=workers):
            yield RayPool(workers)


class LocalPool:
    """Worker processes of one thread each; a single one, or a single job, stays in this process.

    Args:
        workers: processes.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def map(self, work: Callable[[Job], Result], jobs: Sequence[Job]) -> Iterator[Result]:
        """See `Pool`.

        Raises:
            UserError: a process was killed.
        """
        count = min(self.workers, len(jobs))
        if count <= 1:
            yield from map(work, jobs)
            return
        before = set(multiprocessing.active_children())
        pool = ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"), initializer=_start_worker)
        waiting, running = iter(jobs), 0
        # Not `concurrent.futures.wait`: it holds a lock of every future, and Ctrl-C in that moment leaves one held, for
        # which the pool then waits for ever. This queue can be interrupted anywhere.
        done: SimpleQueue[Future[Result]] = SimpleQueue()
        try:
            while True:
                for job in islice(waiting, count * _AHEAD - running):
                    pool.submit(work, job).add_done_callback(done.put)
                    running += 1
                if not running:
                    break
                future = done.get()
                running -= 1
                yield future.result()
        except BrokenProcessPool:
            raise UserError(
                "workers",
                self.workers,
                "a worker process was killed, perhaps because the memory was full: the same command goes on, with "
                "fewer --workers",
            ) from None
        except BaseException:
            # What they are at is not finished: it may take minutes, and the next call does it again.
            for process in set(multiprocessing.active_children()) - before:
                process.terminate()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    """Follow the parent, with one thread, because there is a process for each core."""
    follow_parent()
    os.environ["OMP_NUM_THREADS"] = "1"


class RayPool:
    """Tasks of one core each on the Ray cluster that this process is connected to.

    A job whose process or machine is lost is run again, see `RETRIES`.

    Args:
        workers: tasks at a time; by default as many as the cluster has cores.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers

    def map(self, work: Callable[[Job], Result], jobs: Sequence[Job]) -> Iterator[Result]:
        """See `Pool`.

        Raises:
            UserError: a job was killed again and again.
        """
        import ray

        task: Any = ray.remote(num_cpus=1, max_retries=RETRIES)(_call)
        shared = ray.put(work)
        waiting, running = iter(jobs), list[Any]()
        try:
            while True:
                most = self.workers or _AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
                running += [task.remote(shared, job) for job in islice(waiting, most - len(running))]
                if not running:
                    break
                done, running = ray.wait(running, num_returns=1)
                yield ray.get(done[0])
        except ray.exceptions.RayTaskError as error:
            raise error.cause from None  # as if it had been raised here
        except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError) as error:
            raise UserError(
                "ray",
                hint=f"a job on the Ray cluster was killed {RETRIES + 1} times, perhaps because the memory was full "
                f"({' '.join(str(error).split())[:200]}); the same command goes on",
            ) from None
        finally:
            for reference in running:
                ray.cancel(reference, force=True)


def _call(work: Callable[[Job], Result], job: Job) -> Result:
    return work(job)
