"""A server under load: `benchmarks/serving.py` on the model in miniature."""

import json

import pytest

from benchmarks import serving


@pytest.mark.slow
def test_it_runs_on_a_model_in_miniature(tmp_path, monkeypatch, saved_model):
    out = tmp_path / "serving.json"
    words = ["serving", "--model", str(saved_model), "--clients", "2", "--seconds", "2", "--duration", "0.2"]
    monkeypatch.setattr("sys.argv", [*words, "--alone", "4", "--out", str(out)])
    serving.main()
    (row,) = json.loads(out.read_text())["rows"]
    assert 0 < row["cpu_per_piece"] * row["pieces"] < 60 * row["seconds"]
    assert row["pieces"] > 2 and row["wrong"] == 0 and row["failures"] == 0
