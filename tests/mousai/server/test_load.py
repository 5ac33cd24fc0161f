"""The server's benchmark, `benchmarks/serving.py`, on the model in miniature."""

import json

import pytest

from benchmarks import serving


@pytest.mark.slow
def test_all_parts_run_on_a_model_in_miniature(tmp_path, monkeypatch, saved_model):
    out = tmp_path / "serving.json"
    words = ["serving", "--model", str(saved_model), "--clients", "2", "--seconds", "2", "--duration", "0.2"]
    more = ["--alone", "4", "--repeats", "2", "--moment", "2", "--requests", "20", "--out", str(out)]
    monkeypatch.setattr("sys.argv", [*words, *more])
    serving.main()
    found = json.loads(out.read_text())
    row, memory, moments = found["load"]["2 clients"], found["memory"], found["moments"]
    assert 0 < row["cpu_per_piece"] * row["pieces"] < 60 * row["seconds"] and row["alone_cpu_per_piece"] > 0
    assert row["pieces"] > 2 and row["wrong"] == 0 and row["failures"] == 0
    assert 0.5 < memory["share"] < 2 and memory["requests"] == 20
    end = moments["sigterm"]
    assert (end["refused_with"], end["sent"], end["exit_code"]) == (503, True, 0)
    assert all(0 < one < 60 for name in ("piece_to_sound", "live_to_sound") for one in moments[name])
