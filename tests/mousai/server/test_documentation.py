"""The curl lines and the Python of docs/serving.md, run against a real server on a real socket."""

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
import uvicorn

from mousai.audio.files import read_metadata
from mousai.server.app import create_app
from mousai.server.config import ServerConfig
from mousai.server.run import bound_socket
from mousai.server.service import Service, served_model

PAGE = (Path(__file__).parents[3] / "docs" / "serving.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:7860"


@pytest.fixture(scope="module")
def address(saved_model: Path) -> Iterator[str]:
    service = Service(ServerConfig(), served_model(saved_model, name="bundled", dtype="float32"))
    server = uvicorn.Server(uvicorn.Config(create_app(service), log_level="warning"))
    with bound_socket("127.0.0.1", 0) as listening:
        thread = threading.Thread(target=lambda: server.run(sockets=[listening]))
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_curl_lines_do_what_the_page_says(address: str, tmp_path: Path):
    lines = [line for block in blocks("sh") for line in block.replace("\\\n", " ").splitlines() if line.strip()]
    assert len(lines) == 5 and all(line.startswith("curl ") for line in lines)
    said = []
    for line in lines:
        command = line.replace(ADDRESS, address).replace('"duration": 10', '"duration": 0.3')
        done = subprocess.run(["bash", "-ec", command], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    assert soundfile.info(tmp_path / "song.flac").duration == pytest.approx(0.3)
    assert read_metadata(tmp_path / "song.flac")["seed"] == "1"
    assert json.loads(said[1])["id"] == "my-song"
    assert "event: done" in said[2]  # and its progress before, where it is not done already
    assert json.loads(said[3])["status"] == "succeeded"
    assert json.loads(said[4])["made"]["prompt"] == "calm piano pop, 100 bpm"


def test_the_python_example_runs(address: str):
    (example,) = blocks("python")
    names: dict[str, object] = {}
    exec(example.replace(ADDRESS, address).replace('"duration": 5', '"duration": 0.3'), names)
    assert names["made"]["status"] == "succeeded" and names["sound"][:4] == b"RIFF"


def test_the_refusal_that_is_shown_is_the_one_that_is_given(address: str):
    import httpx

    shown = json.loads(re.search(r'^    (\{"error".*)$', PAGE, flags=re.MULTILINE)[1])
    given = httpx.post(f"{address}/predictions", json={"input": {"prompt": "jazz", "duration": 700}})
    assert given.status_code == 422 and given.json() == shown
