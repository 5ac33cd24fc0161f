"""Which URLs are taken, and which hosts are allowed."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mousai.errors import UserError
from mousai.server.config import ServerConfig
from mousai.server.webhooks.receiver import receiver_of

ALLOWED = ("music.example.org", "10.0.0.5:8000", "[::1]:9000", "localhost:81", "my_app", "_a.b_c:9000")


@pytest.mark.parametrize(
    ("url", "secure", "place", "target"),
    [
        ("https://music.example.org", True, "music.example.org:443", "/"),
        ("http://music.example.org/made/a?b=c&d=%20", False, "music.example.org:80", "/made/a?b=c&d=%20"),
        ("HTTPS://Music.Example.ORG:443/Made", True, "music.example.org:443", "/Made"),
        ("https://music.example.org?token=1", True, "music.example.org:443", "/?token=1"),
        ("http://10.0.0.5:8000/", False, "10.0.0.5:8000", "/"),
        ("https://10.0.0.5:8000/", True, "10.0.0.5:8000", "/"),
        ("http://[0:0::1]:9000/x", False, "[::1]:9000", "/x"),
        ("http://my_app/made", False, "my_app:80", "/made"),
        ("http://_a.B_c:9000/", False, "_a.b_c:9000", "/"),
    ],
)
def test_an_allowed_receiver_is_taken(url, secure, place, target):
    found = receiver_of(url, ALLOWED)
    assert (found.secure, found.place, found.target) == (secure, place, target)


@pytest.mark.parametrize(
    "url",
    [
        *("http://other.example.org/", "http://example.org/", "http://music.example.org.evil.org/"),
        *("http://music.example.org:8080/", "http://music.example.org:443/", "https://music.example.org:80/"),
        *("http://10.0.0.5/", "http://10.0.0.5:80001/", "http://10.0.0.5:0/", "http://167772165:8000/"),
        *("http://localhost/", "http://127.0.0.1:81/", "http://[::1]/", "http://[::2]:9000/", "http://0x7f.1:81/"),
    ],
)
def test_another_host_or_port_is_refused_and_the_option_is_named(url):
    with pytest.raises(UserError, match=r"^webhook: goes to \S+; start the server with --webhook-host \S+ if it may$"):
        receiver_of(url, ALLOWED)


@pytest.mark.parametrize(
    "url",
    [
        *("", "music.example.org", "ftp://music.example.org/", "file:///etc/passwd", "//music.example.org/"),
        *(
            "http://user@music.example.org/",
            "http://user:word@music.example.org/",
            "http://music.example.org@evil.org/",
        ),
        *(
            "http://evil.org\\@music.example.org/",
            "http://music.example.org\\.evil.org/",
            "http://music.example.org#@e/",
        ),
        *("http://music.example.org/#part", "http://music.example.org/a b", "http://music.example.org/\r\nX: y"),
        *("http://music.example.org/\n", " http://music.example.org/", "http://\u212aey.example.org/", "http://ü.org/"),
        *("http://music.example.org:/", "http://music.example.org:٨٠/", "http://[::g]:9000/", "http://[1::2::3]/"),
        "https://music.example.org/" + "a" * 2000,
    ],
)
def test_what_is_no_plain_url_is_refused(url):
    with pytest.raises(UserError, match=r"^webhook: must be the URL of a receiver"):
        receiver_of(url, ALLOWED)


@given(st.text(max_size=60) | st.from_regex(r"https?://[a-z_.@:\\/#?\[\]0-9-]{1,40}", fullmatch=True))
def test_what_is_connected_to_is_what_a_browser_and_the_list_call_the_host(url):
    try:
        found = receiver_of(url, ("a", "a.b", "a-b:1"))
    except UserError as error:
        assert "\n" not in str(error)
        return
    assert (found.host, found.port) in {("a", 80), ("a", 443), ("a.b", 80), ("a.b", 443), ("a-b", 1)}
    assert urlsplit(url).hostname == found.host


@pytest.mark.parametrize(
    "host", ["", "http://music.example.org", "music.example.org/made", "a:0", "a:70000", "a b", "*"]
)
def test_an_allowed_host_that_is_none_is_refused(host):
    with pytest.raises(UserError, match="must be HOST or HOST:PORT"):
        ServerConfig(webhook_hosts=(host,))
