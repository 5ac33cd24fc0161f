"""Music that is sent while it is made: over HTTP, and over a WebSocket with changes."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import soundfile
from starlette.websockets import WebSocketDisconnect

from ..conftest import ASYNC, ENDLESS, QUICK, message_of, service_of

FEW = {"prompt": "calm piano pop, 120 bpm", "steps": 2, "inpaint_resamples": 1}


@contextmanager
def session(client) -> Iterator[Any]:
    """A live session that the client leaves at the end, without a word.

    Starlette's client then cancels the server's task too. Where that comes while the session is being closed, it is
    told of the cancellation, which no real client would see.
    """
    connected = client.websocket_connect("/v1/live", headers={"Host": "127.0.0.1"})
    socket = connected.__enter__()
    try:
        yield socket
    finally:
        with suppress(CancelledError):
            connected.__exit__(None, None, None)


def until_idle(client) -> None:
    while service_of(client).queue.is_running:
        time.sleep(0.01)


def listen(socket, *, seconds: float) -> tuple[list[dict], np.ndarray]:
    """Messages, and so many seconds of sound."""
    told, sound = [], b""
    while len(sound) < seconds * 48000 * 4:
        message = socket.receive()
        if message.get("bytes") is not None:
            sound += message["bytes"]
        else:
            told.append(json.loads(message["text"]))
            assert told[-1]["type"] != "end", told[-1]
    return told, np.frombuffer(sound, "<i2").reshape(-1, 2)


def test_a_stream_over_http_is_a_wav_of_the_length_that_was_asked_for(client):
    body = {"prompt": "calm piano pop, 120 bpm", "duration": 3.0, "steps": 2, "seed": 4, "stream": True}
    with client.stream("POST", "/v1/audio/generations", json=body) as response:
        assert response.status_code == 200 and response.headers["X-Mousai-Seed"] == "4"
        assert response.headers["content-type"] == "audio/wav"
        content = response.read()
    sound, rate = soundfile.read(BytesIO(content), dtype="int16")
    assert sound.shape == (144000, 2) and rate == 48000 and len(content) == 44 + 144000 * 4
    assert client.post("/v1/audio/generations", json=body).content == content
    until_idle(client)


def test_a_stream_over_http_refuses_what_it_cannot_send(client):
    body = {**QUICK, "stream": True}
    for given, hint in (
        ({"response_format": "mp3"}, "sent as wav"),
        ({"duration": 31}, "at most 30"),
        ({"init_audio": "0" * 32}, "no part of a stream"),
        ({"first_downbeat": 1.0}, "no part of a stream"),
        ({"strength": 0.5}, "no part of a stream"),
    ):
        assert hint in message_of(client.post("/v1/audio/generations", json={**body, **given}), 422)


def test_a_live_session_plays_tells_bars_and_takes_changes(client):
    with session(client) as socket:
        socket.send_json({**FEW, "seed": 7})
        told, sound = listen(socket, seconds=2)
        start = next(one for one in told if one["type"] == "start")
        assert start == {"type": "start", "sample_rate": 48000, "channels": 2, "format": "s16le", "seed": 7}
        first = next(one for one in told if one["type"] == "chunk")
        assert (first["bar"], first["beat"], first["tempo"], first["seconds"]) == (1, 1.0, 120.0, 0.0)
        assert first["samples"] == len(sound) == 96000 and sound.any()
        socket.send_json({"type": "update", "id": "faster", "prompt": "fast metal", "tempo": 240})
        told, _ = listen(socket, seconds=6)
        changed = next(one for one in told if one["type"] == "changed")
        assert changed["id"] == "faster"
        after = [one for one in told if one["type"] == "chunk" and one["seconds"] >= changed["seconds"]]
        assert changed["bar"] > 1 and after and after[0]["bar"] == changed["bar"]
        assert {one["prompt"] for one in after} == {"fast metal"} and {one["tempo"] for one in after} == {240.0}
        socket.send_json({"type": "stop"})
        while (message := socket.receive()).get("text") is None or json.loads(message["text"])["type"] != "end":
            pass
        with pytest.raises(WebSocketDisconnect):
            socket.receive_json()
    until_idle(client)


def test_a_live_session_is_paced_as_it_is_heard_and_ends_when_it_was_told_to(client):
    begun = time.monotonic()
    with session(client) as socket:
        socket.send_json({**FEW, "seconds": 7.5, "format": "f32le"})
        samples, message = 0, {}
        while message.get("type") != "end":
            message = socket.receive()
            if message.get("bytes") is not None:
                samples += len(message["bytes"]) // 8
            else:
                message = json.loads(message["text"])
    assert samples == 7.5 * 48000 and message["status"] == "succeeded"
    assert time.monotonic() - begun > 0.5  # 4 s are made ahead, the rest as it is heard


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ({}, "prompt: field required"),
        ({"prompt": "a", "tempo": 10}, "tempo: "),
        ({"prompt": "a", "path": "/etc/passwd"}, "path: extra inputs"),
        ({"prompt": "a", "strength": 0.5}, "strength: extra inputs"),
        ([], "message: "),
        ("x" * 30_000, "no longer than"),
    ],
)
def test_a_first_message_that_makes_no_sense_ends_the_session_in_a_sentence(client, message, hint):
    with session(client) as socket:
        socket.send_json(message)
        told = socket.receive_json()
        assert told["type"] == "error" and hint in told["message"]
        with pytest.raises(WebSocketDisconnect):
            socket.receive_json()


def test_a_change_that_makes_no_sense_is_told_and_the_music_goes_on(client):
    with session(client) as socket:
        socket.send_json(FEW)
        for text, hint, name in (
            ("{", "must be JSON", None),
            ('{"type": "update"}', "nothing to change", None),
            ('{"type": "update", "id": "a"}', "nothing to change", "a"),
            ('{"key": "H", "id": "b"}', "key: ", "b"),
            ('{"id": 3}', "id: ", None),
            ('{"id": ""}', "id: ", None),
            ('[{"id": "c"}]', "message: ", None),
        ):
            socket.send_text(text)
            while True:
                message = socket.receive()
                if message.get("text") and json.loads(message["text"])["type"] == "error":
                    told = json.loads(message["text"])
                    assert hint in told["message"] and told["id"] == name
                    break
        listen(socket, seconds=1)
    until_idle(client)  # going away ends it


def test_pages_of_other_sites_and_those_without_the_key_cannot_listen(client, serve):
    locked = serve(api_key="s3cret")
    for server, headers in (
        (client, {"Host": "127.0.0.1:7860", "Origin": "http://evil.example.org"}),
        (client, {"Host": "evil.example.org"}),
        (locked, {"Host": "127.0.0.1:7860"}),
    ):
        with pytest.raises(WebSocketDisconnect), server.websocket_connect("/v1/live", headers=headers):
            pass


def test_a_session_ends_when_the_server_does(serve):
    client = serve()
    with session(client) as socket:
        socket.send_json(FEW)
        listen(socket, seconds=1)
        service_of(client).queue.begin_closing()
        message = {}
        while message.get("type") != "end":
            found = socket.receive()
            message = json.loads(found["text"]) if found.get("text") else {}
        assert message["status"] == "canceled" and "shutting down" in message["message"]
    assert "shutting down" in message_of(client.post("/predictions", json={"input": QUICK}), 503)


def test_a_session_waits_in_the_queue_and_is_told_its_place(client):
    running = client.post("/predictions", json={"input": ENDLESS}, headers=ASYNC).json()
    while client.get(f"/predictions/{running['id']}").json()["status"] == "starting":
        time.sleep(0.01)
    with session(client) as socket:
        socket.send_json(FEW)
        assert socket.receive_json() == {"type": "queue", "place": 1}
        threading.Timer(0.1, lambda: client.post(f"/predictions/{running['id']}/cancel")).start()
        listen(socket, seconds=1)
    until_idle(client)
