"""Jobs: make one, look at it, cancel it."""

import re
import secrets
from typing import TYPE_CHECKING, Annotated, Any, Union

from fastapi import APIRouter, Header, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag
from starlette.concurrency import run_in_threadpool

from mousai.server.errors import ApiError, responses
from mousai.server.job import Job
from mousai.server.live.feed import Feed
from mousai.server.prediction import ID_PATTERN, Prediction, prediction_of
from mousai.server.service import Service, TheService, base_of
from mousai.server.verbs import VERBS
from mousai.server.verbs.base import JobInput, VerbInput
from mousai.server.waiting import until_over
from mousai.server.webhooks.receiver import EVENTS, LONGEST_URL, Event, Webhook, receiver_of

router = APIRouter(tags=["predictions"])


_WAIT = re.compile(r"wait=(\d{1,6})")


def _verb_of(given: Any) -> str | None:
    verb = given.get("verb", "generate") if isinstance(given, dict) else getattr(given, "verb", None)
    return verb if isinstance(verb, str) else None


if TYPE_CHECKING:
    Input = VerbInput
else:
    Input = Annotated[
        Union[tuple(Annotated[one, Tag(verb)] for verb, one in VERBS.items())],  # noqa: UP007
        Discriminator(
            _verb_of,
            custom_error_type="verb",
            custom_error_message=f"must be one of {', '.join(VERBS)}; generate if left out",
        ),
    ]


class PredictionRequest(BaseModel):
    """Body of a prediction."""

    model_config = ConfigDict(extra="forbid", strict=True)

    input: Input = Field(description="`verb` and its arguments")
    id: str | None = Field(default=None, pattern=ID_PATTERN, description="id of the prediction; drawn if not given")
    webhook: str | None = Field(
        default=None,
        max_length=LONGEST_URL,
        description="URL that the prediction is posted to at each event; its host has to be allowed by this server",
        examples=["https://music.example.org/made"],
    )
    webhook_events_filter: list[Event] | None = Field(
        default=None, min_length=1, max_length=20, description="events of which the webhook tells; all if not given"
    )

    def hook(self, request: Request, service: Service) -> Webhook | None:
        """Return its webhook, if it has one.

        Raises:
            UserError: the receiver is none, or not allowed.
            ApiError: events are chosen without one.
        """
        if self.webhook is None:
            if self.webhook_events_filter is not None:
                raise ApiError(422, "webhook_events_filter: give webhook too", param="webhook_events_filter")
            return None
        receiver = receiver_of(self.webhook, service.config.webhook_hosts)
        return Webhook(receiver=receiver, events=frozenset(self.webhook_events_filter or EVENTS), base=base_of(request))


JobId = Annotated[str, Path(pattern=ID_PATTERN, description="id of the prediction")]
Prefer = Annotated[
    str | None,
    Header(description="`respond-async`: answer at once; `wait=S`: answer after at most S seconds", max_length=200),
]
_ACCEPTED: dict[int | str, dict[str, Any]] = {202: {"model": Prediction, "description": "accepted, not ended yet"}}
_MADE = {**_ACCEPTED, **responses(404, 409, 429, 503)}


@router.post("/predictions", responses=_MADE)
async def create(
    body: PredictionRequest, request: Request, response: Response, service: TheService, prefer: Prefer = None
) -> Prediction:
    """Make a prediction.

    Without `Prefer` the answer comes when it has ended (200), and a client that goes away cancels it. With
    `respond-async` it comes at once (202); with `wait=S` when it has ended (200), or after S seconds (202).
    """
    if body.id is not None and service.queue.known(body.id) is not None:
        raise ApiError(409, f"there is a prediction {body.id} already; PUT gives it once more", param="id")
    job = await accept(body.input, service, name=body.id, webhook=body.hook(request, service))
    return await _answered(job, request, response, service, prefer)


@router.put("/predictions/{prediction_id}", responses=_MADE)
async def create_once(
    prediction_id: JobId,
    body: PredictionRequest,
    request: Request,
    response: Response,
    service: TheService,
    prefer: Prefer = None,
) -> Prediction:
    """Make a prediction of this id, or give the one that there is: sent twice, it is made once."""
    if body.id not in (None, prediction_id):
        raise ApiError(
            422, f"id: is {body.id} in the body and {prediction_id} in the path; leave out the first", param="id"
        )
    job, webhook = service.queue.known(prediction_id), body.hook(request, service)
    if job is None:
        job = await accept(body.input, service, name=prediction_id, once=True, webhook=webhook)
    elif job.asked != body.input:
        raise ApiError(409, f"prediction {prediction_id} has another input; take another id", param="input")
    elif job.webhook != webhook:
        raise ApiError(409, f"prediction {prediction_id} has another webhook; take another id", param="webhook")
    return await _answered(job, request, response, service, prefer)


@router.get("/predictions/{prediction_id}", responses=responses(404))
async def read(prediction_id: JobId, request: Request, service: TheService) -> Prediction:
    """Look at a prediction."""
    return prediction_of(service.queue.find(prediction_id), base_of(request))


@router.post("/predictions/{prediction_id}/cancel", responses=responses(404))
async def cancel(prediction_id: JobId, request: Request, service: TheService) -> Prediction:
    """Cancel a prediction: a waiting one at once, a running one at its next step; one that has ended stays as it is."""
    job = service.queue.find(prediction_id)
    service.queue.cancel(job)
    return prediction_of(job, base_of(request))


async def accept(
    given: JobInput,
    service: Service,
    *,
    name: str | None = None,
    once: bool = False,
    feed: Feed | None = None,
    webhook: Webhook | None = None,
) -> Job:
    """Check an input and put it into the queue; its seed is fixed here.

    Args:
        given: the input.
        service: state of the server.
        name: id of the job; drawn if not given.
        feed: where it goes, if it is a stream.
        webhook: who is told what becomes of it.
        once: return a job of this id and input that was accepted meanwhile.

    Raises:
        ApiError: the queue is full, too many receivers have not taken their webhooks yet, or there is another job of
            that id.
        UserError: it cannot be done.
    """
    service.queue.check_open()
    if webhook is not None:
        service.webhooks.check_room()
    await run_in_threadpool(given.check, service.terms)
    drawn = given if given.seed is not None else given.model_copy(update={"seed": secrets.randbelow(2**32)})
    job = Job(input=drawn, asked=given, feed=feed, webhook=webhook)
    job.id = job.id if name is None else name
    if (other := service.queue.known(job.id)) is not None:  # accepted while this one was checked
        if once and other.asked == given and other.webhook == webhook:
            return other
        raise ApiError(409, f"there is a prediction {job.id} already", param="id", retry_after=1.0)
    service.queue.submit(job)
    if webhook is not None:
        service.webhooks.follow(job, webhook)
    return job


async def _answered(job: Job, request: Request, response: Response, service: Service, prefer: str | None) -> Prediction:
    wishes = [one.strip().lower() for one in (prefer or "").split(",")]
    waits = next((found for one in wishes if (found := _WAIT.fullmatch(one))), None)
    if "respond-async" in wishes:
        response.headers["Preference-Applied"] = "respond-async"
    elif waits is not None:
        await until_over(job, request, timeout=min(float(waits[1]), 3600.0))
        response.headers["Preference-Applied"] = waits[0]
    elif not await until_over(job, request) and request.method == "POST":  # PUT is there to ask once more
        service.queue.cancel(job)
    response.headers["Location"] = f"/predictions/{job.id}"
    response.status_code = 200 if job.is_over else 202
    return prediction_of(job, base_of(request))
