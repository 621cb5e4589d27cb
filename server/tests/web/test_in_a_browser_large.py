"""A large file in a real browser: it passes through, and neither the page nor the browser grows with it (case 73)."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from world.browser import window
from world.instance import COLLECTIONS, Server

pytestmark = pytest.mark.xdist_group("big")

_SIZE = 600_000_000
_GROWTH = 150_000_000
"""Bytes by which all processes of the browser may grow together; a page that read the file would need four times that."""


def test_large_files_do_not_grow_the_browsers_memory(
    browser: Browser, listening: Server, collection: str, tmp_path: Path
) -> None:
    """Case 73; what the browser holds is looked at again and again while the bytes are on their way."""
    file = tmp_path / "large.bin"
    with file.open("wb") as large:
        large.truncate(_SIZE)
    with window(browser, f"http://{listening.direct.host}") as one:
        one.sign_in()
        one.page.wait_for_url("**/overview")
        one.open(f"/backup/collection/{collection}")
        held = [one.memory()]
        one.page.get_by_label("File", exact=True).set_input_files(file)
        one.page.get_by_role("button", name="Upload", exact=True).click()
        while not one.page.locator(".notice").count():
            held.append(one.memory())
        expect(one.page.locator("#notices .text")).to_have_text("Version uploaded")
        with one.page.expect_download() as waiting:
            one.page.get_by_role("link", name="Download").click()
        assert Path(waiting.value.path()).stat().st_size == _SIZE
        held.append(one.memory())
        assert max(held) - held[0] < _GROWTH
        assert one.unasked() == []
    answer = listening.direct.ask("GET", f"{COLLECTIONS}/{collection}/versions", listening.bearer)
    (version,) = answer.json()["versions"].values()
    assert version["details"]["file"]["filesize_bytes"] == _SIZE
