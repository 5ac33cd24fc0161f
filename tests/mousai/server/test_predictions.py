"""Jobs: made, waited for, followed, asked for twice, canceled, refused."""

import json
import threading
import time

import pytest

from .conftest import ASYNC, BASE, ENDLESS, QUICK, message_of, predict, service_of


def events_of(client, job_id: str) -> list[tuple[str, dict]]:
    with client.stream("GET", f"/predictions/{job_id}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        text = stream.read().decode()
    found = []
    for block in text.replace("\r\n", "\n").strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


def canceled(client, job_id: str) -> dict:
    client.post(f"/predictions/{job_id}/cancel")
    for _ in range(400):
        found = client.get(f"/predictions/{job_id}").json()
        if found["completed_at"] is not None:
            return found
        time.sleep(0.01)
    raise AssertionError("it runs on")


def test_a_prediction_is_made_and_has_the_fields_that_cog_gives(client):
    made = predict(client, seed=5)
    assert made["status"] == "succeeded" and made["error"] is None and made["logs"] == ""
    assert made["input"]["seed"] == 5 and made["input"]["verb"] == "generate" and made["input"]["steps"] == 2
    assert made["output"] == f"{BASE}/v1/files/{made['output_file']}"
    assert made["created_at"] <= made["started_at"] <= made["completed_at"]
    assert made["metrics"]["audio_seconds"] == 0.2 and made["metrics"]["predict_time"] > 0
    assert client.get(f"/predictions/{made['id']}").json() == made


def test_a_seed_is_fixed_when_it_is_accepted_and_makes_the_same_bytes_again(client):
    first = predict(client)
    again = predict(client, seed=first["input"]["seed"])
    other = predict(client)
    sounds = [client.get(one["output"]).content for one in (first, again, other)]
    assert sounds[0] == sounds[1] != sounds[2]


def test_a_prompt_that_is_too_long_for_the_model_is_remarked_on(client):
    assert "not seen of it" in predict(client, prompt="calm piano pop " * 60)["logs"]


def test_prefer_says_how_long_is_waited(client):
    body = {"input": ENDLESS}
    begun = time.monotonic()
    response = client.post("/predictions", json=body, headers={"Prefer": "wait=1"})
    assert response.status_code == 202 and response.headers["Preference-Applied"] == "wait=1"
    assert 0.9 < time.monotonic() - begun < 30
    assert response.headers["Location"] == f"/predictions/{response.json()['id']}"
    assert canceled(client, response.json()["id"])["status"] == "canceled"
    response = client.post("/predictions", json={"input": QUICK}, headers={"Prefer": "wait=20, something-else"})
    assert response.status_code == 200


def test_events_tell_place_stage_step_and_end(client):
    first = client.post("/predictions", json={"input": {**QUICK, "steps": 60, "duration": 0.5}}, headers=ASYNC).json()
    second = client.post("/predictions", json={"input": QUICK}, headers=ASYNC).json()
    found = events_of(client, second["id"])
    assert found[0][0] == "progress" and found[0][1]["queue_place"] == 1
    name, last = found[-1]
    assert name == "done" and last["status"] == "succeeded" and last["output"]
    steps = events_of(client, first["id"])
    assert steps[-1][0] == "done"


def test_events_of_a_running_job_count_up_and_estimate_the_time_left(client):
    job = client.post("/predictions", json={"input": {**QUICK, "steps": 60, "duration": 0.5}}, headers=ASYNC).json()
    shown = [one for name, one in events_of(client, job["id"]) if name == "progress" and one["stage"]]
    steps = [one["step"] for one in shown if one["stage"] == "latent_diffusion"]
    assert len(steps) > 5 and steps == sorted(set(steps)) and shown[0]["total"] == 60
    assert all(one["seconds_left"] >= 0 for one in shown)


def test_cancel_stops_a_running_job_at_its_next_step_without_decoding(client):
    job = client.post("/predictions", json={"input": ENDLESS}, headers=ASYNC).json()
    while client.get(f"/predictions/{job['id']}").json()["progress"]["step"] == 0:
        time.sleep(0.01)
    begun = time.monotonic()
    found = canceled(client, job["id"])
    assert time.monotonic() - begun < 30
    assert found["status"] == "canceled" and found["output"] is None
    assert found["progress"]["stage"] == "latent_diffusion"
    assert canceled(client, job["id"]) == found  # once more changes nothing
    assert predict(client)["status"] == "succeeded"


def test_cancel_stops_the_decoder_too(client):
    given = {**ENDLESS, "steps": 1}
    job = client.post("/predictions", json={"input": given}, headers=ASYNC).json()
    while client.get(f"/predictions/{job['id']}").json()["progress"]["stage"] != "decoder":
        time.sleep(0.01)
    assert canceled(client, job["id"])["status"] == "canceled"


def test_cancel_stops_between_two_iterations_of_griffin_lim(client):
    # A thousand of them on 20 s take far longer than `canceled` waits, and the decoder's first step comes after all.
    given = {**QUICK, "duration": 20.0, "steps": 1, "griffin_lim": 1000}
    job = client.post("/predictions", json={"input": given}, headers=ASYNC).json()
    while client.get(f"/predictions/{job['id']}").json()["progress"]["step"] == 0:
        time.sleep(0.01)
    found = canceled(client, job["id"])
    assert found["status"] == "canceled" and found["progress"]["stage"] == "latent_diffusion"
    assert predict(client)["status"] == "succeeded"


def test_a_waiting_job_is_canceled_at_once(client):
    running = client.post("/predictions", json={"input": ENDLESS}, headers=ASYNC).json()
    waiting = client.post("/predictions", json={"input": QUICK}, headers=ASYNC).json()
    found = client.post(f"/predictions/{waiting['id']}/cancel").json()
    assert found["status"] == "canceled" and found["started_at"] is None
    canceled(client, running["id"])


def test_put_makes_a_prediction_once(client):
    body = {"input": {**QUICK, "steps": 3}}
    first = client.put("/predictions/my-song_1", json=body)
    again = client.put("/predictions/my-song_1", json=body)
    assert first.status_code == again.status_code == 200 and first.json() == again.json()
    other = {"input": {**QUICK, "steps": 4}}
    assert "another input" in message_of(client.put("/predictions/my-song_1", json=other), 409)
    said = "there is a prediction my-song_1 already; PUT gives it once more"
    assert message_of(client.post("/predictions", json={**body, "id": "my-song_1"}), 409) == said
    assert "in the path" in message_of(client.put("/predictions/a", json={**body, "id": "b"}), 422)


def test_put_at_the_same_time_makes_it_once(client):
    body, found = {"input": {**QUICK, "steps": 5}}, []
    threads = [
        threading.Thread(target=lambda: found.append(client.put("/predictions/twice", json=body))) for _ in range(4)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert {one.status_code for one in found} == {200} and len({one.json()["output"] for one in found}) == 1


def test_a_full_queue_refuses_and_says_when_to_come_back(serve):
    client = serve(queue=1)
    running = client.post("/predictions", json={"input": ENDLESS}, headers=ASYNC).json()
    while client.get(f"/predictions/{running['id']}").json()["status"] == "starting":
        time.sleep(0.01)
    waiting = client.post("/predictions", json={"input": QUICK}, headers=ASYNC).json()
    refused = client.post("/predictions", json={"input": QUICK}, headers=ASYNC)
    assert "queue is full" in message_of(refused, 429) and int(refused.headers["Retry-After"]) >= 1
    canceled(client, running["id"])
    events_of(client, waiting["id"])
    assert predict(client)["status"] == "succeeded"


def test_a_fault_of_the_program_fails_one_job_and_not_the_server(client, monkeypatch, capsys):
    from mousai.pipeline import Mousai

    def broken(*args, **settings):
        raise RuntimeError("out of order")

    with monkeypatch.context() as patched:
        patched.setattr(Mousai, "__call__", broken)
        made = predict(client)
        assert message_of(client.post("/v1/audio/generations", json=QUICK), 500).startswith("the server failed")
    assert made["status"] == "failed" and made["error"] == "the server failed (RuntimeError); its log says more"
    assert "out of order" in capsys.readouterr().err
    assert predict(client)["status"] == "succeeded"


@pytest.mark.parametrize(
    ("given", "field", "hint"),
    [
        ({"prompt": None}, "prompt", "valid string"),
        ({"prompt": "a" * 3000}, "prompt", "give a sentence"),
        ({"duration": 0}, "duration", "greater than 0"),
        ({"duration": 31}, "duration", "at most 30 on this server"),
        ({"duration": "20"}, "duration", "valid number"),
        ({"steps": 0}, "steps", "greater than or equal to 1"),
        ({"steps": True}, "steps", "valid integer"),
        ({"num_inference_steps": 3}, "num_inference_steps", "not permitted"),  # beside steps, which is the same
        ({"sampler": "euler"}, "sampler", "ddim"),
        ({"seed": -1}, "seed", "greater than or equal to 0"),
        ({"seed": 2**63}, "seed", "less than"),
        ({"key": "H major"}, "key", "A minor"),
        ({"lead": "kazoo"}, "lead", "must be one of"),
        ({"strength": 0.5}, "strength", "give init_audio too"),
        ({"guidance_scale": 1, "negative_prompt": "drums"}, "guidance_scale", "uses no negative_prompt"),
        ({"inpaint_resamples": 2}, "inpaint_resamples", "not permitted"),
        ({"init_audio": "/etc/passwd"}, "init_audio", "match"),
        ({"init_audio": "http://127.0.0.1/a.wav"}, "init_audio", "match"),
        ({"webhook": "http://example.org"}, "webhook", "not permitted"),
        ({"verb": "sing"}, "verb", "generate, edit, extend, vary, loop"),
        ({"verb": ["generate"]}, "verb", "generate, edit, extend, vary, loop"),
        ({"response_format": "aac"}, "response_format", "wav"),
    ],
)
def test_an_impossible_input_is_refused_before_it_waits(client, given, field, hint):
    response = client.post("/predictions", json={"input": {**QUICK, **given}})
    assert hint in message_of(response, 422)
    assert response.json()["error"]["param"] == field
    assert service_of(client).queue.length == 0


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"null", b'{"input": 3}', b'{"input": null}', b"\xff\xfe", b"[" * 100_000),
        *(b'{"input": {"prompt": "\\ud800"}}', b'{"input": {"prompt": "a", "duration": NaN}}'),
        *(
            b'{"input": {"prompt": "a", "duration": 1e999}}',
            b'{"input": {"prompt": "a", "seed": ' + b"9" * 5000 + b"}}",
        ),
        b'{"input": {"prompt": "a", "\\ud800": 1}}',
    ],
)
def test_a_body_that_is_none_is_refused_in_a_sentence(client, body):
    response = client.post("/predictions", content=body, headers={"Content-Type": "application/json"})
    assert message_of(response, response.status_code)
    assert 400 <= response.status_code < 500


def test_a_file_that_is_not_there_is_refused(client):
    body = {"input": {"prompt": "jazz", "init_audio": "0" * 32}}
    assert "no file" in message_of(client.post("/predictions", json=body), 404)


def test_nothing_is_found_under_an_id_that_is_none(client):
    for path in ("/predictions/none", "/predictions/none/events"):
        assert "no prediction none" in message_of(client.get(path), 404)
    assert "no prediction none" in message_of(client.post("/predictions/none/cancel"), 404)
    assert message_of(client.put("/predictions/..%5c", json={"input": QUICK}), 422)


def test_a_prediction_is_forgotten_after_its_time(client):
    made = predict(client)
    service = service_of(client)
    service.queue.sweep(time.monotonic() + 3601)
    assert "removed after its time" in message_of(client.get(f"/predictions/{made['id']}"), 404)
    service.files.sweep(time.monotonic() + 3601)
    assert "removed after its time" in message_of(client.get(made["output"]), 404)
    assert list(service.files.folder.iterdir()) == []
