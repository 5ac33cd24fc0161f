"""A model of the hub, fetched by huggingface_hub itself from a hub made here: which files, of which commit."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.mousai.watched import Watch

COMMIT = "0123456789" * 4
NAME = "owner/name"
CODE = "raise SystemExit('code of a model was run')\n"
LOAD = """
import sys
from mousai import Mousai
from mousai.storage.folders import model_folder

pipe = Mousai.from_pretrained(sys.argv[1], revision=sys.argv[2])
assert pipe("calm piano", duration=0.1, num_inference_steps=1, seed=1).audios.shape[-1] == 4800
print(model_folder(sys.argv[1], revision=sys.argv[2]))
"""


class Hub(ThreadingHTTPServer):
    """A hub with one model at one commit.

    Args:
        files: contents of the files by their paths in the repository.
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.asked: list[str] = []
        self.told: set[str] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, *, body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.asked.append(path)
        self.server.told.add(self.headers["User-Agent"])
        if path == f"/api/models/{NAME}/tree/{COMMIT}":
            tree = [
                {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                for name, data in self.server.files.items()
            ]
            return self._send(json.dumps(tree).encode(), {"Content-Type": "application/json"}, body=body)
        data = self.server.files.get(path.removeprefix(f"/{NAME}/resolve/{COMMIT}/"))
        if data is None:
            return self._send(b"", {"X-Error-Code": "RevisionNotFound"}, status=404, body=False)
        return self._send(data, {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": COMMIT}, body=body)

    def _send(self, data: bytes, headers: dict[str, str], *, status: int = 200, body: bool) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(data)


@pytest.fixture
def hub(saved_model: Path) -> Iterator[Hub]:
    files = {path.relative_to(saved_model).as_posix(): path.read_bytes() for path in saved_model.rglob("*.*")}
    strange = (
        "modeling.py",
        "autoencoder/evil.py",
        "pytorch_model.bin",
        "spiece.model",
        "x.pkl",
        "run.sh",
        "README.md",
    )
    server = Hub({**files, **dict.fromkeys(strange, CODE.encode())})
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    (tmp_path / "home").mkdir()
    return Watch(tmp_path / "home")


def test_the_files_are_asked_for_and_nothing_is_told(hub: Hub, watch: Watch):
    code = "import sys\nfrom mousai.storage.hub import download\nprint(download(sys.argv[1], revision=sys.argv[2]))"
    # A sign of a coding agent, which huggingface_hub would tell.
    done = watch.run(code, NAME, COMMIT, HF_ENDPOINT=hub.address, AI_AGENT="some-agent")
    assert done.returncode == 0, done.stderr
    tree, *files = hub.asked
    assert tree == f"/api/models/{NAME}/tree/{COMMIT}"
    wanted = {name for name in hub.files if name.endswith((".json", ".safetensors"))}
    assert set(files) == {f"/{NAME}/resolve/{COMMIT}/{name}" for name in wanted}
    assert hub.told and not any(word in agent for agent in hub.told for word in ("torch", "agent/"))


@pytest.mark.slow
def test_json_and_safetensors_of_one_commit_are_fetched_and_loaded_from_the_cache(hub: Hub, watch: Watch):
    done = watch.run(LOAD, NAME, COMMIT, HF_ENDPOINT=hub.address)
    assert done.returncode == 0, done.stderr
    folder = Path(done.stdout.strip())
    fetched = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if not path.is_dir()}
    assert set(fetched) == {name for name in hub.files if name.endswith((".json", ".safetensors"))}
    # The cache is made of links out of the folder, which are followed.
    assert all(path.is_symlink() and path.resolve().parent.name == "blobs" for path in fetched.values())
    assert all(path.read_bytes() == hub.files[name] for name, path in fetched.items())
    # Nothing else was asked for, at no other commit, and of nobody else.
    assert all(f"/{COMMIT}" in path and path.endswith((COMMIT, ".json", ".safetensors")) for path in hub.asked)
    assert not any(word in agent for agent in hub.told for word in ("torch", "agent/"))
    places = {tuple(where) for event, where, *_ in watch.seen() if event == "socket.connect"}
    assert places == {hub.server_address}
    assert {event for event, *_ in watch.seen()} <= {"socket.connect", "socket.getaddrinfo"}


@pytest.mark.slow
def test_what_is_in_the_cache_is_loaded_without_the_network(hub: Hub, watch: Watch, tmp_path: Path):
    assert watch.run(LOAD, NAME, COMMIT, HF_ENDPOINT=hub.address).returncode == 0
    (tmp_path / "later").mkdir()
    later = Watch(tmp_path / "later")
    done = later.run(LOAD, NAME, COMMIT, HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path / "home" / ".cache" / "huggingface"))
    assert done.returncode == 0, done.stderr
    assert later.seen() == []


def test_a_branch_is_refused_and_nothing_is_asked(hub: Hub, watch: Watch):
    code = "import sys\nfrom mousai.cli import main\nsys.exit(main(['info', sys.argv[1], '--revision', 'main']))"
    done = watch.run(code, NAME, HF_ENDPOINT=hub.address)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "needs its commit as revision, 40 hexadecimal digits, not 'main'" in done.stderr
    assert hub.asked == [] and watch.seen() == []
