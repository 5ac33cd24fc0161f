"""Waiting for a job, as long as the client does."""

import asyncio

from fastapi import Request

from mousai.server.job import Job

LOOK = 0.25
"""Seconds between two looks whether a client is still there."""


async def until_over(job: Job, request: Request, *, timeout: float | None = None) -> bool:
    """Wait until a job has ended.

    Args:
        job: the job.
        request: of the client that waits.
        timeout: seconds to wait at most.

    Returns:
        whether the client is still there.
    """
    clock = asyncio.get_running_loop().time
    end = None if timeout is None else clock() + timeout
    while not job.is_over and (end is None or clock() < end):
        if await request.is_disconnected():
            return False
        await until_changed(job, LOOK if end is None else min(LOOK, max(end - clock(), 0.0)))
    return True


async def until_changed(job: Job, timeout: float) -> None:
    """Wait until a job changes, or for so many seconds."""
    event = job.changed
    if job.is_over:
        return
    try:
        await asyncio.wait_for(event.wait(), timeout)
    except TimeoutError:
        return
