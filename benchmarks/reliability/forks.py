"""A process that has imported everything and forks for each command: hundreds of kills need one import.

It reads a JSON object a line and answers with one: {"words": [...], "cwd": ..., ...} begins a command and answers its
process, {"wait": process} waits for its end. A command is the leader of a process group of its own.
"""

import codecs
import json
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.processes import stat_of

_LONGEST = 600.0
"""Seconds after which a command counts as one that hangs; each computes for a few, but may share its core with many."""
_NOBODY = 65534


@dataclass(frozen=True)
class Ended:
    """End of a command.

    Args:
        code: exit code; minus the number of the signal that ended it.
        out: text on stdout.
        err: text on stderr.
    """

    code: int
    out: str
    err: str

    @property
    def is_one_line(self) -> bool:
        """Whether it was refused with one line, behind which nothing stands."""
        errors = [line for line in self.err.splitlines() if line.startswith("mousai: error: ")]
        return self.code == 2 and len(errors) == 1 and self.err.endswith(f"{errors[0]}\n")


class Forks:
    """The process that forks, seen from outside; a context manager.

    Args:
        tmp: folder for temporary files of all commands.
    """

    def __init__(self, tmp: Path) -> None:
        self.tmp = tmp
        self._streams = Path(tempfile.mkdtemp(prefix="reliability-streams-"))
        environment = {
            **os.environ,
            "TMPDIR": str(tmp),
            "XDG_CACHE_HOME": str(tmp / "cache"),
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.reliability.forks"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self._count = 0
        self._pipes: dict[str, int] = {}
        self._ask({})  # until everything is imported

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        with self._process as process:  # which closes its pipes
            process.kill()

    def begin(self, words: Sequence[str], cwd: Path, **given: Any) -> tuple[int, Path]:
        """Begin a command; return its process and the file that its streams go to.

        Args:
            words: words of the command line, without `mousai`.
            cwd: folder that it runs in.
            given: `memory`, its limit in bytes beyond what it has; `file_size`, the most bytes of a file that it
                writes; `nobody`, to run as a user who owns nothing; `tmp`, its folder for temporary files; `code`, a
                piece of Python to run in its place.
        """
        self._count += 1
        streams = self._streams / str(self._count)
        for name in ("out", "err"):
            if "file_size" in given:  # which limits messages in files too, and those in pipes not
                os.mkfifo(f"{streams}.{name}")
                self._pipes[f"{streams}.{name}"] = os.open(f"{streams}.{name}", os.O_RDWR | os.O_NONBLOCK)
            else:
                Path(f"{streams}.{name}").touch()
        answer = self._ask({"words": list(words), "cwd": str(cwd), "streams": str(streams), **given})
        return int(answer["process"]), streams

    def end(self, begun: tuple[int, Path]) -> Ended:
        """Wait for a command; one that hangs is killed, and its messages say so."""
        process, streams = begun
        if hangs := not _ends(process, _LONGEST):
            with suppress(ProcessLookupError):
                os.killpg(process, signal.SIGKILL)
        status = int(self._ask({"wait": process})["status"])
        out, err = (self._text(Path(f"{streams}.{name}")) for name in ("out", "err"))
        err += f"\nit hung for {_LONGEST:g} s" if hangs else ""
        return Ended(os.waitstatus_to_exitcode(status), out, err)

    def run(self, words: Sequence[str], cwd: Path, **given: Any) -> Ended:
        """Run a command to its end; the arguments are those of `begin`."""
        return self.end(self.begin(words, cwd, **given))

    def _text(self, path: Path) -> str:
        """What a command has written; it is removed."""
        pipe = self._pipes.pop(str(path), None)
        if pipe is None:
            text = path.read_bytes()
        else:
            try:
                text = os.read(pipe, 2**20)
            except BlockingIOError:
                text = b""
            os.close(pipe)
        path.unlink()
        return text.decode(errors="replace")

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the process that forks has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _ends(process: int, seconds: float) -> bool:
    """Sleep until a process ends, whose status is still to be asked for; False where it takes longer."""
    handle = os.pidfd_open(process)
    try:
        return bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)


def lives(process: int) -> bool:
    """Tell whether a process computes or waits; one that has ended and was not waited for does neither."""
    return stat_of(process)[:1] not in ([], ["Z"], ["X"])


def group_of(leader: int) -> list[int]:
    """The living processes of a command: those that it started, also when it has gone itself."""
    numbers = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [one for one in numbers if stat_of(one)[2:3] == [str(leader)] and lives(one)]


def _serve() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # nothing else is an answer
    _import_everything()
    for line in sys.stdin:
        request = json.loads(line)
        answer: dict[str, Any] = {}
        if "wait" in request:
            answer["status"] = os.waitpid(request["wait"], 0)[1]
        elif request:
            process = os.fork()
            if not process:
                _run(request)
            answer["process"] = process
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _import_everything() -> None:
    import torch

    torch.set_num_threads(1)
    # Of what is imported late; a user who owns nothing may be unable to read where it lies.
    codecs.lookup("utf-8-sig")
    import tinytag  # noqa: F401

    import mousai.cli.encode
    import mousai.cli.playing.command
    import mousai.compose.dataset
    import mousai.data.latent_cache
    import mousai.data.shards.pack
    import mousai.evaluation.judges.panel
    import mousai.pipeline
    import mousai.server.run
    import mousai.server.service
    import mousai.training.export
    import mousai.training.run  # noqa: F401
    from mousai.audio.files import read_audio  # noqa: F401
    from mousai.cli import main  # noqa: F401


def _run(request: dict[str, Any]) -> None:
    """Be the command, and end with it."""
    code = 70
    try:
        os.setsid()
        os.chdir(request["cwd"])
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(f"{request['streams']}.{name}", os.O_WRONLY | os.O_CREAT, 0o644), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL if number != signal.SIGINT else signal.default_int_handler)
        if (tmp := request.get("tmp")) is not None:
            os.environ.update(TMPDIR=tmp, XDG_CACHE_HOME=f"{tmp}/cache")
            tempfile.tempdir = None
        if (file_size := request.get("file_size")) is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, resource.RLIM_INFINITY))
        if request.get("nobody"):
            os.setgroups([])
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
        if (memory := request.get("memory")) is not None:
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + memory, resource.RLIM_INFINITY))
        if "code" in request:
            exec(request["code"], {"__name__": "__main__"})
            code = 0
        else:
            from mousai.cli import main

            code = main(request["words"])
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 0 if leaving.code is None else 1
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
