"""A real browser in front of a real server: Debian's Chromium, driven by Playwright, one page at a time."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psutil
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, CDPSession, ConsoleMessage, Page, sync_playwright
from world.instance import ADMIN, PASSWORD
from world.programs import require_program

WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
"""The two windows in which everything must work."""

_LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_PATIENCE = 30_000
"""Milliseconds after which something that does not appear counts as missing."""
_MOST_TABS = 150
"""Presses of Tab after which something counts as out of reach."""
_REFUSED = re.compile(r"Failed to load resource: the server responded with a status of (\d+)")
_FOCUS = """() => {
  const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
  const name = one.labels?.length ? one.labels[0].textContent : one.getAttribute('aria-label') ?? one.textContent;
  const inside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  const seen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && inside && box.width > 0;
  return [name.replace(/\\s+/g, ' ').trim(), seen];
}"""


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
    expected: set[int] = field(default_factory=lambda: {400, 401, 403, 404})
    """Statuses of pages and of the API that the browser may complain about; an asset must always be there."""
    blurred: list[str] = field(default_factory=list)
    """What had the focus in `tab_to` without showing it."""

    def open(self, path: str) -> None:
        """Load a page."""
        self.page.goto(self.url + path)

    def said(self) -> list[str]:
        """Give the texts of the notices once there are any, wherever they belong."""
        self.page.locator(".notice .text").first.wait_for()
        return self.page.locator(".notice .text").all_inner_texts()

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

    def tab_to(self, name: str) -> None:
        """Press Tab until something of this name has the focus; note what had it on the way and did not show it.

        Raises:
            LookupError: nothing of this name is reached.
        """
        reached = []
        for _ in range(_MOST_TABS):
            self.page.keyboard.press("Tab")
            found, seen = self.page.evaluate(_FOCUS)
            reached.append(found)
            if not seen:
                self.blurred.append(found)
            if found == name:
                return
        raise LookupError(f"{name} is not among {reached}")

    def unasked(self) -> list[str]:
        """Give what the page should not have done: complaints of the browser, and requests to another host."""
        elsewhere = [address for _, address in self.requests if not address.startswith((self.url, "data:", "blob:"))]
        return self.complaints + elsewhere

    def assets(self) -> int:
        """Give the bytes of style, scripts and icon that this page needs."""
        sizes = "performance.getEntriesByType('resource').filter((one) => one.name.includes('/assets/'))"
        total: int = self.page.evaluate(f"{sizes}.reduce((sum, one) => sum + one.decodedBodySize, 0)")
        return total

    def slowed(self, upload: int) -> CDPSession:
        """Let the page send so many bytes a second; 0 ends that."""
        devtools = self.page.context.new_cdp_session(self.page)
        line = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": upload or -1}
        devtools.send("Network.enable")
        devtools.send("Network.emulateNetworkConditions", line)
        return devtools

    def memory(self) -> int:
        """Give the bytes that the processes of the browser hold."""
        held = 0
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if "chromium" in process.name():
                    held += process.memory_info().rss
        return held

    def note(self, line: ConsoleMessage) -> None:
        """Keep a line of the browser's log when it is a complaint."""
        refused = _REFUSED.match(line.text)
        about_page = "/assets/" not in line.location.get("url", "")
        if refused and about_page and int(refused[1]) in self.expected:
            return
        if line.type in {"error", "warning"}:
            self.complaints.append(f"{self.page.url}: {line.text}")

    def posts(self) -> list[str]:
        """Give the addresses of everything that was sent."""
        return [address for method, address in self.requests if method == "POST"]


@contextlib.contextmanager
def window(browser: Browser, url: str, size: Any = WIDE, **options: Any) -> Iterator[Window]:
    """Open a window and close it again; the options are those of a browser context."""
    context = browser.new_context(viewport=size, permissions=["clipboard-read", "clipboard-write"], **options)
    context.set_default_timeout(_PATIENCE)
    page = context.new_page()
    opened = Window(page, url)
    page.on("console", opened.note)
    page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    page.on("request", lambda request: opened.requests.append((request.method, request.url)))
    try:
        yield opened
    finally:
        context.close()
