"""A headless browser that opens a file, and tells what came of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_HINT = "no chromium found; install it: apt-get install chromium (or brew install --cask chromium)"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Opened:
    """What a browser made of a page: its DOM, its console, and the addresses it asked for."""

    dom: str
    console: tuple[str, ...]
    requests: tuple[str, ...]


@pytest.fixture(scope="session")
def browser() -> str:
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(_HINT)
        pytest.skip(_HINT)
    return found


@pytest.fixture(scope="session")
def visit(browser: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Opened]:
    """Give a function that opens HTML as a file, runs its scripts, and reads what is there."""

    def visit(html: str, *flags: str) -> Opened:
        folder = tmp_path_factory.mktemp("visit")
        page, log = folder / "page.html", folder / "net.json"
        page.write_bytes(html.encode())
        done = subprocess.run(
            [
                browser,
                "--headless",
                # Containers run tests as root, where the sandbox can't start.
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-first-run",
                f"--user-data-dir={folder / 'profile'}",
                "--enable-logging=stderr",
                f"--log-net-log={log}",
                # Time as the page sees it: it passes only while nothing is left to be done.
                "--virtual-time-budget=20000",
                "--window-size=1280,2000",
                *flags,
                "--dump-dom",
                page.as_uri(),
            ],
            capture_output=True,
            text=True,
            check=True,
            timeout=240,
        )
        console = re.findall(r":CONSOLE[:(].*", done.stderr)
        return Opened(done.stdout, tuple(console), tuple(_asked(log)))

    return visit


def _asked(log: Path) -> list[str]:
    """Read the addresses that a page asked for; the browser's own errands have no initiator."""
    # The log is cut where the browser stopped; its lines are whole events all the same.
    events: list[dict[str, Any]] = [
        json.loads(line.rstrip().rstrip(",").removesuffix("]}"))
        for line in log.read_text().splitlines()
        if line.startswith('{"params"')
    ]
    asked = (event["params"] for event in events if "url" in event["params"])
    return [
        params["url"]
        for params in asked
        if params.get("initiator", "not an origin") != "not an origin"
        and params["url"].startswith(("http", "ws"))
    ]


@pytest.fixture(scope="session")
def chromium(browser: str) -> Iterator[Browser]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="pip install -e '.[dev]'")
    with sync_api.sync_playwright() as driver:
        # Containers run tests as root, where the sandbox can't start.
        found = driver.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page that may ask for nothing but files, and must say nothing on its console."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    yield page
    assert page.evaluate("window.broken") is None
    assert said == []
    assert [url for url in asked if not url.startswith("file:")] == []
    context.close()
