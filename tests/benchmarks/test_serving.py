"""What `benchmarks/serving.py` counts; that it runs is tested where a model in miniature is."""

import io
import urllib.error
from email.message import Message
from typing import Any

import pytest

from benchmarks import serving_load


def test_a_wrong_byte_a_failure_and_a_refusal_are_counted(monkeypatch):
    later = Message()
    later["Retry-After"] = "7"
    full = urllib.error.HTTPError("", 429, "busy", later, io.BytesIO())
    broken = urllib.error.HTTPError("", 500, "broken", Message(), io.BytesIO(b"why"))
    answers = iter([b"right", b"wrong", OSError("gone"), full, broken, b"right"])
    clock = iter(range(100))
    slept: list[float] = []

    def answer(address: str, path: str, given: dict[str, Any]) -> bytes:
        found = next(answers)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(serving_load, "answer", answer)
    monkeypatch.setattr(serving_load.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(serving_load.time, "sleep", slept.append)
    tally, want = serving_load.Tally(), dict.fromkeys(range(serving_load.SEEDS), b"right")
    with pytest.raises(StopIteration):
        serving_load.client("", {}, 0, 99.0, want, tally)
    assert (tally.right, tally.wrong, tally.refused, slept) == (2, 1, 1, [7.0])
    assert tally.failures == ["OSError('gone')", "500 b'why'"] and len(tally.waits) == 3
