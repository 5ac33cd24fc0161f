"""The page in Chromium: a server of this process around a model in miniature, and a browser without a past."""

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from mousai.server.app import create_app
from mousai.server.config import ServerConfig
from mousai.server.run import address_of, bound_socket
from mousai.server.service import Service, served_model

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio"),
)
LONGEST = 30_000
"""Milliseconds that anything may take."""
LENGTH = "Number(document.getElementById('audio').duration)"

in_chromium = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium (Debian, Ubuntu: apt-get install chromium)"),
]


@contextmanager
def served(folder: Path, name: str) -> Iterator[str]:
    """URL of a server of this process."""
    service = Service(ServerConfig(port=0), served_model(folder, name=name, dtype="float32"))
    listening = bound_socket("127.0.0.1", 0)
    config = uvicorn.Config(create_app(service), log_level="warning", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])))
    thread.start()
    yield address_of(listening, "127.0.0.1")
    server.should_exit = True
    thread.join()
    listening.close()


@pytest.fixture(scope="module")
def address(saved_model: Path) -> Iterator[str]:
    """URL of a server whose model follows tempo, key and lead alone."""
    with served(saved_model, "bundled") as url:
        yield url


@pytest.fixture(scope="module")
def follows(controlled_model: Path) -> Iterator[str]:
    """URL of a server whose model follows chords, a tune and sections."""
    with served(controlled_model, "own") as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens the page of a server in a browser without a past; the test fails where it complains on the console."""
    complaints: list[str] = []
    with ExitStack() as stack:

        def go(url: str, **how: Any) -> Any:
            given = {"viewport": {"width": 1280, "height": 900}, "accept_downloads": True, **how}
            context = stack.enter_context(browser.new_context(**given))
            context.set_default_timeout(LONGEST)
            page = context.new_page()
            page.on("console", lambda one: complaints.append(one.text) if one.type in ("error", "warning") else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.goto(url)
            page.locator("#server[data-status=ready]").wait_for()
            return page

        yield go
    # The browser itself writes down what was refused: /health before the model is loaded, and what a test asks wrongly.
    assert [one for one in complaints if not any(status in one for status in ("503", "422", "415"))] == []


@pytest.fixture
def page(visit: Callable[..., Any], address: str) -> Any:
    """The page of a model that follows nothing beside tempo, key and lead."""
    return visit(address)


@pytest.fixture
def followed_page(visit: Callable[..., Any], follows: str) -> Any:
    """The page of a model that follows chords, a tune and sections."""
    return visit(follows)


def versions(page: Any, count: int) -> None:
    """Wait for so many versions, and for the sound of the one that is chosen."""
    page.locator("#versions li").nth(count - 1).wait_for()
    assert page.locator("#versions li").count() == count
    page.locator("#deck[aria-busy=false]").wait_for()
