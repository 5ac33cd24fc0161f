"""The arithmetic of `benchmarks/samplers.py`, and that it runs on a model in miniature."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from vdiffusion import Heun, get_sampler

FILE = Path(__file__).resolve().parents[2] / "benchmarks" / "samplers.py"


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmarks_samplers", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


samplers = _load()


def row(sampler: str, grid: str, budget: int, distance: float) -> dict:
    return {"sampler": sampler, "grid": grid, "budget": budget, "evaluations": budget, "distance": distance}


def test_distance_is_relative_and_the_mean_over_items():
    solution = torch.stack([torch.full((2, 3), 1.0), torch.full((2, 3), 10.0)])
    assert samplers.distance(solution, solution) == 0
    assert samplers.distance(solution * 1.1, solution) == pytest.approx(0.1)
    assert samplers.distance(solution + 1, solution) == pytest.approx((1 + 0.1) / 2)


@pytest.mark.parametrize("sampler", ["ddim", "dpmpp_2m", "heun"])
@pytest.mark.parametrize("budget", [1, 2, 5, 10])
def test_no_sampler_has_more_evaluations_than_allowed(sampler: str, budget: int):
    calls = []

    def net(x_t: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        calls.append(float(t[0]))
        return x_t

    get_sampler(sampler).sample(net, torch.zeros(1, 1, 4), num_steps=samplers.steps_within(sampler, budget))
    assert budget - 1 <= len(calls) <= budget
    assert samplers.evaluations(sampler, samplers.steps_within(sampler, budget)) == len(calls)
    calls.clear()
    Heun().sample(net, torch.zeros(1, 1, 4), num_steps=samplers.steps_within("heun", budget) + 1)
    assert len(calls) > budget


def test_the_tables():
    rows = [row("ddim", "uniform", n, 1 / n) for n in (10, 20)] + [row("heun", "cosine", n, 0.4 / n) for n in (10, 20)]
    assert samplers.table(rows, [10, 20]).splitlines() == [
        "| sampler | grid | 10 | 20 |",
        "|---|---|---|---|",
        "| ddim | uniform | 0.1000 | 0.0500 |",
        "| heun | cosine | 0.0400 | 0.0200 |",
    ]
    rows += [row("ddim", "karras", n, 1.1 / n) for n in (10, 20)]
    assert samplers.as_close(rows, [10, 20]).splitlines() == [
        "| sampler | grid | as ddim uniform in 10 (0.1000) | as ddim uniform in 20 (0.0500) |",
        "|---|---|---|---|",
        "| ddim | uniform | 10 | 20 |",
        "| heun | cosine | 10 | 10 |",
        "| ddim | karras | 20 | over 20 |",
    ]


@pytest.mark.slow
def test_on_the_bundled_model(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(samplers, "SOLUTION", ("heun", "cosine", 4))
    monkeypatch.setattr(samplers, "OTHER_SOLUTION", ("dpmpp_2m", "cosine", 4))
    words = "--duration 0.5 --seeds 0 --prompts 1 --evaluations 2 3 --out"
    assert samplers.main([*words.split(), str(tmp_path)]) == 0
    assert "| dpmpp_2m | log_snr |" in capsys.readouterr().out
    found = json.loads((tmp_path / "samplers.json").read_text(encoding="utf-8"))
    assert {row["evaluations"] for row in found["rows"] if row["sampler"] != "heun"} == {2, 3}
    assert (tmp_path / "samplers.png").stat().st_size > 10000
