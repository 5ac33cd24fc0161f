"""Plugin of pytest in two parts: notes which guards fire in each test, and runs tests in forks without a guard.

A fork is made before anything is set up, and after all is imported that the tests import: it costs what the test and
its fixtures cost, and may start threads of its own.
"""

import contextlib
import gc
import importlib
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

import pytest
from _pytest.runner import runtestprotocol

from benchmarks.reliability.guards.scratch import FIRED, REMOVED

REACHED = "GUARDS_REACHED"
"""Variable of the environment that names the file of tests, a line of JSON each: the test, its file's stamp, seconds,
and the keys of the guards that fired."""
TRIED = "GUARDS_TRIED"
"""Variable of the environment that names the file of removals, a line of JSON each: the guard, the test, how it ended,
its file's stamp."""
PLAN = "GUARDS_PLAN"
"""Variable of the environment that names the file of the tests in which each guard is removed."""
MODULES_LOADED = "GUARDS_LOADED"
"""Variable of the environment that names the file of the modules that tests imported."""
CANNOT = "cannot be run in a fork"
_WARM = ("saved_model", "controlled_model")
"""Fixtures of the whole session that are made once, before any fork: they start no threads."""
_OTHERS = ("_pytest", "pytest", "conftest", "tests", "test_", "__main__", "switches_of_guards")


@cache
def stamp(root: Path, test: str) -> str:
    """What changes with the file of a test; empty without one.

    Args:
        root: folder that pytest runs in.
        test: id of the test.
    """
    path = root / test.partition("::")[0]
    return sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else ""


class _Reached:
    """Notes which guards fire in each test."""

    def __init__(self, root: Path) -> None:
        self.root, self.fired, self.out = root, Path(os.environ[FIRED]), Path(os.environ[REACHED])
        lines = self.out.read_text(encoding="utf-8").splitlines() if self.out.is_file() else []
        self.done = {(test, when) for test, when, *_ in map(json.loads, lines)}
        self.failed: set[str] = set()

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out tests that were run before."""
        old = [item for item in items if (item.nodeid, stamp(self.root, item.nodeid)) in self.done]
        config.hook.pytest_deselected(items=old)
        items[:] = [item for item in items if item not in set(old)]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember a test that fails with all guards."""
        if report.failed:
            self.failed.add(report.nodeid)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Run a test; a line for it."""
        self.fired.write_bytes(b"")
        began = time.monotonic()
        result = yield
        seconds = round(time.monotonic() - began, 3)
        keys = [] if item.nodeid in self.failed else sorted(set(self.fired.read_text(encoding="utf-8").splitlines()))
        _add(self.out, [item.nodeid, stamp(self.root, item.nodeid), seconds, keys])
        return result

    def pytest_sessionfinish(self) -> None:
        """Keep the names of all modules that are loaded."""
        path = Path(os.environ[MODULES_LOADED])
        known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
        names = [name for name in list(sys.modules) if not name.startswith(_OTHERS)]
        path.write_text(json.dumps(list(dict.fromkeys([*known, *names]))), encoding="utf-8")


class _Removed:
    """Runs tests in forks, without a guard."""

    def __init__(self, root: Path) -> None:
        self.root, self.out = root, Path(os.environ[TRIED])
        self.plan: dict[str, list[tuple[str, float]]] = json.loads(Path(os.environ[PLAN]).read_text(encoding="utf-8"))
        self.passes: dict[str, bool] = {}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Remove each guard in its tests, until one fails."""
        items = {item.nodeid: item for item in session.items}
        for name in json.loads(Path(os.environ[MODULES_LOADED]).read_text(encoding="utf-8")):
            with contextlib.suppress(Exception):  # a test's own, or one that is not meant to be imported
                importlib.import_module(name)
        for name in _WARM:
            _make_once(name, session.items)
        gc.collect()
        gc.freeze()
        keys = list(self.plan)
        random.shuffle(keys)  # runs that share the file do different ones, and each skips what another has caught
        for key in keys:
            tests = [] if self._is_caught(key) else self.plan[key]
            for test, seconds in tests:
                if test in items and self._try(items[test], key, seconds) not in ("passes", CANNOT):
                    break
        return True

    def _is_caught(self, key: str) -> bool:
        lines = self.out.read_text(encoding="utf-8").splitlines() if self.out.is_file() else []
        return any(line[0] == key and line[2] not in ("passes", CANNOT) for line in map(json.loads, lines))

    def _try(self, item: pytest.Item, key: str, seconds: float) -> str:
        limit = 10 + 10 * seconds
        result = _ends(item, key, limit)
        function = item.nodeid.partition("[")[0]
        if result != "passes":
            if function not in self.passes:
                self.passes[function] = _ends(item, None, limit) == "passes"
            if not self.passes[function]:
                result = CANNOT
        _add(self.out, [key, item.nodeid, result, stamp(self.root, item.nodeid)])
        return result


class _Nothing:
    """Stands for a next test that has the session alone in common with the one before it."""

    def __init__(self, session: pytest.Session) -> None:
        self._session = session

    def listchain(self) -> list[pytest.Session]:
        """What stays, as pytest asks for it."""
        return [self._session]


def _make_once(name: str, items: Sequence[pytest.Item]) -> None:
    """Run a test with a fixture, after which the fixture stays, and nothing else but those that it needs."""
    known = {*_WARM, "request", "tmp_path_factory", "tmp_path", "capsys", "capfd", "monkeypatch", "mousai", "work"}
    for item in items:
        names = set(item.fixturenames) - {*getattr(item, "callspec", _NONE).params}  # type: ignore[attr-defined]
        if name in names and names <= known:
            runtestprotocol(item, log=False, nextitem=_Nothing(item.session))  # type: ignore[arg-type]
            return


class _NONE:
    params: ClassVar[dict[str, Any]] = {}


def _add(path: Path, line: Sequence[Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def _ends(item: pytest.Item, key: str | None, limit: float) -> str:
    """How a test ends in a fork without a guard, within so many seconds: "passes", "fails", "dies", "does not end"."""
    base = item.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    kept = set(base.iterdir())
    child = os.fork()
    if child == 0:
        code = 2
        with contextlib.suppress(BaseException):
            os.setsid()
            if key is not None:
                os.environ[REMOVED] = key
            reports: list[Any] = runtestprotocol(item, log=False, nextitem=None)
            code = int(not all(report.passed for report in reports))
        os._exit(code)
    end = time.monotonic() + limit
    done, status = os.waitpid(child, os.WNOHANG)
    while not done and time.monotonic() < end:
        time.sleep(0.005)
        done, status = os.waitpid(child, os.WNOHANG)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # and whatever it started
    if not done:
        os.waitpid(child, 0)
    for path in set(base.iterdir()) - kept:
        shutil.rmtree(path, ignore_errors=True)
    return {0: "passes", 1: "fails"}.get(os.waitstatus_to_exitcode(status), "dies") if done else "does not end"


def pytest_configure(config: pytest.Config) -> None:
    """Begin."""
    if REACHED in os.environ:
        config.pluginmanager.register(_Reached(config.rootpath), "guards")
    elif TRIED in os.environ:
        config.pluginmanager.register(_Removed(config.rootpath), "guards")
