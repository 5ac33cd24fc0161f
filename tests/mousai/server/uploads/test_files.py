"""Uploads that are sound, and those that are not."""

import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from ..conftest import message_of, service_of, upload, wav


def send(client, content: bytes, *, name: str = "song.wav", part: str = "file"):
    return client.post("/v1/files", files={part: (name, content)})


def left(client) -> set[Path]:
    """Files on disk that the store does not know."""
    store = service_of(client).files
    return set(store.folder.iterdir()) - {one.path for one in store._files.values()}


def zipped() -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as opened:
        opened.writestr("song.wav", wav())
    return file.getvalue()


def promising(frames: int) -> bytes:
    """A WAV whose header promises more sound than there is."""
    content = bytearray(wav(0.1, channels=1))
    content[40:44] = (frames * 2).to_bytes(4, "little")
    content[4:8] = (frames * 2 + 36).to_bytes(4, "little")
    return bytes(content)


def test_an_upload_is_described_sent_back_and_removed(client):
    content = wav(0.5, rate=44100, channels=1)
    response = send(client, content, name="../../song.wav")
    assert response.status_code == 201
    found = response.json()
    assert found["kind"] == "upload" and found["seconds"] == 0.5 and found["sample_rate"] == 44100
    assert found["channels"] == 1 and found["bytes"] == len(content) and found["made"] == {}
    assert client.get(f"/v1/files/{found['id']}/info").json()["id"] == found["id"]
    assert client.get(f"/v1/files/{found['id']}").content == content
    part = client.get(f"/v1/files/{found['id']}", headers={"Range": "bytes=10-19"})
    assert part.status_code == 206 and part.content == content[10:20]
    assert client.delete(f"/v1/files/{found['id']}").status_code == 204
    assert "no file" in message_of(client.get(f"/v1/files/{found['id']}"), 404)
    assert "no file" in message_of(client.delete(f"/v1/files/{found['id']}"), 404)


@pytest.mark.parametrize(
    ("content", "status", "hint"),
    [
        (b"", 415, "empty"),
        (b"some words", 415, "cannot be read as audio"),
        (zipped(), 415, "cannot be read as audio"),
        (wav()[:3000], 415, "cut short"),
        (promising(10**8), 415, "cut short"),
        (wav(0.1, channels=4), 415, "4 channels"),
        (wav(0.1, rate=200), 415, "200 samples a second"),
        (wav(0.1, level=20.0, subtype="FLOAT"), 415, "beyond ±1"),
        (wav(0.1, level=float("nan"), subtype="FLOAT"), 415, "not a number"),
        (wav(31.0, rate=8000, channels=1), 413, "longer than 30 s"),
        (b"\0" * 2_100_000, 413, "larger than 2 MB"),
    ],
    ids=["nothing", "text", "zip", "cut", "lie", "4 channels", "slow", "loud", "nan", "long", "large"],
)
def test_an_upload_that_is_no_sound_is_refused_and_nothing_stays(client, content, status, hint):
    assert hint in message_of(send(client, content, name="song.wav"), status)
    assert not left(client)


def test_a_length_that_is_too_much_is_refused_before_anything_is_read(client):
    def endless():
        yield b"--x\r\n"
        raise AssertionError("more was read")

    headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": str(4 * 10**9)}
    response = client.post("/v1/files", content=b"--x\r\n", headers=headers)
    assert "larger than 2 MB" in message_of(response, 413)


@pytest.mark.parametrize("parts", [[bytes(2 * 10**6 + 1), b"\r\n--x--\r\n"], [b"\r\n--x--\r\n", bytes(3 * 10**6)]])
def test_a_body_that_does_not_state_its_length_ends_somewhere(client, parts):
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    response = client.post("/v1/files", content=iter([head, *parts]), headers=headers)
    assert message_of(response, 413) == "file: is larger than 2 MB"


@pytest.mark.parametrize(
    ("body", "status", "hint"),
    [
        (b'--x\r\nContent-Disposition: form-data; name="path"\r\n\r\n/etc/passwd\r\n--x--\r\n', 422, "one part"),
        (b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nRIFF', 422, "cut short"),
        (b"--x--\r\n", 422, "missing"),
        (b"", 422, "missing"),
        (b"no boundary here", 400, "not multipart"),
        (b"--x\r\nA: " + b"b" * 10_000 + b"\r\n\r\n", 400, "not multipart"),
        (2 * b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\na\r\n' + b"--x--\r\n", 422, "two"),
    ],
)
def test_a_form_that_is_none_is_refused(client, body, status, hint):
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert hint in message_of(client.post("/v1/files", content=body, headers=headers), status)
    assert not left(client)


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", "multipart/form-data; boundary=", ""])
def test_what_is_no_form_is_refused(client, kind):
    response = client.post("/v1/files", content=wav(), headers={"Content-Type": kind})
    assert "multipart/form-data" in message_of(response, 415)


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/v1/files/../../etc/passwd",
            "/v1/files/%2e%2e%2fetc%2fpasswd",
            "/v1/files/..%5c..",
            "/v1/files//etc/passwd",
        ),
        *(
            "/v1/files/" + "a" * 33,
            "/v1/files/" + "A" * 32,
            "/v1/files/%00",
            "/page/..%2fapp.py",
            "/page/%2e%2e/app.py",
        ),
        *("/page//etc/passwd", "/page/", "/page/" + "a" * 300, "/index.html", "/page/index.html/"),
    ],
)
def test_no_path_leads_out_of_the_store_or_the_page(client, path):
    response = client.get(path)
    assert message_of(response, response.status_code) and response.status_code in (404, 422)


def test_a_full_store_takes_nothing_more(serve):
    client = serve(storage=1)
    name = upload(client, wav(4.0))
    refused = send(client, wav(4.0))
    assert "store of 1 MB is full" in message_of(refused, 429) and refused.headers["Retry-After"]
    assert not left(client)
    client.delete(f"/v1/files/{name}")
    assert send(client, wav(1.0)).status_code == 201


def test_the_folder_is_private_and_goes_with_the_server(saved_model):
    from starlette.testclient import TestClient

    from mousai.server.app import create_app
    from mousai.server.config import ServerConfig
    from mousai.server.service import Service, served_model

    service = Service(ServerConfig(), served_model(saved_model, name="bundled", dtype="float32"))
    folder = service.files.folder
    assert folder.stat().st_mode & 0o077 == 0
    with TestClient(create_app(service), base_url="http://127.0.0.1") as client:
        upload(client)
        assert list(folder.iterdir())
    assert not folder.exists()
