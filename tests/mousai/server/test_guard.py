"""Who may ask: keys, hosts, origins, and bodies that are too much."""

import base64

import pytest

from mousai.errors import UserError
from mousai.server.config import ServerConfig, key_of

from .conftest import ASYNC, QUICK, message_of

KEY = "s3cret-key"
SITE = "https://music.example.org"


@pytest.fixture(scope="module")
def locked(serve):
    """A server that asks for a key."""
    return serve(host="0.0.0.0", api_key=KEY, cors=(SITE,), allowed_hosts=("box.example.org",))


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"anyone:{password}".encode()).decode()


@pytest.mark.parametrize("path", ["/", "/page/js/page.js", "/v1/models", "/metrics", "/openapi.json", "/predictions/a"])
def test_without_the_key_nothing_but_health_answers(locked, path):
    assert locked.get("/health").status_code in (200, 503)
    refused = locked.get(path)
    assert "needs the key" in message_of(refused, 401) and "Basic" in refused.headers["WWW-Authenticate"]
    for headers in ({"Authorization": f"Bearer {KEY}"}, {"X-API-Key": KEY}, {"Authorization": basic(KEY)}):
        assert locked.get(path, headers=headers).status_code != 401
    for wrong in (f"Bearer {KEY}x", "Bearer", f"Basic {KEY}", basic("x"), "Basic ÿ", f"Digest {KEY}"):
        assert locked.get(path, headers={"Authorization": wrong.encode("latin-1")}).status_code == 401


@pytest.mark.parametrize(
    "host", ["evil.example.org", "", "127.0.0.1.evil.org", "localhost.evil.org:7860", "[::1", "a b"]
)
def test_another_name_is_refused_even_for_health(client, host):
    assert "not called" in message_of(client.get("/health", headers={"Host": host}), 403)


@pytest.mark.parametrize("host", ["localhost", "localhost:9", "127.0.0.1:7860", "[::1]:7860", "192.168.1.7:80"])
def test_names_and_numbers_of_this_machine_are_taken(client, host):
    assert client.get("/openapi.json", headers={"Host": host}).status_code == 200


def test_a_further_name_is_taken_where_it_is_allowed(client, locked):
    assert locked.get("/health", headers={"Host": "box.example.org"}).status_code in (200, 503)
    assert client.get("/health", headers={"Host": "box.example.org"}).status_code == 403


@pytest.mark.parametrize(
    "origin",
    [SITE, "null", "http://127.0.0.1:7861", "http://localhost:7860", "file://", "x", "http://[", "http://[x]"],
)
def test_pages_of_other_sites_are_refused(client, origin):
    response = client.post("/predictions", json={"input": QUICK}, headers={**ASYNC, "Origin": origin})
    assert "may not use this server" in message_of(response, 403)
    assert "access-control-allow-origin" not in response.headers


def test_the_own_page_and_named_sites_may_ask(client, locked):
    assert client.get("/v1/models", headers={"Origin": "http://127.0.0.1:7860"}).status_code == 200
    headers = {"Origin": SITE, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "prefer"}
    asked = locked.options("/predictions/a", headers=headers)
    assert asked.status_code == 200 and asked.headers["Access-Control-Allow-Origin"] == SITE
    answered = locked.get("/v1/models", headers={"Origin": SITE, "Authorization": f"Bearer {KEY}"})
    assert answered.status_code == 200 and answered.headers["Access-Control-Allow-Origin"] == SITE


def test_named_sites_can_read_why_they_are_refused_and_others_cannot(locked):
    asked = {"Content-Type": "application/json", "Content-Length": "9" * 30, "Authorization": f"Bearer {KEY}"}
    for refused, status in (
        (locked.get("/v1/models", headers={"Origin": SITE}), 401),
        (locked.post("/predictions", content=b"{}", headers={**asked, "Origin": SITE}), 413),
    ):
        assert message_of(refused, status) and refused.headers["Access-Control-Allow-Origin"] == SITE
    for headers in ({"Origin": SITE, "Host": "evil.example.org"}, {"Origin": "https://evil.example.org"}):
        refused = locked.options("/v1/models", headers={**headers, "Access-Control-Request-Method": "GET"})
        assert message_of(refused, 403) and "access-control-allow-origin" not in refused.headers


def test_every_response_forbids_what_comes_from_elsewhere(client):
    for path in ("/", "/health", "/nothing"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'self'; ")
        assert "http" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_a_body_that_is_too_much_is_refused(client):
    def chunks():
        for _ in range(12):
            yield b" " * 100_000

    headers = {"Content-Type": "application/json"}
    assert "larger than" in message_of(client.post("/predictions", content=chunks(), headers=headers), 413)
    headers["Content-Length"] = "9" * 30
    assert "larger than" in message_of(client.post("/predictions", content=b"{}", headers=headers), 413)


@pytest.mark.parametrize(
    ("settings", "field", "hint"),
    [
        ({"host": "0.0.0.0"}, "host", "can be reached by others"),
        ({"host": "192.168.1.7"}, "host", "can be reached by others"),
        ({"host": "music.example.org"}, "host", "can be reached by others"),
        ({"host": ""}, "host", "must be an address or a name"),
        ({"host": "", "no_auth": True}, "host", "must be an address or a name"),
        ({"api_key": KEY, "no_auth": True}, "no_auth", "leave one of the two out"),
        ({"cors": ("*",)}, "cors", "must be an origin"),
        ({"cors": ("https://a.org/path",)}, "cors", "must be an origin"),
        ({"allowed_hosts": ("a b",)}, "allowed_hosts", "must be the name of a host"),
        ({"webhook_hosts": ("a b",)}, "webhook_hosts", "must be"),
        ({"port": 65536}, "port", "must be 0 to 65535"),
        ({"queue": 0}, "queue", "must be 1 to"),
        ({"keep": 0}, "keep", "must lie above 0"),
        ({"max_duration": 1e9}, "max_duration", "up to 3600"),
        ({"replicas": 0, "ray": "auto"}, "replicas", "must be 1 to 1000"),
        ({"replicas": 1001, "ray": "auto"}, "replicas", "must be 1 to 1000"),
        ({"replicas": 2}, "replicas", "needs a cluster"),
        ({"ray": "head; rm"}, "ray", "must be auto, or HOST:PORT"),
        ({"ray": "ray://head:10001"}, "ray", "must be auto, or HOST:PORT"),
    ],
)
def test_settings_that_make_no_sense_or_let_everyone_in_are_refused(settings, field, hint):
    with pytest.raises(UserError) as caught:
        ServerConfig(**settings)
    assert caught.value.field == field and hint in caught.value.hint
    assert KEY not in str(caught.value)


def test_loopback_needs_no_key_and_another_host_may_go_without_if_told():
    for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost"):
        assert ServerConfig(host=host).is_loopback
    assert not ServerConfig(host="0.0.0.0", no_auth=True).is_loopback
    assert KEY not in repr(ServerConfig(api_key=KEY))


@pytest.mark.parametrize("value", [None, "", "two words", "schlüssel"])
def test_a_key_that_no_header_can_hold_is_refused(monkeypatch, value):
    monkeypatch.delenv("MOUSAI_TEST_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("MOUSAI_TEST_KEY", value)
    with pytest.raises(UserError, match="MOUSAI_TEST_KEY"):
        key_of("MOUSAI_TEST_KEY")
