"""How soon does `mousai serve` answer, let go and end: waits for sound, cancel, SIGTERM; and memory over requests.

The functions are given the address of a server that does nothing else; `benchmarks/serving.py` is the command.
"""

import json
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

LOOK, SOON = 0.2, 0.05
"""Seconds between two looks of the page at a job that runs, and at one that is about to end."""
OFTEN = 0.02
CHEAP = {"steps": 2, "decoder_steps": 1, "griffin_lim": 2, "response_format": "wav"}
LENGTHS = (0.5, 0.7, 1.0)
"""Seconds of the pieces that memory is measured with, in turn."""


def answer(address: str, path: str, body: dict[str, Any] | None = None, **headers: str) -> bytes:
    """Content of an answer; a body is posted as JSON."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address + path, data, {"Content-Type": "application/json", **headers})
    with urllib.request.urlopen(request, timeout=600) as response:
        return bytes(response.read())


def asked(address: str, given: dict[str, Any]) -> str:
    """Id of a job that was just accepted."""
    found = json.loads(answer(address, "/predictions", {"input": given}, Prefer="respond-async"))
    return str(found["id"])


def looks(address: str, name: str, pause: float | None = None) -> Iterator[dict[str, Any]]:
    """The job, again and again, until it has ended; after so many seconds, or as the page does (None)."""
    while True:
        job = json.loads(answer(address, f"/predictions/{name}"))
        yield job
        if job["completed_at"] is not None:
            return
        time.sleep(pause_of_the_page(job["progress"]["seconds_left"]) if pause is None else pause)


def pause_of_the_page(left: float | None) -> float:
    """Seconds until the page's next look at a job that runs: a quarter of what is left of it, within bounds."""
    return LOOK if left is None else min(LOOK, max(SOON, left / 4))


def click_to_sound(address: str, prompt: str, duration: float, seed: int) -> float:
    """Seconds from a request to the whole sound, asked for as the page does; what is known of it is asked meanwhile."""
    begun = time.perf_counter()
    name = asked(address, {"prompt": prompt, "duration": duration, "seed": seed})
    *_, job = looks(address, name)
    answer(address, f"/v1/files/{job['output_file']}")
    return time.perf_counter() - begun


def live_to_sound(address: str, prompt: str, seed: int) -> float:
    """Seconds from opening a live session to its first sound."""
    begun = time.perf_counter()
    with connect(address.replace("http", "ws", 1) + "/v1/live", max_size=None) as socket:
        socket.send(json.dumps({"prompt": prompt, "seed": seed}))
        while not isinstance(socket.recv(), bytes):
            pass
        passed = time.perf_counter() - begun
        socket.send(json.dumps({"type": "stop"}))
    until_idle(address)
    return passed


def until_idle(address: str) -> None:
    """Wait until no job runs."""
    while b"mousai_running 0" not in answer(address, "/metrics"):
        time.sleep(OFTEN)


def cancel_to_free(address: str, prompt: str, duration: float, stage: str, wait: float) -> float | None:
    """Seconds from a cancel in a stage to the end of the job; None where it ended before.

    Args:
        address: of the server.
        prompt: of the piece.
        duration: of the piece.
        stage: in which it is canceled.
        wait: seconds in that stage before it is canceled, so that several fall upon different moments of a step.
    """
    name = asked(address, {"prompt": prompt, "duration": duration, "seed": 0})
    for job in looks(address, name, OFTEN):
        if job["progress"]["stage"] == stage:
            break
    time.sleep(wait)
    begun = time.perf_counter()
    answer(address, f"/predictions/{name}/cancel", {})
    *_, job = looks(address, name, OFTEN)
    return time.perf_counter() - begun if job["status"] == "canceled" else None


def memory_over_requests(address: str, process: int, requests: int, prompt: str) -> Iterator[tuple[int, float]]:
    """Requests for cheap pieces, and after each tenth of them the server's resident megabytes."""
    for number in range(requests):
        duration = LENGTHS[number % len(LENGTHS)]
        answer(address, "/v1/audio/generations", {"prompt": prompt, "duration": duration, "seed": number, **CHEAP})
        if (number + 1) % (requests // 10) == 0:
            yield number + 1, memory_of(process)


def memory_of(process: int) -> float:
    """Resident megabytes of a process, on Linux."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS:"))) / 1024


def sigterm(server: "subprocess.Popen[str]", address: str, prompt: str, duration: float) -> dict[str, Any]:
    """End a server while it makes a piece that somebody waits for.

    Returns:
        how new work was answered, whether the piece was sent, and the seconds from its being sent to the exit.
    """
    found: dict[str, Any] = {"refused_with": None, "sent": False}
    ended: list[float] = []

    def client() -> None:
        sound = answer(address, "/v1/audio/generations", {"prompt": prompt, "duration": duration, "seed": 0})
        ended.append(time.perf_counter())
        found["sent"] = sound[:4] == b"RIFF"

    waiting = threading.Thread(target=client)
    waiting.start()
    while b"mousai_running 1" not in answer(address, "/metrics"):
        time.sleep(OFTEN)
    server.send_signal(signal.SIGTERM)
    time.sleep(OFTEN)
    try:
        asked(address, {"prompt": prompt, "duration": duration})
    except urllib.error.HTTPError as error:
        with error:
            found["refused_with"] = error.code
    found["exit_code"] = server.wait(timeout=600)
    over = time.perf_counter()
    waiting.join()
    found["seconds_to_exit"] = round(over - ended[0], 2)
    return found
