"""The network is used for what a user names and for nothing else; `mousai serve` listens where it is told."""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from .cli.helpers import tone
from .watched import Watch

RUN = """
import json, sys
from mousai.cli import main

for words in json.loads(sys.argv[1]):
    try:
        code = main(words)
    except SystemExit as left:  # argparse, after --version
        code = left.code
    assert not code, words
"""


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    (tmp_path / "home").mkdir()
    return Watch(tmp_path / "home")


@pytest.mark.parametrize(
    ("code", "event"),
    [
        ("import socket; socket.socket().connect_ex(('127.0.0.1', 9))", "socket.connect"),
        ("import socket; socket.getaddrinfo('localhost', 80)", "socket.getaddrinfo"),
        ("import socket; socket.gethostbyname('localhost')", "socket.gethostbyname"),
        ("import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('127.0.0.1', 9))", "socket.sendto"),
        ("import socket; socket.socket().bind(('127.0.0.1', 0))", "socket.bind"),
        ("import sys, subprocess; subprocess.run([sys.executable, '-c', sys.argv[1]])", "socket.connect"),
        ("import hf_xet", "import"),
    ],
)
def test_the_watch_sees_it(watch: Watch, code: str, event: str):
    watch.run(code, "import socket; socket.socket().connect_ex(('127.0.0.1', 9))")
    assert [seen[0] for seen in watch.seen()] == [event]


@pytest.mark.slow
def test_making_and_changing_music_connects_to_nothing(watch: Watch, saved_model: Path, tmp_path: Path):
    tone(tmp_path / "in.wav", 2.0)
    quick = ["--steps", "2", "--decoder-steps", "1", "--dtype", "float32"]
    region = ["--region", "0.5:0.8", "--inpaint-resamples", "1", "--tempo", "120", "--first-downbeat", "0.1"]
    region += ["--key", "A minor"]
    model = ["--model", str(saved_model)]
    commands = [
        ["--version"],
        ["info"],
        ["info", str(saved_model)],
        ["generate", "calm piano, 100 bpm", *model, *quick, "--duration", "0.3", "-o", str(tmp_path / "a.wav")],
        ["generate", "calm piano, 100 bpm", *quick, "--duration", "1", "-o", str(tmp_path / "bundled.flac")],
        ["info", str(tmp_path / "a.wav")],
        ["edit", str(tmp_path / "in.wav"), "calm piano", *region, *model, *quick, "-o", str(tmp_path / "edited.wav")],
        ["encode", str(tmp_path / "in.wav"), *model, "-o", str(tmp_path / "in.safetensors")],
        ["decode", str(tmp_path / "in.safetensors"), *model, "-o", str(tmp_path / "again.wav")],
    ]
    done = watch.run(RUN, json.dumps(commands))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "bundled.flac").is_file() and (tmp_path / "edited.wav").is_file()
    assert watch.seen() == []


@pytest.mark.slow
def test_a_server_listens_on_its_address_and_connects_to_nothing(watch: Watch, saved_model: Path, tmp_path: Path):
    program = [sys.executable, "-m", "mousai", "serve", "--port", "0", "--model", str(saved_model)]
    process = subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=watch.environment, cwd=tmp_path
    )
    try:
        assert process.stdout is not None and process.stderr is not None
        address = process.stdout.readline().split()[1].rstrip("/")
        assert process.stdout.readline() == "mousai: ready\n"
        body = {"input": {"prompt": "calm piano", "duration": 0.3, "steps": 2, "decoder_steps": 1}}
        headers = {"Content-Type": "application/json", "Prefer": "wait=60"}
        request = urllib.request.Request(f"{address}/predictions", data=json.dumps(body).encode(), headers=headers)
        with urllib.request.urlopen(request, timeout=120) as response:
            job = json.load(response)
        while job["status"] in ("starting", "processing"):
            time.sleep(0.1)
            with urllib.request.urlopen(f"{address}/predictions/{job['id']}", timeout=120) as response:
                job = json.load(response)
        assert job["status"] == "succeeded"
        for page in ("/", "/health", "/v1/models"):
            with urllib.request.urlopen(address + page, timeout=120) as response:
                assert response.status == 200
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=120)
    seen = watch.seen()
    assert [event[0] for event in seen].count("socket.bind") == 1
    for event, first, *_ in seen:
        if event == "socket.getaddrinfo":
            assert first == "127.0.0.1"
        else:
            assert (event, first[0]) == ("socket.bind", "127.0.0.1")
