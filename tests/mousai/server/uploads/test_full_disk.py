"""A full or read-only disk under the server: an answer that says so, nothing left, and later the same request works."""

import errno
import os
import resource
from contextlib import contextmanager
from pathlib import Path

import pytest

from ..conftest import message_of, predict, service_of, upload, wav


@contextmanager
def files_of(limit: int):
    """No file may become larger, which stands for a full disk: the same calls fail."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def names(client):
    return {path.name for path in service_of(client).files.folder.iterdir()}


@pytest.mark.parametrize("limit", [0, 4096, 40_000])
def test_an_upload_that_does_not_fit_is_answered_and_leaves_nothing(client, limit):
    before = names(client)
    with files_of(limit):
        response = client.post("/v1/files", files={"file": ("a.wav", wav(1.0))})
    assert "disk of the server is full" in message_of(response, 507)
    assert names(client) == before
    assert client.post("/v1/files", files={"file": ("a.wav", wav(1.0))}).status_code == 201


@pytest.mark.parametrize("limit", [0, 4096])
def test_a_piece_that_does_not_fit_fails_with_the_reason(client, limit):
    body = {"input": {"prompt": "calm piano pop", "duration": 0.3, "seed": 1}}
    before = names(client)
    with files_of(limit):
        made = client.post("/predictions", json=body).json()
    assert made["status"] == "failed" and "cannot be written" in made["error"], made
    assert "response_format" not in made["error"] and names(client) == before
    assert client.post("/predictions", json=body).json()["status"] == "succeeded"


def test_a_download_in_another_container_that_does_not_fit_is_answered(client):
    found = upload(client, wav(0.5))
    with files_of(100):
        response = client.get(f"/v1/files/{found}?format=flac")
    assert message_of(response, 507) == "format: flac: cannot be written: File too large"
    assert client.get(f"/v1/files/{found}?format=flac").status_code == 200


def test_a_container_that_cannot_hold_the_rate_is_still_refused(client):
    found = upload(client, wav(0.5, rate=96_000, channels=1))
    body = {"input": {"verb": "vary", "recording": found, "prompt": "rock", "response_format": "mp3"}}
    assert "cannot hold 96000 samples a second" in message_of(client.post("/predictions", json=body), 422)


def test_a_disk_that_turned_read_only_is_said(client, monkeypatch):
    found, before, open_file = upload(client, wav(0.5)), names(client), Path.open

    def refuse(path, mode="r", *args, **settings):
        if "x" in mode:  # with which uploads, results and downloads begin
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return open_file(path, mode, *args, **settings)

    monkeypatch.setattr(Path, "open", refuse)
    response = client.post("/v1/files", files={"file": ("a.wav", wav(1.0))})
    said = "the disk of the server cannot be written (Read-only file system); mend that, then ask again"
    assert message_of(response, 507) == said
    said = "format: flac: cannot be written: Read-only file system"
    assert message_of(client.get(f"/v1/files/{found}?format=flac"), 507) == said
    assert "cannot be written: Read-only file system" in predict(client)["error"]
    monkeypatch.undo()
    assert names(client) == before
    assert client.get(f"/v1/files/{found}?format=flac").status_code == 200
