"""The tool that removes guards finds those that no test misses, and those alone."""

import json
import sys
import types
from pathlib import Path

import pytest

from benchmarks.reliability.guards.__main__ import MODULES, SOURCES, main
from benchmarks.reliability.guards.find import SWITCHES, all_guards, guards_of, switchable

MODULE = '''
"""Things."""

def check_size(size):
    """Raise for odd sizes."""
    if size < 0:
        raise ValueError("negative")

class Thing:
    """A thing."""

    def __init__(self, size, name="a"):
        check_size(size)
        if not name:
            hint = "give one"
            raise ValueError(hint)
        elif len(name) > 3:
            raise ValueError("long")
        if size > 9:
            raise ValueError("large")
        self.letter = name[0]
        if size == 7:
            raise ValueError("seven")

def unused(size):
    if size:
        raise ValueError
'''
TESTS = """
import subprocess, sys
import pytest
from pack.things import Thing

@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("things")

def test_good(folder):
    (folder / "once").mkdir()  # fails where the fixture is not made anew for a second run; then no guard is tried here
    assert Thing(3).letter == "a"

@pytest.mark.parametrize("size, word", [(-1, "negative"), (10, "large")])
def test_refused(size, word, tmp_path):
    (tmp_path / "once").mkdir()
    with pytest.raises(ValueError, match=word):
        Thing(size)

def test_not_exact_enough():
    with pytest.raises((ValueError, IndexError)):
        Thing(3, "")
    with pytest.raises(ValueError):
        Thing(7)
    Thing(8)

def test_in_a_process():
    script = "from pack.things import Thing; Thing(3, 'long name')"
    assert subprocess.run([sys.executable, "-c", script], stderr=subprocess.PIPE).returncode == 1
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "src" / "pack").mkdir(parents=True)
    (tmp_path / "src" / "pack" / "__init__.py").write_text("")
    (tmp_path / "src" / "pack" / "things.py").write_text(MODULE)
    (tmp_path / "test_things.py").write_text(TESTS)
    return tmp_path


@pytest.mark.slow  # runs pytest in a process of its own
def test_guards_that_are_missed_and_guards_that_are_not(package: Path, capsys: pytest.CaptureFixture[str]):
    words = ["--sources", package / "src", "--modules", "pack", "--root", package, "--tests", "test_things.py"]
    assert main([*map(str, words), "--out", str(package / "out")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "7 guards, 5 caught, 2 left"
    assert {line.partition(" tests, such as ")[0] for line in lines if line.startswith("pack/")} == {
        "pack/things.py:26: unused: raise size: fires in no test",
        "pack/things.py:14: Thing.__init__: raise not name: not missed by 1",
    }
    found = [json.loads(line) for line in (package / "out" / "tried.jsonl").read_text().splitlines()]
    caught = {key.partition(": ")[2]: (test, result) for key, test, result, *_ in found if result != "passes"}
    assert caught["check_size(size)"] == ("test_things.py::test_refused[-1-negative]", "fails")
    assert caught["len(name) > 3"] == ("test_things.py::test_in_a_process", "fails")
    assert (package / "src" / "pack" / "things.py").read_text() == MODULE


@pytest.mark.slow  # runs pytest in a process of its own
def test_a_second_run_tries_what_was_left(package: Path, capsys: pytest.CaptureFixture[str]):
    words = ["--sources", package / "src", "--modules", "pack", "--root", package, "--tests"]
    out = ["--out", str(package / "out")]
    main([*map(str, words), "test_things.py", *out])
    more = "import pytest\nfrom pack.things import Thing, unused\n\ndef test_more():\n"
    more += "    with pytest.raises(ValueError, match='give one'):\n        Thing(3, '')\n"
    more += "    with pytest.raises(ValueError):\n        unused(1)\n"
    (package / "test_more.py").write_text(more)
    assert main([*map(str, words), "test_more.py", *out]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "7 guards, 7 caught, 0 left"


def test_a_module_with_switches_does_the_same(monkeypatch: pytest.MonkeyPatch):
    removed: set[str] = set()
    fired: list[str] = []
    switches = types.ModuleType(SWITCHES)
    switches.is_heeded = lambda key: key not in removed  # type: ignore[attr-defined]
    switches.fires = lambda key: fired.append(key) or key not in removed  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, SWITCHES, switches)
    names: dict[str, type] = {}
    exec(switchable(MODULE, "pack/things.py"), names)
    for size, name, word in ((-1, "a", "negative"), (10, "a", "large"), (3, "", "give one"), (3, "abcd", "long")):
        with pytest.raises(ValueError, match=word):
            names["Thing"](size, name)
    assert names["Thing"](9).letter == "a"
    assert len(fired) == 5  # the negative size at its guard, and at the call of the function that has it
    removed.add("pack/things.py Thing.__init__: check_size(size)")
    assert names["Thing"](-1).letter == "a"
    removed.add("pack/things.py Thing.__init__: not name")
    with pytest.raises(IndexError):
        names["Thing"](3, "")


def test_two_guards_of_one_text_have_two_keys():
    source = "def f(a):\n    if a:\n        raise ValueError\n    a = 1\n    if a:\n        raise KeyError\n"
    assert [guard.key for guard in guards_of(source, "m.py")] == ["m.py f: a", "m.py f: a (1)"]


def test_the_modules_that_are_tried_are_there_and_their_guards_are_told_apart():
    guards = all_guards(SOURCES, MODULES)
    assert len({guard.key for guard in guards}) == len(guards) > 500
    with pytest.raises(ValueError, match="does not exist"):
        all_guards(SOURCES, ["mousai/nothing"])
