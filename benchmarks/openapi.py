"""Does the HTTP API keep to its own OpenAPI document? Requests made from the document, and every answer checked.

    python -m benchmarks.openapi [--cases 2000] [--seed 0] [--out openapi.json]

A server with a model in miniature is started in a process of its own. schemathesis makes requests from
`GET /openapi.json`, half of them as the document says and half of them not: every route, path, query, header and body.
So that not all of them ask for what is not there, every second one of the former names a job or a file that is.
Settings that only make a job long are lowered, the others stay as they were drawn.

A case is a fault where the answer has a status from 500 on, a status or a content type that the document does not name
for the route, a body that does not fit its schema, or a request that the document forbids and the server takes; and
where the server does not answer, or writes a traceback into its log. Requests are functions of the seed.
"""

import argparse
import itertools
import json
import os
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.reliability.miniature import save_miniature
from benchmarks.server_process import server_process

PATIENCE = 600.0
"""Seconds for an answer, also on a machine with much else to do."""
ROUND = 10
"""Cases of a route and a mode before the next one has its turn."""
LONG = {"steps", "num_inference_steps", "decoder_steps", "inpaint_resamples"}
"""Settings that only make a job long."""
FILES = {"recording", "init_audio", "melody"}
"""Fields that name a file."""


@dataclass
class Tally:
    """Cases by route, their answers, and what was wrong with them."""

    cases: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def fault(self, text: str) -> None:
        """Note a fault, and say it at once."""
        self.faults.append(text)
        print(f"fault: {text}", flush=True)


class Server:
    """A server with a model in miniature in a process of its own.

    Args:
        process: the process.
        address: its URL.
    """

    def __init__(self, process: "subprocess.Popen[str]", address: str) -> None:
        self.process, self.address = process, address

    def ask(self, path: str, body: bytes | None = None, kind: str = "application/json", **headers: str) -> Any:
        """Return an answer's JSON."""
        request = urllib.request.Request(self.address + path, body, {"Content-Type": kind, **headers})
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return json.load(response)

    def job(self) -> str:
        """Make a prediction, which may still run; return its id."""
        given = {"input": {"prompt": "calm piano pop, 100 bpm", "duration": 0.2, "steps": 2}}
        return str(self.ask("/predictions", json.dumps(given).encode(), Prefer="respond-async")["id"])

    def file(self) -> str:
        """Upload a second of silence; return its id."""
        from io import BytesIO

        import numpy as np
        import soundfile

        sound = BytesIO()
        soundfile.write(sound, np.zeros((4800, 2)), 48000, format="WAV")
        part = b'--mark\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
        body = part + sound.getvalue() + b"\r\n--mark--\r\n"
        return str(self.ask("/v1/files", body, "multipart/form-data; boundary=mark")["id"])


@contextmanager
def serving() -> Iterator[tuple[Server, Path]]:
    """Start a server; gives it and the file of its log."""
    with tempfile.TemporaryDirectory() as folder:
        model, log = Path(folder) / "model", Path(folder) / "log.txt"
        save_miniature(model)
        words = ["--model", str(model), "--max-duration", "1", "--max-upload", "1", "--queue", "100"]
        env = {**os.environ, "OMP_NUM_THREADS": "1"}
        with log.open("wb") as stderr, server_process(words, env=env, stderr=stderr) as (process, address):
            yield Server(process, address), log


def run(server: Server, tally: Tally, cases: int, seed: int) -> None:
    """Send so many requests and check each answer.

    Args:
        server: the server.
        tally: counts them.
        cases: number of requests.
        seed: seed of the requests.
    """
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded
    from schemathesis.generation import GenerationMode

    document = schemathesis.openapi.from_url(f"{server.address}/openapi.json")
    routes = [one.ok() for one in document.get_all_operations()]
    number = itertools.count()
    how = settings(
        max_examples=ROUND,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )

    def cases_of(route: Any, mode: Any, turn: int) -> None:
        def one(case: Any) -> None:
            if sum(tally.cases.values()) >= cases:
                return
            tally.cases[route.label] += 1
            if mode is GenerationMode.POSITIVE and next(number) % 2:  # else what is forbidden could become allowed
                name_what_is_there(case, server)
            shorten(case.body)
            _check(case, server, tally, mode is GenerationMode.NEGATIVE)

        strategy = route.as_strategy(generation_mode=mode)
        how(seeded(seed * 10**6 + turn)(given(strategy)(one)))()

    skipped = set()
    for turn, (mode, route) in enumerate(itertools.cycle(itertools.product(list(GenerationMode), routes))):
        if sum(tally.cases.values()) >= cases:
            return
        before = sum(tally.cases.values())
        if (mode, route.label) not in skipped:
            try:
                cases_of(route, mode, turn)
            except BaseException as error:  # nothing can be wrong with a request that has no parts
                if "Skip" not in type(error).__name__ and "Unsatisfiable" not in type(error).__name__:
                    raise
        if sum(tally.cases.values()) == before:
            skipped.add((mode, route.label))


def name_what_is_there(case: Any, server: Server) -> None:
    """Let a request name a job and files that are there, where it names any."""
    for name in case.path_parameters or {}:
        case.path_parameters[name] = server.job() if name == "prediction_id" else server.file()
    given = case.body.get("input") if isinstance(case.body, dict) else None
    for name in FILES & given.keys() if isinstance(given, dict) else ():
        given[name] = server.file()


def shorten(body: Any) -> None:
    """Lower settings that only make a job long."""
    for one in (body, body.get("input")) if isinstance(body, dict) else ():
        for name in LONG & one.keys() if isinstance(one, dict) else ():
            if isinstance(one[name], int | float) and one[name] > 3:
                one[name] = 3


def _check(case: Any, server: Server, tally: Tally, forbidden: bool) -> None:
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks

    wanted = [
        not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_headers_conformance,
        checks.response_schema_conformance,
    ]
    try:
        answer = case.call(base_url=server.address, timeout=PATIENCE)
    except OSError as error:  # of requests
        tally.fault(f"{case.method} {case.path}: {type(error).__name__}: {error}")
        return
    tally.statuses[answer.status_code] += 1
    try:
        case.validate_response(answer, checks=[*wanted, checks.negative_data_rejection] if forbidden else wanted)
    except BaseExceptionGroup as error:
        for one in error.exceptions:
            tally.fault(f"{type(one).__name__}: {one}\n{case.as_curl_command()}")


def main() -> int:
    """Run the cases and say what came of them; returns 1 where there was a fault."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=2000, metavar="N", help="number of requests")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the requests")
    parser.add_argument("--out", type=Path, metavar="FILE", help="file of JSON for the figures")
    args = parser.parse_args()
    begun, tally = time.monotonic(), Tally()
    with serving() as (server, log):
        with suppress(KeyboardInterrupt):  # what was done until then is counted
            run(server, tally, args.cases, args.seed)
        if server.process.poll() is not None:
            tally.fault(f"the server ended with code {server.process.returncode}")
        if "Traceback" in (said := log.read_text()):
            tally.fault(f"a traceback in the log:\n{said}")
    for name, count in sorted(tally.cases.items()):
        print(f"{count:5} {name}")
    print("answers:", ", ".join(f"{count} of {status}" for status, count in sorted(tally.statuses.items())))
    print(f"{sum(tally.cases.values())} cases, {len(tally.faults)} faults, {time.monotonic() - begun:.0f} s")
    if args.out is not None:
        figures = {"cases": tally.cases, "statuses": tally.statuses, "faults": tally.faults}
        args.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 1 if tally.faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
