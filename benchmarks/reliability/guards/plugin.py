"""Plugin of pytest: after each test, the test once more for each guard that fired in it, in a fork, without the guard.

Fixtures of modules and sessions stand already, so that a guard costs what the test costs and no more. Of each function
one run with all guards must pass in a fork first.
"""

import contextlib
import json
import os
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from benchmarks.reliability.guards.scratch import FIRED, REMOVED

TRIED = "GUARDS_TRIED"
"""Variable of the environment that names the file of results, a line of JSON each."""
WANTED = "GUARDS_WANTED"
"""Variable of the environment that names the file with the keys of the guards that are tried."""
AT_MOST = "GUARDS_AT_MOST"
"""Variable of the environment: number of tests after which a guard that none of them misses is not tried again."""
LIMIT = 60.0
"""Seconds for which a test may wait, without a guard, for what the guard would have refused."""


class _Guards:
    def __init__(self) -> None:
        self.fired, self.results = Path(os.environ[FIRED]), Path(os.environ[TRIED])
        self.wanted = set(json.loads(Path(os.environ[WANTED]).read_text(encoding="utf-8")))
        self.tests: Counter[str] = Counter()
        self.forks: dict[str, bool] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """Run a test, then try the guards that fired."""
        self.fired.write_bytes(b"")
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        reports = runtestprotocol(item, nextitem=_Again(item))
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        fired = dict.fromkeys(self.fired.read_text(encoding="utf-8").splitlines())
        del os.environ[FIRED]
        if all(report.passed for report in reports):
            self._try(item, [key for key in fired if key in self.wanted])
        os.environ[FIRED] = str(self.fired)
        item.session._setupstate.teardown_exact(nextitem)
        return True

    def _try(self, item: pytest.Item, keys: list[str]) -> None:
        if not keys:
            return
        function = item.nodeid.partition("[")[0]
        if function not in self.forks:
            self.forks[function] = _ends(item, None) == "passes"
        if not self.forks[function]:
            self._note(item, keys, "cannot be run in a fork")
            return
        for key in keys:
            result = _ends(item, key)
            self._note(item, [key], result)
            self.tests[key] += 1
            if result != "passes" or self.tests[key] == int(os.environ[AT_MOST]):
                self.wanted.remove(key)

    def _note(self, item: pytest.Item, keys: list[str], result: str) -> None:
        with self.results.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps([key, item.nodeid, result]) + "\n" for key in keys)


class _Again:
    """Stands for the same test as the next one: what it has in common with others stays, its own fixtures go."""

    def __init__(self, item: pytest.Item) -> None:
        self._collectors = item.listchain()[:-1]

    def listchain(self) -> list[pytest.Item | pytest.Collector]:
        """What stays, as pytest asks for it."""
        return self._collectors


def _ends(item: pytest.Item, key: str | None) -> str:
    """How a test ends in a fork without a guard: "passes", "fails", "dies" or "does not end"."""
    child = os.fork()
    if child == 0:
        code = 2
        with contextlib.suppress(BaseException):
            os.setsid()
            if key is not None:
                os.environ[REMOVED] = key
            reports: list[Any] = runtestprotocol(item, log=False, nextitem=_Again(item))
            code = int(not all(report.passed for report in reports))
        os._exit(code)
    end = time.monotonic() + LIMIT
    done, status = os.waitpid(child, os.WNOHANG)
    while not done and time.monotonic() < end:
        time.sleep(0.005)
        done, status = os.waitpid(child, os.WNOHANG)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # and whatever it started
    if not done:
        os.waitpid(child, 0)
        return "does not end"
    return {0: "passes", 1: "fails"}.get(os.waitstatus_to_exitcode(status), "dies")


def pytest_configure(config: pytest.Config) -> None:
    """Begin."""
    if TRIED in os.environ:
        config.pluginmanager.register(_Guards(), "guards")
