"""What a receiver is told, when, and what becomes of the job where it does not listen."""

import asyncio
import socket
import threading
import time

import pytest

from mousai.server.webhooks import delivery, following
from mousai.server.webhooks.names import Names

from ..conftest import ASYNC, BASE, ENDLESS, QUICK, message_of, service_of


@pytest.fixture
def told(serve, receiver):
    """A server that may tell the receiver."""
    return serve(webhook_hosts=(receiver.place,), api_key="a-key")


KEY = {"Authorization": "Bearer a-key"}


def over(client, name: str) -> dict:
    end = time.monotonic() + 30
    while (found := client.get(f"/predictions/{name}", headers=KEY).json())["completed_at"] is None:
        assert time.monotonic() < end
        time.sleep(0.01)
    return found


def test_all_events_come_in_their_order_with_the_whole_prediction(told, receiver):
    body = {"input": {**QUICK, "prompt": "calm piano pop " * 60}, "webhook": receiver.url}  # a remark is logged of it
    made = told.post("/predictions", json=body, headers=KEY).json()
    receiver.until(4)
    assert receiver.said[2:] == ["succeeded"] * 2
    paths, heads, bodies = zip(*receiver.got, strict=True)
    assert set(paths) == {"/made?token=secret"}
    assert bodies[-1] == bodies[-2] == made == told.get(f"/predictions/{made['id']}", headers=KEY).json()
    assert bodies[0]["started_at"] == made["started_at"]
    assert bodies[-1]["output"].startswith(f"{BASE}/v1/files/") and "not seen of it" in bodies[1]["logs"]
    for head in heads:
        assert head["content-type"] == "application/json" and head["host"] == receiver.place
        assert not {"authorization", "x-api-key", "cookie"} & head.keys() and "a-key" not in str(head)
    assert "secret" not in str(bodies) and "a-key" not in str(bodies)


def test_the_filter_chooses(told, receiver):
    body = {"input": QUICK, "webhook": receiver.url, "webhook_events_filter": ["completed"]}
    assert told.put("/predictions/chosen", json=body, headers=KEY).json()["status"] == "succeeded"
    receiver.until(1)
    body["webhook_events_filter"] = ["start", "start"]
    told.put("/predictions/chosen-2", json=body, headers=KEY)
    receiver.until(2)
    time.sleep(0.2)
    assert [one["id"] for _, _, one in receiver.got] == ["chosen", "chosen-2"]


