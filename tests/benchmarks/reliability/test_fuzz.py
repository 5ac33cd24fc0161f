"""The harness finds what it is there to find, and a few mutations of each kind are run with every change."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.reliability import fuzz as fuzzing
from benchmarks.reliability import fuzz_worker, mutate
from benchmarks.reliability.fuzz import fuzz
from benchmarks.reliability.mutate import mutated_bytes, mutated_json, mutated_text, mutated_words
from benchmarks.reliability.targets import TARGETS
from benchmarks.reliability.targets.base import Target
from mousai.errors import UserError


class Endless(UserError):
    """One that does not cut its line."""

    def __str__(self) -> str:
        return "x" * 100_000


class Faulty(Target):
    """Goes wrong in each way."""

    share = 1.0

    def make(self, rng: random.Random, place: Path) -> Any:
        (place / "file").write_text("content")
        return rng.choice(("taken", "refused", "error", "too long"))

    def run(self, case: Any, place: Path) -> bool:
        if case == "refused":
            raise UserError("field", case, "is refused")
        if case == "too long":
            raise Endless("field", hint="is endless")
        if case == "error":
            raise KeyError("no UserError")
        return case == "taken"


@pytest.mark.parametrize("seed", range(4))
def test_what_is_no_user_error_is_a_fault(tmp_path, seed):
    for index in range(20):
        place = tmp_path / str(index)
        place.mkdir()
        fault, refused, case = fuzz_worker.run_case(Faulty(tmp_path), "faulty", seed, index, place)
        assert (fault is not None) == (case in ("error", "too long")), fault
        assert refused == (case != "taken")


@given(st.integers(0, 10**6), st.binary(max_size=300))
def test_a_mutation_is_a_function_of_the_seed(seed, data):
    value = {"a": [1, 2.5, "x"], "b": {"c": None}}
    first, second = random.Random(seed), random.Random(seed)
    assert mutated_bytes(first, data, [data]) == mutated_bytes(second, data, [data])
    assert mutated_json(first, value) == mutated_json(second, value)
    assert mutated_text(first, "calm piano", ["rock"]) == mutated_text(second, "calm piano", ["rock"])
    assert mutated_words(first, ["a", "b"], ["--x"]) == mutated_words(second, ["a", "b"], ["--x"])
    assert value == {"a": [1, 2.5, "x"], "b": {"c": None}}


def test_json_that_is_too_deep_to_be_changed_is_deep_json(monkeypatch):
    def deeper(rng: random.Random, holder: list[Any]) -> None:
        raise RecursionError

    monkeypatch.setattr(mutate, "_change", deeper)
    assert mutated_json(random.Random(0), {"a": 1}) == "[" * 3000 + "]" * 3000


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Target]:
    """Each kind of input with its samples, but for those that change the process: they patch or warn."""
    found = {}
    for name in ("audio files", "tables", "shards", "adapters", "chords and melodies", "latents"):
        folder = tmp_path_factory.mktemp("samples") / "samples"
        folder.mkdir()
        found[name] = TARGETS[name](folder)
    return found


@given(st.data())
def test_mutated_input_is_taken_or_refused_with_a_line(targets, tmp_path_factory, data):
    name = data.draw(st.sampled_from(sorted(targets)))
    index = data.draw(st.integers(0, 10**9))
    place = tmp_path_factory.mktemp("case")
    fault, _, case = fuzz_worker.run_case(targets[name], name, 0, index, place)
    assert fault is None, (case, fault)


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_every_target_runs_in_a_process_of_its_own(name, tmp_path):
    found = fuzz(name, seed=5, cases=12, corpus=tmp_path)
    assert found.cases == 12 and found.faults == [], found
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_process_that_dies_is_a_crash_and_the_next_one_goes_on(tmp_path, monkeypatch):
    script = tmp_path / "dies.py"
    script.write_text(
        "import os, sys\n"
        "from pathlib import Path\n"
        "from benchmarks.reliability import fuzz_worker\n"
        "class Dies(fuzz_worker.Target):\n"
        "    share = 1.0\n"
        "    def make(self, rng, place):\n"
        "        (place / 'file').write_text('x')\n"
        "        return rng.random()\n"
        "    def run(self, case, place):\n"
        "        if case < 0.2: os.kill(os.getpid(), 9)\n"
        "        return True\n"
        "fuzz_worker.TARGETS['dies'] = Dies\n"
        "fuzz_worker.main(sys.argv[1], *map(int, sys.argv[2:5]), Path(sys.argv[5]))\n"
    )
    started = fuzzing.subprocess.Popen

    def popen(words, env, **given):
        # A script looks beside itself for what it imports, `python -m` in the working folder.
        return started([words[0], str(script), *words[3:]], env={**env, "PYTHONPATH": str(Path.cwd())}, **given)

    monkeypatch.setattr(fuzzing.subprocess, "Popen", popen)
    found = fuzz("dies", seed=1, cases=12, corpus=tmp_path / "corpus")
    deaths = [k for k in range(12) if random.Random(f"1 dies {k}").random() < 0.2]
    assert found.cases == 12 and [index for index, _ in found.faults] == deaths
    assert deaths and found.count("crash") == len(deaths) and found.taken == 12 - len(deaths)
    assert sorted(path.name for path in (tmp_path / "corpus" / "dies").iterdir()) == sorted(map(str, deaths))
    assert (tmp_path / "corpus" / "dies" / str(deaths[0]) / "file").read_text() == "x"


def test_a_fault_is_kept_with_its_files_and_its_place(tmp_path, monkeypatch):
    monkeypatch.setitem(fuzz_worker.TARGETS, "faulty", Faulty)
    monkeypatch.setattr(fuzz_worker, "limit_memory", lambda: None)
    (tmp_path / "progress").write_bytes(fuzz_worker.PROGRESS.pack(0, 0.0, 0, 0, 0.0))
    fuzz_worker.main("faulty", 3, 0, 20, tmp_path)
    index, _, taken, refused, _ = fuzz_worker.PROGRESS.unpack((tmp_path / "progress").read_bytes())
    faults = [json.loads(line) for line in (tmp_path / "faults.jsonl").read_text().splitlines()]
    cases = [random.Random(f"3 faulty {k}").choice(("taken", "refused", "error", "too long")) for k in range(20)]
    assert index == taken + refused == 20 and taken == cases.count("taken")
    assert [k for k, _ in faults] == [k for k, case in enumerate(cases) if case in ("error", "too long")]
    kept = tmp_path / "kept" / str(faults[0][0])
    assert (kept / "file").read_text() == "content" and json.loads((kept / ".case.json").read_text()) in (
        "error",
        "too long",
    )
