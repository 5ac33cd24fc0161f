"""What the server does with what a cluster tells it, without a cluster."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mousai.data.clusters import prepare_environment
from mousai.errors import UserError
from mousai.server.engine.messages import Finished, Progress, Refused, Request, Sent
from mousai.server.engine.ray_serve import RETRIES, RayEngine
from mousai.server.engine.sharing import share
from mousai.server.files import FileStore, StoredFile
from mousai.server.job import Canceled, Job, JobFailed
from mousai.server.verbs.generate import GenerateInput

prepare_environment(local=True)  # other tests start clusters in this process
exceptions = pytest.importorskip("ray.exceptions", reason="comes with ray[serve]")
LOST = exceptions.ActorDiedError
STEP = Progress(stage="decoder", step=1, total=2, seconds_left=1.0, logs="")


class Handle:
    """A deployment: each request is answered with the next list of messages; an exception among them is raised."""

    def __init__(self, *answers: list[Any]) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []

    def remote(self, request: Request) -> "Response":
        self.requests.append(request)
        return Response(self.answers.pop(0))


class Response:
    def __init__(self, messages: list[Any]) -> None:
        self.messages = messages

    def __iter__(self) -> Iterator[Any]:
        for one in self.messages:
            if isinstance(one, BaseException):
                raise one
            yield one

    def cancel(self) -> None:
        self.messages = [exceptions.TaskCancelledError()]


class Feed:
    paced = False
    too_slow = False

    def __init__(self, *, paced: bool = False) -> None:
        self.paced = paced
        self.got: list[Any] = []

    def send(self, *messages: Any) -> None:
        self.got += messages


@pytest.fixture
def files() -> Iterator[FileStore]:
    store = FileStore(keep=60, limit=10**6)
    yield store
    store.close()


def engine_of(files: FileStore, *answers: list[Any]) -> tuple[RayEngine, Handle]:
    engine = RayEngine(lambda: None, {}, name="test", replicas=1, resources={})  # type: ignore[arg-type, return-value]
    handle = Handle(*answers)
    engine._files, engine._on_change, engine._handle = files, lambda _: None, handle
    engine._mailbox = Mailbox()
    return engine, handle


class Mailbox:
    @property
    def forget(self) -> "Mailbox":
        return self

    def remote(self, job: str) -> None:
        pass


def job_of(**given: Any) -> Job:
    wanted = GenerateInput(prompt="calm piano", seed=7)
    return Job(input=wanted, asked=wanted, **given)


def finished(content: bytes = b"sound") -> Finished:
    sound = {"size": len(content), "seconds": 1.0, "sample_rate": 48000, "channels": 2}
    file = StoredFile(id="0" * 32, path=Path("elsewhere.wav"), kind="result", container="wav", created=0.0, **sound)
    return Finished(audio_seconds=1.0, logs="a remark", file=file, content=content)


def test_a_job_whose_replica_is_lost_is_done_again_with_the_same_seed(files):
    engine, handle = engine_of(files, [STEP, LOST()], [LOST()], [STEP, finished()])
    job = job_of()
    engine.run(job)
    assert [one.input.seed for one in handle.requests] == [7, 7, 7]
    stored = files.get(job.result)
    assert stored.path.read_bytes() == b"sound" and stored.path.parent == files.folder and stored.created > 0
    assert (job.logs, job.audio_seconds, job.stage, job.step) == ("a remark", 1.0, "decoder", 1)


def test_a_job_that_loses_every_replica_ends_with_a_sentence(files):
    engine, handle = engine_of(files, *([STEP, LOST()] for _ in range(RETRIES + 1)))
    with pytest.raises(JobFailed, match=f"was lost {RETRIES + 1} times, perhaps because the memory was full"):
        engine.run(job_of())
    assert handle.answers == [] and files.count == 0


def test_a_stream_done_again_sends_each_message_once(files):
    sent = [Sent(one=one, audio_seconds=1.0) for one in ({"type": "start"}, b"one", b"two", b"three")]
    end = Finished(audio_seconds=3.0, logs="")
    engine, _ = engine_of(files, [*sent[:3], LOST()], [*sent[:2], LOST()], [*sent, end])
    job = job_of(feed=Feed())
    engine.run(job)
    assert job.feed.got == [one.one for one in sent] and job.result is None  # type: ignore[union-attr]


def test_a_live_session_ends_with_its_replica(files):
    engine, handle = engine_of(files, [Sent(one=b"one", audio_seconds=1.0), LOST()], [])
    with pytest.raises(JobFailed, match="the replica that played it was lost; begin anew"):
        engine.run(job_of(feed=Feed(paced=True)))
    assert len(handle.requests) == 1


def test_a_client_that_reads_too_slowly_ends_its_stream(files):
    engine, _ = engine_of(files, [Sent(one=b"one", audio_seconds=1.0), finished()])
    feed = Feed()
    feed.too_slow = True
    with pytest.raises(JobFailed, match="reads more slowly"):
        engine.run(job_of(feed=feed))


def test_a_refusal_and_a_fault_come_through(files):
    fault = exceptions.RayTaskError("make", "traceback", ZeroDivisionError("by zero"))
    engine, _ = engine_of(files, [Refused(sentence="duration=0: must be above 0")], [fault])
    with pytest.raises(JobFailed, match=r"^duration=0: must be above 0$"):
        engine.run(job_of())
    with pytest.raises(ZeroDivisionError):
        engine.run(job_of())


@pytest.mark.parametrize("answer", [[exceptions.TaskCancelledError()], [LOST()], [finished()], []])
def test_a_canceled_job_stores_nothing_however_it_ends(files, answer):
    engine, _ = engine_of(files, answer)
    job = job_of(cancel_wanted=True)
    with pytest.raises(Canceled):
        engine.run(job)
    assert job.result is None and files.count == 0


@pytest.mark.parametrize("last", [LOST(), finished()], ids=["lost", "finished"])
@pytest.mark.parametrize("paced", [False, True])
def test_a_job_that_is_canceled_while_it_ends_stores_nothing(files, last, paced):
    engine, _ = engine_of(files, [STEP, last], [finished()])
    job = job_of(feed=Feed(paced=True) if paced else None)
    engine._on_change = lambda running: setattr(running, "cancel_wanted", True)
    with pytest.raises(Canceled):
        engine.run(job)
    assert job.result is None and files.count == 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Ray's own modules
def test_a_model_that_no_replica_could_load_is_the_failure_of_the_engine(files, monkeypatch):
    import ray
    from ray import serve

    failure = UserError("model", "m", "is broken")
    answer: Any = SimpleNamespace(result=lambda: failure)
    handle: Any = SimpleNamespace(options=lambda **_: SimpleNamespace(remote=lambda: answer))
    monkeypatch.setattr(serve, "start", lambda **_: None)
    monkeypatch.setattr(serve, "status", lambda: SimpleNamespace(applications={}))
    monkeypatch.setattr(serve, "deployment", lambda *_, **__: SimpleNamespace(bind=lambda *_: None))
    monkeypatch.setattr(serve, "run", lambda *_, **__: handle)
    monkeypatch.setattr(ray, "remote", lambda **_: lambda _: SimpleNamespace(remote=lambda: Mailbox()))
    engine, _ = engine_of(files)
    with pytest.raises(UserError) as caught:
        engine.open(files, lambda _: None)
    assert caught.value is failure


def test_a_running_job_is_canceled_through_its_response(files):
    engine, _ = engine_of(files, [STEP, finished()])
    job = job_of()
    response = Response([STEP])
    engine._responses[job.id] = response
    engine.cancel(job)
    assert isinstance(response.messages[0], exceptions.TaskCancelledError)
    engine.cancel(job_of())  # one that does not run: nothing happens


@pytest.mark.parametrize(
    ("machines", "replicas", "device", "expected"),
    [
        ([{"CPU": 16.0}], 1, "auto", ({"num_cpus": 16}, "cpu")),
        ([{"CPU": 16.0}], 3, "cpu", ({"num_cpus": 5}, "cpu")),
        ([{"CPU": 8.0}, {"CPU": 2.0}], 3, "auto", ({"num_cpus": 2}, "cpu")),
        ([{"CPU": 8.0}, {"CPU": 3.0}], 3, "auto", ({"num_cpus": 3}, "cpu")),
        ([{"CPU": 2.0}, {}], 2, "auto", ({"num_cpus": 1}, "cpu")),
        ([{"CPU": 8.0, "GPU": 2.0}], 2, "auto", ({"num_cpus": 1, "num_gpus": 1}, "cuda")),
        ([{"CPU": 8.0, "GPU": 2.0}], 4, "cpu", ({"num_cpus": 2}, "cpu")),
    ],
)
def test_a_cluster_is_shared_evenly(machines, replicas, device, expected):
    assert share(machines, replicas, device) == expected


def test_a_replica_of_another_version_has_no_model_and_says_so():
    from mousai.server.engine.replica import Replica

    replica = Replica(lambda: pytest.fail("loaded a model"), {}, "0.0.1", lambda _: [])
    try:
        with pytest.raises(JobFailed, match=r"a replica has no model: version='0\.0\.1': a replica has mousai "):
            replica._done(Request(id="a", input=job_of().input), job_of())
    finally:
        replica.close()


def test_a_replica_works_without_ray_too(saved_model):
    from mousai import Mousai, __version__
    from mousai.server.engine.replica import Replica

    from ..conftest import QUICK

    def load() -> Mousai:
        return Mousai.from_pretrained(saved_model, dtype="float32", device="cpu")

    async def all_of(replica: Replica) -> list[Any]:
        wanted = GenerateInput.model_validate({**QUICK, "seed": 1})
        return [one async for one in replica.make(Request(id="a", input=wanted))]

    replica = Replica(load, {"model": "tiny"}, __version__, lambda _: [])
    first, second = asyncio.run(all_of(replica)), asyncio.run(all_of(replica))
    assert isinstance(first[0], Progress) and first[0].total == QUICK["steps"]
    assert first[-1].content == second[-1].content and first[-1].content[:4] == b"RIFF"
    assert replica._files.count == 0  # what it has sent, it does not keep
    replica.close()
    other = Replica(load, {}, "0.0.0", lambda _: [])
    assert "install the server's version" in str(other.failure)
    assert "install the server's version" in asyncio.run(all_of(other))[0].sentence
    other.close()
