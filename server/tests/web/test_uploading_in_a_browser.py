"""Running uploads on Overview in a real browser: the panel follows them by itself, as long as somebody looks."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect
from world import wire
from world.browser import Window
from world.instance import API, COLLECTIONS, Server

pytestmark = pytest.mark.xdist_group("browser")

PANEL = "/overview/uploading"
BLOCK = b"x" * 300_000
SOON = 30_000
"""Milliseconds in which the panel has been asked for again, on a busy machine too."""
LONG = 120_000
"""Milliseconds in which the panel would have been asked for many times."""


def panel(window: Window) -> Locator:
    return window.page.locator("[data-refresh]")


def looks(window: Window) -> int:
    return sum(address.endswith(PANEL) for _, address in window.requests)


def hide(window: Window, *, hidden: bool) -> None:
    window.page.evaluate(
        "hidden => { Object.defineProperty(document, 'hidden', { get: () => hidden, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        hidden,
    )


def test_the_panel_follows_an_upload_without_moving_the_focus(
    signed: Window, listening: Server, collection: str
) -> None:
    expect(panel(signed)).to_have_text("No upload is running.")
    status = signed.page.locator("[data-refresh] [role=status]").element_handle()
    with listening.direct.connected() as connection:
        wire.send_head(connection, "POST", f"{COLLECTIONS}/{collection}/versions", listening.bearer, [])
        wire.send_chunk(connection, BLOCK)
        expect(panel(signed)).to_contain_text("1 upload is running.", timeout=SOON)
        expect(panel(signed)).to_contain_text("300.00kB of an unknown size", timeout=SOON)
        assert signed.violations() == []
        signed.page.locator("[data-refresh] a").focus()
        wire.send_chunk(connection, BLOCK)
        expect(panel(signed)).to_contain_text("600.00kB of an unknown size", timeout=SOON)
        assert signed.page.evaluate("document.activeElement.closest('[data-refresh]') !== null")
        assert status.inner_text() == "1 upload is running."  # the same element, so that only news is announced
        wire.send_chunk(connection, b"")
        assert wire.read_answer(connection, "POST").status == 200
    expect(panel(signed)).to_have_text("No upload is running.", timeout=SOON)


def test_a_hidden_tab_asks_for_nothing(opened: Window) -> None:
    opened.page.clock.install()
    opened.sign_in()
    opened.page.wait_for_url("**/overview")
    with opened.page.expect_response(f"**{PANEL}"):
        opened.page.clock.run_for(10_000)
    hide(opened, hidden=True)
    before = looks(opened)
    opened.page.clock.run_for(LONG)
    assert looks(opened) == before
    hide(opened, hidden=False)
    with opened.page.expect_response(f"**{PANEL}"):
        opened.page.clock.run_for(10_000)


def test_a_session_that_ends_meanwhile_leads_to_login_with_the_reason(signed: Window, listening: Server) -> None:
    cookie = next(one for one in signed.page.context.cookies() if one["name"] == "session")
    bearer = {"Authorization": f"Bearer {cookie['value'].split('.', 3)[3]}"}
    assert listening.direct.ask("DELETE", f"{API}/auth/token/current-session", bearer).status == 200
    signed.page.wait_for_url("**/login")
    assert signed.said() == ["The token was revoked, used up or never issued"]
