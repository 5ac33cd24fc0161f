"""The HTTP API against its own OpenAPI document: what `benchmarks/openapi.py` counts, and a short run of it."""

from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from benchmarks import openapi


def test_ids_are_replaced_by_ones_that_are_there_and_long_jobs_are_shortened():
    server = SimpleNamespace(job=lambda: "job", file=lambda: "file")
    given = {"recording": "x", "melody": None, "prompt": "jazz", "steps": 900, "decoder_steps": "many"}
    case = SimpleNamespace(path_parameters={"prediction_id": "x", "file_id": "y"}, body={"input": given, "steps": 2})
    openapi.name_what_is_there(case, server)  # type: ignore[arg-type]
    openapi.shorten(case.body)
    assert case.path_parameters == {"prediction_id": "job", "file_id": "file"}
    shortened = {"recording": "file", "melody": "file", "prompt": "jazz", "steps": 3, "decoder_steps": "many"}
    assert case.body == {"input": shortened, "steps": 2}
    for body in (None, [], "text", {"input": None}, {"input": [1]}):
        odd = SimpleNamespace(path_parameters=None, body=body)
        openapi.name_what_is_there(odd, server)  # type: ignore[arg-type]
        openapi.shorten(body)
        assert odd.body == body


def test_what_is_wrong_with_an_answer_is_a_fault_and_so_is_no_answer(capsys):
    pytest.importorskip("schemathesis")

    class Case:
        method, path = "GET", "/health"
        answers: ClassVar[list[Any]] = [
            SimpleNamespace(status_code=500),
            SimpleNamespace(status_code=200),
            ConnectionError("gone"),
        ]

        def call(self, **_):
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        def validate_response(self, answer, checks):
            if answer.status_code == 500:
                raise ExceptionGroup("faults", [AssertionError("a server error")])

        def as_curl_command(self):
            return "curl http://127.0.0.1/health"

    tally = openapi.Tally()
    for _ in range(3):
        openapi._check(Case(), SimpleNamespace(address=""), tally, False)  # type: ignore[arg-type]
    assert tally.statuses == {500: 1, 200: 1}
    assert [one.partition("\n")[0] for one in tally.faults] == [
        "AssertionError: a server error",
        "GET /health: ConnectionError: gone",
    ]
    assert capsys.readouterr().out.count("fault: ") == 2


@pytest.mark.slow
def test_150_requests_from_the_document_have_answers_that_it_names(capsys, monkeypatch):
    pytest.importorskip("schemathesis")
    monkeypatch.setattr("sys.argv", ["openapi", "--cases", "150"])
    code = openapi.main()
    said = capsys.readouterr().out
    assert code == 0, said
    assert "150 cases, 0 faults" in said
