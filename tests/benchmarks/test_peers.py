"""`benchmarks/peers`: the published sizes of its models, the arithmetic of a piece, and that it runs in miniature."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from benchmarks.peers import musicgen, report, stable_audio, text_encoders
from benchmarks.peers.__main__ import main, measured
from benchmarks.peers.child import measure
from benchmarks.peers.models import MODELS
from benchmarks.peers.parts import Part, Timed, count, ready, timed
from benchmarks.peers.report import Result

# In millions, and where it is published.
PUBLISHED: list[tuple[Callable[[], nn.Module], float]] = [
    (stable_audio.small_3_net, 459),  # Stable Audio 3, arXiv 2605.17991
    (stable_audio.small_3_autoencoder, 108),  # SAME-S, the same
    (stable_audio.open_1_net, 1057),  # Stable Audio Open, arXiv 2407.14358
    (stable_audio.open_1_autoencoder, 156),  # the same
    (text_encoders.t5_base, 109),  # the same, which uses it
    (
        text_encoders.t5gemma_base,
        541 * 2**20 / 2e6,
    ),  # MiB in half precision: Stable Audio 3, optimized/mlx/README.md
    (musicgen.small_model, 591),  # the page of facebook/musicgen-small, all parts and its buffers (4 million) together
]


@pytest.mark.slow
@pytest.mark.parametrize(("build", "millions"), PUBLISHED)
def test_the_peers_have_their_published_sizes(build: Callable[[], nn.Module], millions: float):
    with torch.device("meta"):
        assert count(build()) / 1e6 == pytest.approx(millions, rel=0.01)


def result(name: str = "bundled", **changes: object) -> Result:
    parts = [
        Timed(name="net", unit="a step", units=20, wall=3.0, cpu=0.5),
        Timed(name="decoder", unit="all", units=1, wall=9, cpu=5),
    ]
    sizes = {"net": 3_000_000, "autoencoder": 4_000_000}
    one = Result(
        name=name, music=30, threads=1, parameters=sizes, parts=parts, peak=1536, sample_rate=48000, channels=2
    )
    return replace(one, **changes)


def test_a_piece_is_its_parts_as_often_as_it_takes_them():
    assert result().seconds == 20 * 0.5 + 5
    assert result().speed == 2.0
    assert result(threads=2).seconds == 20 * 3.0 + 9  # by the clock


def test_the_fastest_stands_first_in_the_table():
    slow = result("musicgen-small", parts=[Timed(name="all", unit="all", units=1, wall=1, cpu=120)], channels=1)
    lines = report.table([slow, result()]).splitlines()
    assert lines[2].startswith("| Moûsai, bundled |")
    assert lines[2].endswith("| 7 M | 15 s | net 10, decoder 5 | 2 | 1.5 GiB | 48 kHz stereo |")
    assert lines[3].endswith("| 7 M | 120 s |  | 0.25 | 1.5 GiB | 48 kHz mono |")
    assert "| Moûsai, bundled | net | a step | 0.5 s | 20 |" in report.units([slow, result()])


def test_results_are_read_again_but_for_another_length(tmp_path: Path):
    path = tmp_path / "peers.json"
    assert report.read(path, music=30, threads=1) == []
    report.write(path, [result()], {"processor": "any"})
    assert report.read(path, music=30, threads=1) == [result()]
    assert report.read(path, music=20, threads=1) == report.read(path, music=30, threads=2) == []


def test_what_takes_little_is_run_again_and_the_median_counts(monkeypatch: pytest.MonkeyPatch):
    def clock(times: list[float]) -> Callable[[], float]:
        moments: Iterator[float] = iter([moment for time in times for moment in (0.0, time)])
        return lambda: next(moments)

    ran: list[str] = []
    monkeypatch.setattr("benchmarks.peers.parts.time.perf_counter", clock([30, 2, 6, 4, 40]))
    monkeypatch.setattr("benchmarks.peers.parts.time.process_time", clock([1, 1, 3, 2, 8]))
    parts = [
        Part(name=name, unit="once", units=3, prepare=ready(lambda name=name: ran.append(name)))
        for name in ("fast", "slow")
    ]
    fast, slow = timed(parts, repeats=3)
    assert ran == ["fast"] * 4 + ["slow"]
    assert (fast.wall, fast.cpu, fast.units) == (4, 2, 3)
    assert (slow.wall, slow.cpu) == (40, 8)


def test_a_line_about_what_cannot_be_measured(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    for words, told in (
        (["--duration", "48"], "must be 1 to 47 seconds, not 48"),
        (["--threads", "0"], "must be 1 or more"),
        (["--only", "riffusion"], "invalid choice: 'riffusion'"),
    ):
        with pytest.raises(SystemExit):
            main([*words, "--out", str(tmp_path)])
        assert told in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_stable_audio_open_makes_no_more_than_its_window():
    with pytest.raises(ValueError, match=r"makes 1\.5 s at most, not 30 s"):
        stable_audio.open_1(30.0, torch.float32, quick=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_every_model_runs_in_miniature(name: str):
    told = measure(name, seconds=1.0, repeats=1, bfloat16=False, quick=True)
    found = Result.of(name, told, music=1.0, threads=1)
    assert found.parts and found.seconds > 0
    assert all(found.parameters.values())


@pytest.mark.slow
def test_of_a_process_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["--quick", "--only", "bundled", "musicgen-small", "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "1 s of music; CPU seconds of one thread" in out
    assert "| MusicGen small | net | 8 frames, half of them with a full cache |" in out
    assert report.LIMITS in out
    found = json.loads((tmp_path / "peers.json").read_text(encoding="utf-8"))
    assert [row["name"] for row in found["results"]] == ["bundled", "musicgen-small"]
    assert all(row["peak"] > 100 for row in found["results"])
    assert (tmp_path / "peers.png").stat().st_size > 10000


@pytest.mark.slow
def test_a_child_that_fails_is_named():
    with pytest.raises(RuntimeError, match="stable-audio-open failed with exit status 1"):
        measured("stable-audio-open", 1, seconds=30.0, repeats=1, bfloat16=False, quick=True)
