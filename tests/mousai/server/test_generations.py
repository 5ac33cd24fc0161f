"""One request for one piece; models, health, metrics, the page, the OpenAPI document."""

import asyncio
import json
from io import BytesIO
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import soundfile

from mousai.errors import UserError
from mousai.server.job import Status
from mousai.server.live.input import LiveInput
from mousai.server.routes.generations import _sound
from mousai.server.verbs import VERBS

from .conftest import ENDLESS, QUICK, message_of, predict, service_of


def test_one_request_gives_one_piece_with_its_seed_and_settings(client):
    files = service_of(client).files.count
    first = client.post("/v1/audio/generations", json={**QUICK, "seed": 7, "response_format": "flac"})
    assert first.status_code == 200 and first.headers["content-type"] == "audio/flac"
    assert first.headers["X-Mousai-Seed"] == "7" and json.loads(first.headers["X-Mousai-Settings"])["steps"] == "2"
    assert soundfile.info(BytesIO(first.content)).duration == 0.2
    assert service_of(client).files.count == files  # nothing of it stays
    body = {
        "model": "bundled",
        "input": QUICK["prompt"],
        "duration": 0.2,
        "steps": 2,
        "seed": 7,
        "response_format": "flac",
    }
    assert client.post("/v1/audio/generations", json=body).content == first.content
    made = predict(client, seed=7, response_format="flac")
    assert client.get(made["output"]).content == first.content


def test_what_it_cannot_do_is_refused(client):
    for given, status, hint in (
        ({"model": "gpt"}, 404, "'bundled' alone"),
        ({"prompt": None}, 422, "prompt"),
        ({"input": "two of them"}, 422, "input"),
        ({"voice": "alloy"}, 422, "voice"),
        ({"duration": 31}, 422, "at most 30"),
    ):
        assert hint in message_of(client.post("/v1/audio/generations", json={**QUICK, **given}), status)


def test_a_client_that_goes_away_cancels_its_job(client):
    service, body = service_of(client), json.dumps(ENDLESS).encode()

    async def gone() -> list[dict]:
        sent: list[dict] = []
        waiting = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive():
            if waiting:
                return waiting.pop()
            while not service.queue.is_running:
                await asyncio.sleep(0.01)
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)

        headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")]
        path = "/v1/audio/generations"
        scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "path": path}
        scope |= {"raw_path": path.encode(), "query_string": b"", "headers": headers, "scheme": "http", "state": {}}
        await client.app(scope, receive, send)
        while service.queue.is_running:
            await asyncio.sleep(0.01)
        return sent

    before = dict(service.queue.ended)
    client.portal.call(gone)
    key = ("generate", "canceled")
    assert service.queue.ended.get(key, 0) == before.get(key, 0) + 1


def test_a_stream_that_fails_before_its_first_sound_is_answered(client, monkeypatch):
    def odd(*_):
        raise UserError("tempo", 100, "does not go with this")

    monkeypatch.setattr(LiveInput, "stream", odd)
    response = client.post("/v1/audio/generations", json={**QUICK, "stream": True})
    assert message_of(response, 422) == "tempo=100: does not go with this"


def test_a_stream_that_fails_later_has_no_whole_body():
    class Sent:
        messages: ClassVar[list] = [{"type": "chunk"}, b"sound", None]

        async def receive(self):
            return self.messages.pop(0)

    gone: list[object] = []
    service: Any = SimpleNamespace(queue=SimpleNamespace(cancel=gone.append, forget=gone.append))
    job: Any = SimpleNamespace(status=Status.FAILED, error="the client reads more slowly than the music plays")
    got: list[bytes] = []

    async def read() -> None:
        async for part in _sound(job, Sent(), service, b"header"):  # type: ignore[arg-type]
            got.append(part)

    with pytest.raises(RuntimeError, match=r"^a stream ended early: the client reads more slowly than the music"):
        asyncio.run(read())
    assert got == [b"header", b"sound"] and gone == [job, job]


def test_the_model_is_listed_with_what_it_is_best_run_with(client):
    (model,) = client.get("/v1/models").json()["data"]
    assert model["id"] == "bundled" and model["sample_rate"] == 48000 and model["channels"] == 2
    assert model["defaults"]["steps"] == 3 and model["max_duration"] == 30
    assert model["verbs"] == list(VERBS) and "flute" in model["leads"]


def test_health_and_metrics_tell_how_it_fares(client):
    predict(client)
    assert client.get("/health").json()["status"] == "ready"
    lines = client.get("/metrics").text.splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert float(values["mousai_ready"]) == 1 and float(values["mousai_queue_length"]) == 0
    assert float(values['mousai_jobs_total{verb="generate",status="succeeded"}']) >= 1
    assert float(values["mousai_audio_seconds_total"]) >= 0.2
    names = {line.split("{")[0].split(" ")[0] for line in lines if not line.startswith("#")}
    assert {line.split()[2] for line in lines if line.startswith("# TYPE")} >= names


def test_the_page_comes_with_all_that_it_names(client):
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html") and "://" not in page.text
    for name in ("js/page.js", "css/base.css"):
        assert f"page/{name}" in page.text and client.get(f"/page/{name}").status_code == 200
    assert client.get("/page/js/page.js").headers["content-type"].startswith("text/javascript")


def test_the_openapi_document_describes_every_verb_and_one_error(client):
    document = client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    assert {"GenerateInput", "EditInput", "ExtendInput", "ErrorBody"} <= schemas.keys()
    assert schemas["GenerateInput"]["examples"] and "HTTPValidationError" not in schemas
    assert document["paths"]["/predictions"]["post"]["responses"]["429"]
    assert client.get("/docs").status_code == 404  # its scripts would come from elsewhere


def test_what_is_not_there_is_told_in_the_one_schema(client):
    assert message_of(client.get("/nothing"), 404)
    refused = client.delete("/v1/models")
    assert message_of(refused, 405) and refused.headers["Allow"] == "GET"
