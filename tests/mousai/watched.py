"""Python programs whose every use of a socket is written down, from their first line on and in their children too.

Python tells its audit hooks of each call before it happens. What C and Rust libraries do by themselves it does not see;
the one that fetches files for the hub, `hf_xet`, is written down when it is imported.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

WATCHES = """
import json, os, sys

def note(*what):
    line = json.dumps(what, default=repr) + chr(10)
    file = os.open(os.environ["WATCHED_SOCKETS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, line.encode())
    os.close(file)

def watch(event, arguments):
    if event.startswith("socket.") and event not in ("socket.__new__", "socket.gethostname"):
        family = getattr(arguments[0], "family", None) if arguments else None
        if family is None or int(family) != 1:  # AF_UNIX: pipes of this machine
            note(event, *[one for one in arguments if isinstance(one, (str, int, bytes, tuple, type(None)))])
    elif event == "import" and arguments[0] == "hf_xet":
        note("import", "hf_xet")

note("watching", sys.argv[:1])
sys.addaudithook(watch)
"""
SWITCHES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "DISABLE_TELEMETRY", "DO_NOT_TRACK")
"""Settings that keep Hugging Face's libraries from the network; the programs run without them."""


class Watch:
    """Environment for watched programs, and what they were seen to do.

    Args:
        folder: an empty folder, which is their home too.
    """

    def __init__(self, folder: Path) -> None:
        self._log = folder / "sockets"
        (folder / "watch").mkdir()
        (folder / "watch" / "sitecustomize.py").write_text(WATCHES)
        kept = {
            name: value for name, value in os.environ.items() if name not in SWITCHES and not name.startswith("HF_")
        }
        search = os.pathsep.join([str(folder / "watch"), *filter(None, [os.environ.get("PYTHONPATH")])])
        self.environment = {
            **{name: value for name, value in kept.items() if not name.lower().endswith("_proxy")},
            "PYTHONPATH": search,
            "WATCHED_SOCKETS": str(self._log),
            "HOME": str(folder),
            "OMP_NUM_THREADS": "1",
        }

    def run(self, code: str, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run some lines of Python to their end."""
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def seen(self) -> list[tuple]:
        """Events and their arguments, in the order in which they happened."""
        lines = [json.loads(line) for line in self._log.read_text().splitlines()]
        assert lines[0][0] == "watching", "nothing was watched"
        return [tuple(line) for line in lines if line[0] != "watching"]
