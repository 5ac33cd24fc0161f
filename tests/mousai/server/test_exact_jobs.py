"""Jobs that are to be exact: made so, or refused when they are sent."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from mousai import dtype
from mousai.server.app import create_app
from mousai.server.config import ServerConfig
from mousai.server.service import Service, served_model

from .conftest import BASE, QUICK, message_of, predict


def test_an_exact_job_says_so(client):
    told = client.get(f"/v1/files/{predict(client, seed=3, exact=True)['output_file']}/info").json()
    assert told["made"]["exact"] == "True" and "--exact" in shlex.split(told["command"])


@pytest.mark.parametrize(
    "changes, line",
    [
        ({"dtype": "bfloat16"}, "exact: is promised in float32 alone, not in bfloat16; "),
        ({"device": "cuda:0"}, "exact: is promised on the CPU alone, not on cuda; "),
        ({"compiled": True}, "exact: is not promised of compiled nets"),
    ],
)
def test_an_exact_job_is_refused_when_it_is_sent_where_the_model_cannot_be_exact(
    changes: dict[str, Any], line: str, saved_model: Path
):
    model = replace(served_model(saved_model, name="miniature", dtype="float32"), **changes)
    with TestClient(create_app(Service(ServerConfig(), model)), base_url=BASE) as other:
        for words in (QUICK, {"prompt": "house", "verb": "loop", "bars": 1, "tempo": 240}):
            answer = other.post("/predictions", json={"input": {**words, "exact": True}})
            assert message_of(answer, 422).startswith(line)
            assert answer.json()["error"]["param"] == "exact"
        with other.websocket_connect("/v1/live", headers={"Host": "127.0.0.1"}) as socket:
            socket.send_json({"prompt": QUICK["prompt"], "exact": True})
            assert line in str(socket.receive())
        assert predict(other)["status"] == "succeeded"


def test_what_auto_is_counts_for_exact_jobs_too(saved_model: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dtype, "bfloat16_gain", lambda device: 2.0)
    assert served_model(saved_model, name="miniature").dtype == "bfloat16"
    monkeypatch.setattr(dtype, "bfloat16_gain", lambda device: 1.0)
    assert served_model(saved_model, name="miniature").dtype == "float32"
