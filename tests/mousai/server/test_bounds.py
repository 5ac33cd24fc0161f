"""What a client can hold of the machine: disk, memory and time end somewhere."""

import asyncio
import json
from io import BytesIO

import numpy as np
import pytest
import soundfile
from starlette.requests import ClientDisconnect

from mousai.server import sending
from mousai.server.errors import ApiError
from mousai.server.files import FULL_RATE, FileStore, longest_at

from .conftest import ENDLESS, message_of, predict, service_of, upload, wav


def silence(seconds: float, rate: int) -> bytes:
    """A FLAC file that is small."""
    file = BytesIO()
    soundfile.write(file, np.zeros((round(seconds * rate), 1), np.int16), rate, format="FLAC")
    return file.getvalue()


@pytest.mark.parametrize("wanted", ["bytes=99999999-", "bytes=5-2", "bytes=x", None, "bytes=0-9"])
def test_a_conversion_is_gone_whatever_range_is_asked_for(client, wanted):
    store, name = service_of(client).files, upload(client)
    before, size = set(store.folder.iterdir()), store.size
    response = client.get(f"/v1/files/{name}?format=flac", headers={} if wanted is None else {"Range": wanted})
    assert response.status_code in (200, 206, 400, 416)
    assert set(store.folder.iterdir()) == before and store.size == size


def test_a_conversion_is_gone_where_it_cannot_be_made(client):
    store, name = service_of(client).files, upload(client, wav(1.0, rate=11025, level=2.0, subtype="FLOAT"))
    before, size = set(store.folder.iterdir()), store.size
    assert "format: flac" in message_of(client.get(f"/v1/files/{name}?format=flac"), 415)
    assert set(store.folder.iterdir()) == before and store.size == size


def test_a_conversion_counts_against_the_storage(serve):
    client = serve(storage=1)
    name = upload(client, wav(4.0))
    assert "store of 1 MB is full" in message_of(client.get(f"/v1/files/{name}?format=flac"), 429)


def test_one_piece_is_forgotten_though_its_client_goes_away_meanwhile(client, monkeypatch):
    service = service_of(client)
    before = service.files.count

    async def gone(*_):
        raise OSError("the client went away")

    monkeypatch.setattr(sending.FileResponse, "__call__", gone)
    body = {"prompt": "calm", "duration": 0.2, "steps": 2}
    assert client.post("/v1/audio/generations", json=body).status_code == 500
    assert service.files.count == before


def test_a_small_file_with_hours_of_samples_is_refused(client):
    content = silence(12.0, 655_350)
    assert len(content) < 200_000
    response = client.post("/v1/files", files={"file": ("a.flac", content)})
    assert "longer than 4.39" in message_of(response, 413) and "655350 samples a second" in response.text
    assert client.post("/v1/files", files={"file": ("a.flac", silence(1.0, 655_350))}).status_code == 201
    assert longest_at(44100, 600.0) == longest_at(FULL_RATE, 600.0) == 600.0


def test_a_recording_of_a_high_rate_is_not_extended_beyond_what_is_bounded(client):
    name = upload(client, wav(1.0, rate=384_000, channels=1))
    body = {"verb": "extend", "recording": name, "prompt": "calm", "after": 10.0}
    assert "at most 7.5 s" in message_of(client.post("/predictions", json={"input": body}), 422)


def test_uploads_in_progress_count_against_the_storage():
    store = FileStore(keep=60.0, limit=1000)
    try:
        (_, first), (_, second) = store.new_path(".upload"), store.new_path(".upload")
        store.reserve(first, 600)
        with pytest.raises(ApiError, match="full"):
            store.reserve(second, 600)
        store.reserve(first, 900)
        assert store.size == 900
        with pytest.raises(ApiError, match="full"):
            store.check_room(200)
        store.release(first)
        store.reserve(second, 600)
        assert store.size == 600
    finally:
        store.close()


def test_what_has_come_of_an_upload_is_counted_while_the_rest_is_on_its_way():
    from starlette.requests import Request

    from mousai.server.uploads import receive

    store, seen = FileStore(keep=60.0, limit=10**6), []
    begin = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
    messages = [{"type": "http.request", "body": begin + b"0" * 5000, "more_body": True}]

    def request(*headers: tuple[bytes, bytes]) -> Request:
        async def come():
            seen.append(store.size)
            return messages[0] if len(seen) % 2 else {"type": "http.disconnect"}

        kind = (b"content-type", b"multipart/form-data; boundary=x")
        return Request({"type": "http", "method": "POST", "path": "/", "headers": [kind, *headers]}, come)

    try:
        for headers in ([], [(b"content-length", b"9000")]):
            with pytest.raises(ApiError, match="cut short"):
                asyncio.run(receive(request(*headers), store, max_bytes=10**5, max_seconds=1.0))
        assert seen == [0, len(begin) + 5000, 9000, 9000]
        assert store.size == 0 and not list(store.folder.iterdir())
    finally:
        store.close()


def test_an_upload_is_counted_once_when_it_has_come(serve):
    client = serve(storage=1)
    content = wav(2.0)
    name = upload(client, content)
    store = service_of(client).files
    assert store.size == len(content) and client.delete(f"/v1/files/{name}").status_code == 204 and store.size == 0
    refused = client.post("/v1/files", files={"file": ("a.wav", content[:3000])})
    assert refused.status_code == 415 and store.size == 0


def test_a_stream_that_nobody_reads_is_ended_and_its_job_canceled(client, monkeypatch):
    monkeypatch.setattr(sending, "PATIENCE", 0.3)
    predict(client)  # the model is loaded
    service = service_of(client)
    body = json.dumps({**ENDLESS, "duration": 30.0, "stream": True, "steps": 2, "decoder_steps": 2}).encode()
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive():
        if waiting:
            return waiting.pop()
        return await asyncio.sleep(60)

    async def send(message):
        if message.get("body"):
            await asyncio.sleep(60)

    async def streamed():
        headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")]
        path = "/v1/audio/generations"
        scope = {"type": "http", "asgi": {"spec_version": "2.4"}, "http_version": "1.1", "method": "POST", "path": path}
        scope |= {"raw_path": path.encode(), "query_string": b"", "headers": headers, "scheme": "http", "state": {}}
        with pytest.raises(ClientDisconnect):
            await client.app(scope, receive, send)
        while service.queue.is_running:
            await asyncio.sleep(0.01)

    before = set(service.queue._jobs)
    client.portal.call(streamed)
    assert set(service.queue._jobs) == before and service.queue.ended[("live", "canceled")] >= 1
