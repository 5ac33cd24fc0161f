"""One function over many jobs, whoever does it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from mousai import UserError
from mousai.cli import main
from mousai.data.workers import LocalPool, Pool, open_pool
from mousai.errors import install_hint

from .conftest import descendants, music

JOBS = list(range(20))


def square(number: int) -> int:
    return number * number


def refuse(number: int) -> int:
    if number == 7:
        raise UserError("seven: is not wanted")
    return number


def fail(number: int) -> int:
    return 1 // (number - 7)


def killed(marker: Path | None, number: int) -> int:
    """Dies at job 3, once or always."""
    if number == 3 and (marker is None or not marker.exists()):
        if marker is not None:
            marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.fixture(scope="session")
def by_value(cluster: Pool) -> Pool:
    """The cluster, told that its workers cannot import this file."""
    from ray import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    return cluster


@pytest.fixture(params=["one", "two", pytest.param("ray", marks=pytest.mark.slow)])
def pool(request: pytest.FixtureRequest) -> Pool:
    if request.param == "ray":
        return request.getfixturevalue("by_value")
    return LocalPool({"one": 1, "two": 2}[request.param])


def test_every_job_is_done_once(pool: Pool):
    assert sorted(pool.map(square, JOBS)) == [number**2 for number in JOBS]
    assert list(pool.map(square, [])) == []


def test_what_a_job_raises_is_raised_here(pool: Pool):
    with pytest.raises(UserError, match=r"^seven: is not wanted$"):
        list(pool.map(refuse, JOBS))
    with pytest.raises(ZeroDivisionError):
        list(pool.map(fail, JOBS))
    assert sorted(pool.map(square, JOBS[:3])) == [0, 1, 4]  # and the next work goes on


def test_who_stops_listening_leaves_no_process():
    before = descendants(os.getpid())
    results = LocalPool(2).map(square, JOBS)
    next(results)
    assert len(descendants(os.getpid()) - before) >= 2
    results.close()
    left = {pid for pid in descendants(os.getpid()) - before if b"resource_tracker" not in command_of(pid)}
    assert not left


def test_workers_go_when_their_parent_is_killed():
    code = "import time; from mousai.data.workers import LocalPool; list(LocalPool(2).map(time.sleep, [600, 600]))"
    parent = subprocess.Popen([sys.executable, "-c", code])
    workers: list[int] = []
    try:
        # Both wait for their work to end, which takes as long as nobody kills them.
        eventually(lambda: [threads_of(pid) > 1 for pid in workers_of(parent.pid)] == [True, True])
        workers = workers_of(parent.pid)
        parent.kill()
        parent.wait()
        eventually(lambda: not any(runs(pid) for pid in workers))
    finally:
        for pid in [parent.pid, *workers]:
            if runs(pid):
                os.kill(pid, signal.SIGKILL)


def runs(pid: int) -> bool:
    """Whether there is such a process, and not only its exit code that nobody has asked for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def workers_of(pid: int) -> list[int]:
    return [child for child in descendants(pid) if b"spawn_main" in command_of(child)]


def threads_of(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def eventually(holds: Callable[[], bool], *, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.1)


def command_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def test_a_killed_process_here_is_one_line():
    with pytest.raises(UserError, match=r"^workers=2: a worker process was killed, .* fewer --workers"):
        list(LocalPool(2).map(partial(killed, None), JOBS))


@pytest.mark.slow
def test_a_killed_process_of_the_cluster_is_tried_again(by_value: Pool, tmp_path: Path):
    marker = tmp_path / "killed"
    assert sorted(by_value.map(partial(killed, marker), JOBS)) == JOBS
    assert marker.exists()


@pytest.mark.slow
def test_one_that_is_killed_every_time_is_one_line(by_value: Pool):
    with pytest.raises(UserError, match=r"^ray: a job on the Ray cluster was killed 4 times") as caught:
        list(by_value.map(partial(killed, None), JOBS[:4]))
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_cluster_of_this_machine_is_heard_by_nobody_else(cluster: Pool):
    pids = descendants(os.getpid())
    sockets = {os.readlink(link) for pid in pids for link in Path(f"/proc/{pid}/fd").glob("*") if link.is_symlink()}
    listening = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                listening.append(fields[1].partition(":")[0])
    # 127.0.0.1, and the same written as an address of IPv6.
    assert listening and set(listening) <= {"0100007F", "0000000000000000FFFF00000100007F"}
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"workers": 0}, "workers=0: must be 1 or more"),
        ({"ray": "127.0.0.1:1"}, r"ray='127.0.0.1:1': nobody answers there \(Connection refused\); start a cluster"),
        ({"ray": "ray://127.0.0.1:1"}, "ray='ray://127.0.0.1:1': nobody answers there"),
    ],
)
def test_impossible_pools(settings: dict, message: str):
    with pytest.raises(UserError, match=message), open_pool(**settings):
        pass


def test_a_local_cluster_that_others_would_reach_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(is_initialized=lambda: False))
    monkeypatch.delenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", raising=False)
    with pytest.raises(UserError, match=r"^ray='local': Ray was imported before"), open_pool(ray="local"):
        pass
    assert "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER" not in os.environ  # or a second try would be let through


def test_without_ray_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setitem(sys.modules, "ray", None)
    music(tmp_path / "a.wav")
    for command in (["check", "{}"], ["encode", "{}", "-o", "{}/latents"], ["shard", "{}", "-o", "{}/shards"]):
        assert main(["data", *(word.format(tmp_path) for word in command), "--ray", "local"]) == 2
        said = capsys.readouterr().err
        assert said == f"mousai: error: --ray local: needs Ray; {install_hint('ray')}\n"
