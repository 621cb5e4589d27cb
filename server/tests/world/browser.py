"""A real browser in front of a real server: Debian's Chromium, driven by Playwright, one page at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psutil
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright
from world.instance import ADMIN, PASSWORD
from world.programs import require_program

WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
"""The two windows in which everything must work."""

_LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_PATIENCE = 20_000
"""Milliseconds after which something that does not appear counts as missing."""


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser and end it again; without it the test is skipped."""
    program = require_program("chromium")
    with sync_playwright() as playwright:
        # the tests' own pages on the loopback interface; as root the sandbox cannot start
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Window:
    """One window with its own cookies, which remembers what went wrong in it and what it asked for."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    """What the browser wrote to its log, refused policies and scripts that failed among it."""
    requests: list[tuple[str, str]] = field(default_factory=list)
    """Method and address of everything that was asked for."""

    def open(self, path: str) -> None:
        """Load a page."""
        self.page.goto(self.url + path)

    def said(self) -> list[str]:
        """Give the texts of the notices once there are any."""
        self.page.locator("#notices .text").first.wait_for()
        return self.page.locator("#notices .text").all_inner_texts()

    def sign_in(self, email: str = ADMIN, password: str = PASSWORD) -> None:
        """Sign in by the form."""
        self.open("/login")
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    def violations(self) -> list[str]:
        """Give what is inaccessible on this page, in light and in dark, and whether it is wider than the window."""
        found = []
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)
            results: dict[str, Any] = Axe().run(self.page, options={"runOnly": _LEVELS}).response
            for violation in results["violations"]:
                places = [str(node["target"]) for node in violation["nodes"]]
                found.append(f"{self.page.url} in {scheme}: {violation['id']} at {', '.join(places)}")
        if self.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{self.page.url} is wider than the window")
        return found

    def memory(self) -> int:
        """Give the bytes that the processes of pages hold."""
        held = 0
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if "--type=renderer" in process.cmdline():
                    held += process.memory_info().rss
        return held

    def posts(self) -> list[str]:
        """Give the addresses of everything that was sent."""
        return [address for method, address in self.requests if method == "POST"]


@contextlib.contextmanager
def window(browser: Browser, url: str, size: Any = WIDE) -> Iterator[Window]:
    """Open a window and close it again."""
    context = browser.new_context(viewport=size, permissions=["clipboard-read", "clipboard-write"])
    context.set_default_timeout(_PATIENCE)
    page = context.new_page()
    opened = Window(page, url)
    page.on("console", lambda line: opened.complaints.append(line.text) if line.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    page.on("request", lambda request: opened.requests.append((request.method, request.url)))
    try:
        yield opened
    finally:
        context.close()