def test_put_twice_tells_once_and_another_webhook_is_another_request(told, receiver):
    body = {"input": QUICK, "webhook": receiver.url, "webhook_events_filter": ["completed"]}
    threads = [threading.Thread(target=lambda: told.put("/predictions/once", json=body, headers=KEY)) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert told.put("/predictions/once", json=body, headers=KEY).status_code == 200
    other = told.put("/predictions/once", json={**body, "webhook": f"{receiver.url}&more"}, headers=KEY)
    assert "another webhook" in message_of(other, 409) and other.json()["error"]["param"] == "webhook"
    receiver.until(1)
    time.sleep(0.2)
    assert len(receiver.got) == 1


def test_a_canceled_job_is_completed_too_and_one_that_never_ran_has_no_start(told, receiver):
    running = told.post("/predictions", json={"input": ENDLESS}, headers={**KEY, **ASYNC}).json()["id"]
    body = {"input": QUICK, "webhook": receiver.url}
    waiting = told.post("/predictions", json=body, headers={**KEY, **ASYNC}).json()["id"]
    told.post(f"/predictions/{waiting}/cancel", headers=KEY)
    receiver.until(1)
    assert receiver.said == ["canceled"]
    told.post(f"/predictions/{running}/cancel", headers=KEY)
    over(told, running)


def test_completed_is_tried_again_with_pauses_and_the_others_are_not(told, receiver, monkeypatch, capsys):
    monkeypatch.setattr(following, "PAUSES", (0.1, 0.2, 0.4))
    receiver.statuses = [500, 500, 503, 429, 302, 200]  # start, output, then completed
    body = {"input": QUICK, "webhook": receiver.url, "webhook_events_filter": ["start", "output", "completed"]}
    made = told.post("/predictions", json=body, headers=KEY).json()
    assert made["status"] == "succeeded"
    receiver.until(5)
    time.sleep(0.6)
    assert len(receiver.got) == 5  # 302 is neither followed nor asked again
    assert {path for path, _, _ in receiver.got} == {"/made?token=secret"}
    pauses = [after - before for before, after in zip(receiver.times[2:], receiver.times[3:], strict=False)]
    assert pauses[0] >= 0.1 and pauses[1] >= 0.2
    said = capsys.readouterr().err.splitlines()
    about = f"of prediction {made['id']} to {receiver.place} was not taken"
    assert said == [
        f"mousai: webhook 'start' {about}: answered 500",
        f"mousai: webhook 'output' {about}: answered 500",
        f"mousai: webhook 'completed' {about}: answered 302, 3 times",
    ]


def test_a_receiver_that_is_not_there_fails_no_job_and_is_given_up(serve, monkeypatch, capsys):
    monkeypatch.setattr(following, "PAUSES", (0.01, 0.01))
    with socket.create_server(("127.0.0.1", 0)) as gone:
        place = f"127.0.0.1:{gone.getsockname()[1]}"
    client = serve(webhook_hosts=(place, "no.such.host.invalid"))
    for receiver, reason in ((place, "Connect call failed"), ("no.such.host.invalid", "")):
        body = {"input": QUICK, "webhook": f"http://{receiver}/", "webhook_events_filter": ["completed"]}
        assert client.post("/predictions", json=body).json()["status"] == "succeeded"
        said = ""
        for _ in range(3000):
            if said := said + capsys.readouterr().err:
                break
            time.sleep(0.01)
        assert reason in said and said.endswith(", 3 times\n") and said.count("\n") == 1
    while service_of(client).webhooks._tasks:  # it ends when the line is said, not before
        time.sleep(0.01)


def test_a_receiver_that_does_not_answer_holds_up_nobody(told, receiver, monkeypatch, capsys):
    monkeypatch.setattr(delivery, "PATIENCE", 0.4)
    monkeypatch.setattr(following, "PAUSES", ())
    receiver.released.clear()
    body = {"input": QUICK, "webhook": receiver.url}
    made = told.post("/predictions", json=body, headers=KEY).json()
    again = told.post("/predictions", json={"input": QUICK}, headers=KEY).json()
    assert made["status"] == again["status"] == "succeeded" and receiver.got == []
    service = service_of(told)
    while service.webhooks._tasks:
        time.sleep(0.01)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 3 and all("no answer within 0.4 s" in line for line in said)
    receiver.released.set()
    receiver.until(3)  # they reached it all the same


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        *((b"SSH-2.0\r\n\r\n", "no answer of HTTP"), (b"HTTP/1.1 200", "no answer of HTTP")),
        *(
            (b"a" * 70_000, "no answer of HTTP"),
            (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 \r\n\r\n", "answered 500"),
        ),
    ],
)
def test_what_is_no_server_of_http_is_told_apart(answer, reason):
    async def ask() -> None:
        async def other(reader, writer):
            await reader.readuntil(b"{}")
            writer.write(answer)
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(other, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            where = following.delivery.Receiver(secure=False, host="127.0.0.1", port=port, target="/")
            with pytest.raises(delivery.Undelivered, match=reason) as error:
                await delivery.post(where, b"{}", Names())
            assert error.value.again

    asyncio.run(ask())


def test_https_wants_a_certificate_of_the_host(receiver):
    where = delivery.Receiver(secure=True, host="127.0.0.1", port=receiver.server_port, target="/")
    with pytest.raises(delivery.Undelivered):  # it speaks HTTP
        asyncio.run(delivery.post(where, b"{}", Names()))
    assert receiver.got == []


def test_the_proxies_of_the_environment_are_not_asked(told, receiver, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    body = {"input": QUICK, "webhook": receiver.url, "webhook_events_filter": ["completed"]}
    told.post("/predictions", json=body, headers=KEY)
    receiver.until(1)


@pytest.mark.parametrize(
    ("given", "param", "hint"),
    [
        ({"webhook": "http://127.0.0.1:1/"}, "webhook", "--webhook-host 127.0.0.1:1 if it may"),
        ({"webhook": "https://music.example.org/"}, "webhook", "--webhook-host music.example.org if it may"),
        ({"webhook": "song"}, "webhook", "must be the URL"),
        ({"webhook": 3}, "webhook", "valid string"),
        ({"webhook": "http://a/", "webhook_events_filter": []}, "webhook_events_filter", "at least 1"),
        ({"webhook": "http://a/", "webhook_events_filter": ["end"]}, "webhook_events_filter.0", "'start', 'output'"),
        ({"webhook_events_filter": ["start"]}, "webhook_events_filter", "give webhook too"),
    ],
)
def test_nobody_is_told_unless_the_server_was_started_so(client, given, param, hint):
    for response in (
        client.post("/predictions", json={"input": QUICK, **given}),
        client.put("/predictions/never", json={"input": QUICK, **given}),
    ):
        assert hint in message_of(response, 422) and response.json()["error"]["param"] == param
    assert client.get("/predictions/never").status_code == 404


def test_too_many_receivers_that_do_not_listen_are_refused(told, receiver, monkeypatch):
    monkeypatch.setattr(following, "MOST", 1)
    receiver.released.clear()
    body = {"input": QUICK, "webhook": receiver.url, "webhook_events_filter": ["completed"]}
    told.post("/predictions", json=body, headers=KEY)
    refused = told.post("/predictions", json=body, headers=KEY)
    assert "wait for their receivers" in message_of(refused, 429) and refused.headers["Retry-After"]
    receiver.released.set()
    receiver.until(1)


def test_jobs_that_wait_for_the_model_keep_no_webhook_from_being_taken(told, receiver, monkeypatch):
    monkeypatch.setattr(following, "MOST", 1)
    body = {"webhook": receiver.url, "webhook_events_filter": ["completed"]}
    inputs = [ENDLESS, QUICK, QUICK]
    answers = [told.post("/predictions", json={**body, "input": one}, headers={**KEY, **ASYNC}) for one in inputs]
    assert [one.status_code for one in answers] == [202] * 3
    for one in answers:
        told.post(f"/predictions/{one.json()['id']}/cancel", headers=KEY)
    receiver.until(3)


def test_the_end_of_the_server_waits_a_little_and_says_who_was_not_told(monkeypatch, capsys):
    monkeypatch.setattr(following, "LAST", 0.2)

    async def never(*_) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(delivery, "post", never)

    async def end() -> None:
        from mousai.server.job import Job, Status
        from mousai.server.verbs.generate import GenerateInput
        from mousai.server.webhooks.receiver import Receiver, Webhook

        wanted = GenerateInput(prompt="calm piano", seed=7)
        job = Job(input=wanted, asked=wanted, id="late")
        job.end(Status.SUCCEEDED)
        where = Receiver(secure=False, host="a", port=80, target="/")
        webhooks = following.Webhooks()
        webhooks.follow(job, Webhook(receiver=where, events=frozenset({"completed"}), base=BASE))
        await webhooks.close()
        assert not webhooks._tasks

    begun = time.monotonic()
    asyncio.run(end())
    assert time.monotonic() - begun < 30
    said = capsys.readouterr().err
    assert said == "mousai: webhook 'completed' of prediction late to a:80 was not taken before the server ended\n"
