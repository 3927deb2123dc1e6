"""A real browser on a real server: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from hansa.cli.console import Screen
from hansa.cli.demo import build
from hansa.cli.server import listen
from hansa.kernel.errors import Unavailable
from hansa.kernel.folder import Folder
from hansa.kernel.settings_file import load
from hansa.node import Node
from hansa.spokes.cities import find_city

ARGUMENTS = (
    "--no-sandbox --use-angle=swiftshader --enable-unsafe-swiftshader --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()

MOMENT = "2026-04-15T08:30"
"""A Wednesday morning, by the clock of the demonstration city."""

Open = Callable[..., Page]


def chromium() -> str:
    """Where Chromium is; the test is skipped, by that name, where it is not."""
    found = os.environ.get("HANSA_CHROMIUM") or shutil.which("chromium")
    if not found:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    return found


@contextmanager
def served(node: Node) -> Iterator[str]:
    """The node on a free port, with its live work running; its address."""
    listening = listen("127.0.0.1", 0)
    config = uvicorn.Config(node.app, log_level="warning", ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.02)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture(scope="session")
def town_address(town_node: Node) -> Iterator[str]:
    """The small town, served."""
    chromium()
    with served(town_node) as address:
        yield address


@pytest.fixture(scope="session")
def city_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The demonstration city, built from its package and served at a Wednesday, 08:30."""
    chromium()
    root = tmp_path_factory.mktemp("demo") / "coquimbo"
    try:
        build(Screen(json=True), find_city("coquimbo"), root)
    except Unavailable as fault:
        pytest.skip(f"the demonstration city cannot be had: {fault.sentence}")
    with ExitStack() as stack:
        stack.enter_context(Folder.open(root).locked())
        settings = load(root, {}, {"clock": MOMENT})
        node = stack.enter_context(closing(Node.open(root, settings)))
        yield stack.enter_context(served(node))


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    chromium()
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    started = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
    yield started
    started.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """``open_page(address, width=..., ...)``; any error in the console fails the test.

    City is given back when its map is drawn. `fault` is a part of an error that is expected.
    """
    faults: list[str] = []
    contexts: list[BrowserContext] = []

    def start(
        address: str, *, width: int = 1280, height: int = 800, fault: str = "", **options: Any
    ) -> Page:
        def note(text: str) -> None:
            if not (fault and fault in text):
                faults.append(text)

        context = browser.new_context(
            viewport={"width": width, "height": height}, locale="en-GB", **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: note(str(error)))
        page.on("console", lambda m: note(m.text) if m.type == "error" else None)
        page.goto(address)
        if urlsplit(address).path == "/":
            page.wait_for_selector("html[data-map=ready]", state="attached", timeout=60_000)
        return page

    yield start
    for context in contexts:
        context.close()
    assert faults == []
