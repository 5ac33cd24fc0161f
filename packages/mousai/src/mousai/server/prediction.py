"""A prediction as JSON, in cog's form."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from mousai.server.job import Job, Status

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"


class Progress(BaseModel):
    """How far a job is."""

    status: Status
    queue_place: int = Field(description="jobs before it; 0 when it is next or runs")
    stage: str | None = Field(description='"latent_diffusion" composes, "decoder" renders; null before the first step')
    step: int = Field(description="steps of that stage that are done")
    total: int = Field(description="steps of that stage")
    seconds_left: float | None = Field(description="estimate; null before the first step and after the end")


class Metrics(BaseModel):
    """Figures of a job that has ended."""

    predict_time: float | None = Field(description="seconds that the model worked on it")
    queue_time: float | None = Field(description="seconds that it waited")
    audio_seconds: float | None = Field(description="seconds of sound in the result")


class Urls(BaseModel):
    """Where to ask for more of a job."""

    get: str
    cancel: str
    events: str


class Prediction(BaseModel):
    """One job."""

    id: str
    status: Status
    input: dict[str, Any] = Field(description="what was asked for, and the seed")
    output: str | None = Field(description="URL of the sound, when it has succeeded")
    output_file: str | None = Field(description="id of that file, which other predictions may name")
    error: str | None = Field(description="one sentence, where it has failed or was canceled by the server")
    logs: str = Field(description="remarks, such as the end of a prompt that the model does not read")
    metrics: Metrics
    progress: Progress
    urls: Urls
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None


def progress_of(job: Job) -> Progress:
    """Return how far a job is."""
    left = job.seconds_left
    return Progress(
        status=job.status,
        queue_place=job.place,
        stage=job.stage,
        step=job.step,
        total=job.total,
        seconds_left=None if left is None else round(left, 2),
    )


def prediction_of(job: Job, base: str) -> Prediction:
    """Return a job as it is now.

    Args:
        job: the job.
        base: URL under which the client reached this server, without a slash at its end.
    """
    waited = None if job.started_at is None else (job.started_at - job.created_at).total_seconds()
    here = f"{base}/predictions/{job.id}"
    return Prediction(
        id=job.id,
        status=job.status,
        input=job.input.as_json(),
        output=None if job.result is None else f"{base}/v1/files/{job.result}",
        output_file=job.result,
        error=job.error,
        logs=job.logs,
        metrics=Metrics(predict_time=job.seconds, queue_time=waited, audio_seconds=job.audio_seconds),
        progress=progress_of(job),
        urls=Urls(get=here, cancel=f"{here}/cancel", events=f"{here}/events"),
        created_at=job.created_at,
        started_at=job.started_at,
        completed_at=job.completed_at,
    )
