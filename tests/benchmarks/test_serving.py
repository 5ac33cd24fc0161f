"""What `benchmarks/serving.py` counts; that it runs is tested where a model in miniature is."""

import pytest

from benchmarks import serving


def test_a_wrong_byte_and_a_failure_are_counted(monkeypatch):
    answers = iter([b"right", b"wrong", OSError("gone"), b"right"])
    clock = iter(range(100))

    def ask(address: str, duration: float, seed: int) -> bytes:
        found = next(answers)
        if isinstance(found, OSError):
            raise found
        return found

    monkeypatch.setattr(serving, "ask", ask)
    monkeypatch.setattr(serving.time, "perf_counter", lambda: next(clock))
    tally = serving.Tally()
    with pytest.raises(StopIteration):
        serving.client("", 1.0, 0, 99.0, dict.fromkeys(range(serving.SEEDS), b"right"), tally)
    assert (tally.right, tally.wrong, tally.failures) == (2, 1, ["OSError('gone')"])
