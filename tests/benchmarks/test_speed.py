"""`benchmarks/speed`: its arithmetic, that both sides are one model, and that it runs in miniature."""

import json
import types
from pathlib import Path

import pytest
import torch

from benchmarks.speed import report
from benchmarks.speed.__main__ import SECTIONS, main
from benchmarks.speed.machine import KINDS
from benchmarks.speed.measure import Figure, Settings, gigaflop, interleaved
from benchmarks.speed.models import (
    Autoencoders,
    LatentDiffusions,
    autoencoder_config,
    latent_diffusion_config,
    relative_error,
)
from benchmarks.speed.steps import DecoderStep, GuidedStep
from dmae import DMAEConfig


def test_runs_take_turns_and_the_median_counts(monkeypatch: pytest.MonkeyPatch):
    order: list[str] = []
    clock = iter([0.0, *(t for k in range(3) for t in (10 * k, 10 * k + [1, 5, 2][k], 10 * k, 10 * k + 3))])
    monkeypatch.setattr("benchmarks.speed.measure.time.perf_counter", lambda: next(clock))
    times = interleaved({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, Settings(repeats=3))
    assert order == ["a", "b"] * 4  # once unmeasured
    assert times == {"a": 2.0, "b": 3.0}


def test_figures_know_their_targets():
    fast = Figure(section="s", name="fast", ours=1.0, theirs=6.0, ratio=6.0, least=5.0)
    assert fast.holds and report.target(fast) == "≥ 5.00x: holds"
    assert report.target(Figure(section="s", name="n", ratio=0.4, shown_ratio="%", least=0.5)) == "≥ 50 %: MISSED"
    assert report.target(Figure(section="s", name="n", ratio=12.5, shown_ratio="", unit="GiB", most=12.0)) == (
        "≤ 12 GiB: MISSED"
    )
    assert Figure(section="s", name="n", ratio=2.0).holds is None
    assert report.table([fast]).splitlines()[-1] == "| fast | 1 s | 6 s | 6.00x | ≥ 5.00x: holds |  |"


def test_flops_are_those_of_a_matrix_product():
    a, b = torch.ones(10, 20), torch.ones(20, 30)
    assert gigaflop(lambda: a @ b) == pytest.approx(2 * 10 * 20 * 30 / 1e9)
    q, k = torch.ones(2, 3, 50, 16), torch.ones(2, 3, 40, 16)
    attention = torch.nn.functional.scaled_dot_product_attention
    assert gigaflop(lambda: attention(q, k, k)) == pytest.approx(2 * 2 * 2 * 3 * 50 * 40 * 16 / 1e9)


def test_the_paper_sized_models_are_the_papers():
    assert autoencoder_config() == DMAEConfig.paper()
    assert latent_diffusion_config().net.feed_forward_factor == 0
    assert [level.channels for level in latent_diffusion_config(4).net.levels] == [32, 64, 128, 128, 256, 256]


def test_both_sides_are_one_model(authors: types.SimpleNamespace):
    del authors  # installed by it
    decoder = DecoderStep(Autoencoders.make(autoencoder_config(8)), samples=2**13)
    assert relative_error(decoder.ours()(), decoder.theirs()()) < 1e-5
    guided = GuidedStep(LatentDiffusions.make(latent_diffusion_config(8)), frames=64)
    assert relative_error(guided.ours()(), guided.theirs()()) < 1e-5


def test_every_operator_is_of_one_kind():
    names = [part for parts in KINDS.values() for part in parts]
    assert len(names) == len(set(names))


@pytest.mark.slow
def test_in_miniature(authors: types.SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    del authors
    sections = ["stage1", "stage2", "training", "cascade", "peak", "profile", "long"]
    assert main(["--quick", "--bfloat16", "--only", *sections, "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "| stage 1 step, 32768 samples: fastest, theirs as it comes |" in out
    assert "| stage 1 step, 32768 samples: share of the bfloat16 matrix-product rate |" in out
    assert main(["--quick", "--only", "startup", "--out", str(tmp_path)]) == 0
    found = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert {row["section"] for row in found["figures"]} == {*sections, "startup"} <= set(SECTIONS)
    assert (tmp_path / "speed.png").stat().st_size > 10000


@pytest.mark.slow
def test_beside_others_in_miniature(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["--quick", "--only", "busy", "training-memory", "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    for threads in (1, 2):
        assert f"| decode 1 s beside 2 spinning processes, threads {threads}: by the clock |" in out
    assert "| mousai train latent-diffusion --config tiny, batch 2, 1 steps: peak memory |" in out
    rows = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["figures"]
    assert len(rows) == 5 and 0.2 < rows[-1]["ours"] < 4  # GiB, of a process that has imported PyTorch


@pytest.mark.slow
def test_without_bfloat16(authors: types.SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    del authors
    assert main(["--quick", "--no-bfloat16", "--only", "stage1", "training", "peak", "--out", str(tmp_path)]) == 0
    told = capsys.readouterr()
    assert "float32 alone: bfloat16 multiplies" in told.err
    assert "| stage 1 step, 32768 samples: share of the float32 matrix-product rate |" in told.out
    assert "both float32" in told.out and "bfloat16 eager" not in told.out
