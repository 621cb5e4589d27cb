"""The web console for everybody: accessible, by keyboard alone, strict, small, the first steps included (case 77)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from world import wire
from world.browser import PHONE, WIDE, Window, window
from world.console import accepts, bare, run, said, started
from world.instance import ADMIN, API, COLLECTIONS, PASSWORD, Server
from world.ports import free_port
from world.waiting import eventually

pytestmark = pytest.mark.xdist_group("browser")

_CODE = re.compile(r"set-up code: (\S+)")
_MOST_BYTES = 100_000
"""What style, scripts and icon of one page may need."""


def admin_id(signed: Window) -> str:
    address = signed.page.locator("footer a").get_attribute("href") or ""
    return address.rpartition("/")[2]


def opened_up(page: Page) -> None:
    """Show everything that can be opened."""
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")


def faults(one: Window) -> list[str]:
    """What is wrong with this page for somebody."""
    opened_up(one.page)
    found = one.violations()
    if one.assets() >= _MOST_BYTES:
        found.append(f"{one.page.url} needs {one.assets()} bytes of assets")
    return found


def test_lists_and_forms_are_accessible_and_small(signed: Window, listening: Server, collection: str) -> None:
    """Case 77."""
    listening.direct.ask("POST", f"{COLLECTIONS}/{collection}/versions", listening.bearer, os.urandom(10))
    found = []
    for path in (
        *("/overview", "/users", "/users?q=nobody-of-this-name", "/user", "/security/access-tokens"),
        *("/backup/collections", "/backup/collections?from=yesterday", "/backup/collection"),
        *(f"/backup/collection/{collection}", f"/user/{admin_id(signed)}"),
    ):
        signed.open(path)
        found += faults(signed)
    assert found == []


def test_what_a_form_answers_is_accessible_and_small(signed: Window, collection: str, tmp_path: Path) -> None:
    """Case 77."""
    page, found = signed.page, []
    signed.open("/backup/collection")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("alert")).to_contain_text("Please correct what is marked")
    found += faults(signed)
    signed.open("/security/access-tokens")
    page.get_by_role("button", name="Generate").click()
    page.locator("#token").wait_for()
    found += faults(signed)
    file = tmp_path / "large.bin"
    with file.open("wb") as large:
        large.truncate(100_000_000)
    signed.open(f"/backup/collection/{collection}")
    signed.slowed(500_000)
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.locator("[data-state]")).to_contain_text("left")
    found += faults(signed)
    page.get_by_role("button", name="Cancel the upload").click()
    signed.said()
    found += faults(signed)
    assert found == []


def test_login_logout_and_failures_are_accessible_and_small(signed: Window, listening: Server) -> None:
    """Case 77."""
    found = []
    for path in ("/logout", "/nothing/here"):
        signed.open(path)
        found += faults(signed)
    email = f"nobody-{os.urandom(4).hex()}@example.org"
    fields = {"email": email, "password": PASSWORD, "permissions": ["ROLE_USER"], "data": {}}
    listening.direct.ask("POST", f"{API}/auth/user", listening.bearer, wire.as_json(fields))
    signed.page.get_by_role("button", name="Logout").click()
    signed.page.wait_for_url("**/login")
    found += faults(signed)
    signed.open("/login?with=token")
    found += faults(signed)
    signed.sign_in(email)
    signed.page.wait_for_url("**/overview")
    found += faults(signed)  # of somebody who may do nothing
    signed.open("/users")
    assert signed.said() == ["No permission to search for users"]
    found += faults(signed)
    assert found == []


def test_everything_is_done_by_keyboard_with_a_visible_focus(opened: Window, tmp_path: Path) -> None:
    page, file = opened.page, tmp_path / "dump.bin"
    file.write_bytes(os.urandom(1000))
    page.on("filechooser", lambda chooser: chooser.set_files(file))  # what a person does in a window of the system
    opened.open("/login")
    opened.tab_to("Skip to the content")
    for name, typed in (("E-mail", ADMIN), ("Password", PASSWORD)):
        opened.tab_to(name)
        page.keyboard.type(typed)
    page.keyboard.press("Enter")
    page.wait_for_url("**/overview")
    follow(opened, "Backup collections")
    follow(opened, "Create a new backup collection")
    opened.tab_to("File name")
    page.keyboard.type("by-keyboard.tar")
    follow(opened, "Create")
    assert opened.said() == ["Collection created"]
    opened.tab_to("File")
    page.keyboard.press("Enter")
    expect(page.get_by_label("File", exact=True)).to_have_value(re.compile("dump.bin"))
    follow(opened, "Upload")
    assert opened.said() == ["Version uploaded"]
    opened.tab_to("Delete… v1")
    page.keyboard.press("Enter")
    opened.tab_to("Type v1 to confirm")
    page.keyboard.type("v1")
    follow(opened, "Delete v1")
    assert opened.said() == ["Version deleted"]
    opened.tab_to("Type by-keyboard.tar to confirm")
    page.keyboard.type("by-keyboard.tar")
    follow(opened, "Delete the collection")
    assert opened.said() == ["Collection deleted"]
    follow(opened, "Logout")
    assert opened.said() == ["Signed out"]
    assert opened.blurred == []


def follow(one: Window, name: str) -> None:
    """Reach something by Tab, press Enter, and wait for where that leads."""
    one.tab_to(name)
    with one.page.expect_navigation():
        one.page.keyboard.press("Enter")


def test_the_skip_link_leads_past_the_menu(signed: Window) -> None:
    page = signed.page
    signed.open("/users")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    signed.tab_to("Add user")
    assert page.evaluate("document.querySelector('nav :focus')") is None


@pytest.fixture(params=[WIDE, PHONE], ids=["wide", "phone"])
def unset(request: pytest.FixtureRequest, browser: Browser, tmp_path: Path) -> Iterator[tuple[Window, str]]:
    """A window on a server without any account, and the set-up code that the server printed."""
    place, port = bare(tmp_path), free_port()
    run(place, "db", "migrate")
    with started(place, "serve", "--port", str(port)):
        eventually(lambda: accepts(wire.tcp("127.0.0.1", port)))
        codes = eventually(lambda: _CODE.findall(said(place).read_text()))
        with window(browser, f"http://127.0.0.1:{port}", request.param) as one:
            yield one, codes[0]
            assert one.unasked() == []


def test_the_first_steps_are_accessible_and_end_with_lines_for_this_server(unset: tuple[Window, str]) -> None:
    """Case 77."""
    one, code = unset
    page = one.page
    one.open("/")
    found = faults(one)
    page.get_by_role("button", name="Create all of this").click()
    page.get_by_role("link", name="code: This is not the code that the server printed when it started").click()
    expect(page.get_by_label("Set-up code")).to_be_focused()
    found += faults(one)
    page.keyboard.type(code.lower())
    page.get_by_label("Name", exact=True).fill("Freifunk Lübeck e. V.")
    for who, group in (("administrator", "Administrator"), ("organization", "Organization")):
        fields = page.get_by_role("group", name=group)
        fields.get_by_label("E-mail").fill(f"{who}@example.org")
        fields.get_by_label("Password", exact=True).fill(f"{PASSWORD} {who}")
        fields.get_by_label("Password again").fill(f"{PASSWORD} {who}")
    page.get_by_role("button", name="Create all of this").click()
    expect(page.get_by_role("heading", name="Ready for the first backup")).to_be_visible()
    found += faults(one)
    assert found == []
    assert f"{one.url}{API}/repository/collection/" in page.get_by_role("region", name="curl upload").inner_text()
    page.get_by_role("button", name="Copy token").click()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#token").inner_text()
    page.get_by_role("link", name="Sign in as the administrator").click()
    one.sign_in("administrator@example.org", f"{PASSWORD} administrator")
    page.wait_for_url("**/overview")
    expect(page.get_by_role("link", name="files.tar.zst.age")).to_be_visible()
