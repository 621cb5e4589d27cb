"""The web console in a real browser, in a wide and a phone-sized window (cases 70 to 77)."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, expect
from world import wire
from world.browser import PHONE, WIDE, Window, chromium, window
from world.instance import ADMIN, API, COLLECTIONS, PASSWORD, Server

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser, started once, and gone before other tests: it runs an event loop, beside which none may begin."""
    with chromium() as started:
        yield started


@pytest.fixture(params=[WIDE, PHONE], ids=["wide", "phone"])
def opened(request: pytest.FixtureRequest, browser: Browser, listening: Server) -> Iterator[Window]:
    """A window of somebody who is nobody yet."""
    with window(browser, f"http://{listening.direct.host}", request.param) as one:
        yield one


@pytest.fixture
def signed(opened: Window) -> Window:
    """A window of the administrator."""
    opened.sign_in()
    opened.page.wait_for_url("**/overview")
    return opened


@pytest.fixture
def collection(listening: Server) -> str:
    """The id of a collection of the administrator's own."""
    return listening.create_collection("wiki.tar").split("/")[-2]


def versions_of(server: Server, collection: str) -> dict[str, Any]:
    answer = server.direct.ask("GET", f"{COLLECTIONS}/{collection}/versions", server.bearer)
    found: dict[str, Any] = answer.json()["versions"]
    return found


def test_the_administrator_lands_on_overview_and_sees_the_footer(opened: Window) -> None:
    """Case 70."""
    opened.sign_in(password="wrong!!!")
    assert opened.said() == ["Invalid credentials."]
    opened.sign_in()
    opened.page.wait_for_url("**/overview")
    expect(opened.page.locator("footer")).to_contain_text("running on sqlite")


def test_logout_makes_the_old_token_worthless(signed: Window, listening: Server) -> None:
    """Case 71."""
    cookie = next(one for one in signed.page.context.cookies() if one["name"] == "session")
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    token = cookie["value"].split(".", 3)[3]
    bearer = {"Authorization": f"Bearer {token}"}
    assert listening.direct.ask("GET", f"{API}/version", bearer).status == 200
    signed.page.get_by_role("button", name="Logout").click()
    assert signed.said() == ["Signed out"]
    assert listening.direct.ask("GET", f"{API}/version", bearer).json()["code"] == 40324


def test_revoking_the_current_session_leads_to_login_with_the_servers_text(signed: Window) -> None:
    """Case 71."""
    signed.open("/security/access-tokens")
    signed.page.get_by_role("button", name="Revoke").first.click()  # the newest one is this session
    signed.page.wait_for_url("**/login")
    assert signed.said() == ["The token was revoked, used up or never issued"]


def test_a_token_is_shown_once_copied_listed_and_revoked(signed: Window, listening: Server) -> None:
    """Case 72."""
    page, name = signed.page, f"nightly {uuid.uuid4()}"
    signed.open("/security/access-tokens")
    page.get_by_label("Description", exact=True).fill(name)
    page.get_by_label("Valid for").select_option(label="+7 days")
    page.get_by_role("button", name="Generate").click()
    assert signed.said() == ["Access token generated"]
    token = page.locator("#token").inner_text()
    page.get_by_role("button", name="Copy token").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == token
    bearer = {"Authorization": f"Bearer {token}"}
    assert listening.direct.ask("GET", f"{API}/auth/user", bearer).status == 200  # it has all of the owner's
    signed.open("/security/access-tokens")
    assert page.locator("#token").count() == 0
    row = page.get_by_role("row").filter(has_text=name)
    row.get_by_role("button", name="Revoke").click()
    assert signed.said() == ["Access revoked"]
    signed.open("/security/access-tokens")
    while not row.count():
        page.get_by_role("link", name="Next").click()
    expect(row.get_by_role("button", name="Revoke")).to_be_disabled()


def test_a_version_is_uploaded_downloaded_and_deleted(
    signed: Window, listening: Server, collection: str, tmp_path: Path
) -> None:
    """Case 73."""
    page, content = signed.page, os.urandom(3_000_000)
    file = tmp_path / "dump.bin"
    file.write_bytes(content)
    signed.open(f"/backup/collection/{collection}")
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Upload", exact=True).click()
    assert signed.said() == ["Version uploaded"]
    assert f"{COLLECTIONS}/{collection}/versions" in "".join(signed.posts())
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download").click()
    assert waiting.value.suggested_filename == "wiki-v1.tar"
    assert hashlib.sha256(Path(waiting.value.path()).read_bytes()).digest() == hashlib.sha256(content).digest()
    page.get_by_text("Delete… v1").click()
    button = page.get_by_role("button", name="Delete v1")
    expect(button).to_be_disabled()
    page.get_by_label("Type v1 to confirm").fill("v")
    expect(button).to_be_disabled()
    page.get_by_label("Type v1 to confirm").fill("v1")
    button.click()
    assert signed.said() == ["Version deleted"]
    assert versions_of(listening, collection) == {}


def test_a_cancelled_upload_leaves_no_version(
    signed: Window, listening: Server, collection: str, tmp_path: Path
) -> None:
    """Case 73."""
    page, file = signed.page, tmp_path / "large.bin"
    with file.open("wb") as large:
        large.truncate(200_000_000)
    devtools = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 1_000_000}
    signed.open(f"/backup/collection/{collection}")
    devtools.send("Network.enable")
    devtools.send("Network.emulateNetworkConditions", slow)
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.locator("[data-state]")).to_contain_text("left")
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.evaluate("setTimeout(() => location.reload())")
    page.wait_for_event("dialog")
    page.get_by_role("button", name="Cancel the upload").click()
    assert signed.said() == ["Cancelled; no version was made"]
    assert versions_of(listening, collection) == {}
    assert asked == ["beforeunload"]


def test_large_files_do_not_grow_the_pages_memory(
    browser: Browser, listening: Server, collection: str, tmp_path: Path
) -> None:
    """Case 73."""
    file = tmp_path / "large.bin"
    with file.open("wb") as large:
        large.truncate(600_000_000)
    with window(browser, f"http://{listening.direct.host}") as one:
        one.sign_in()
        one.page.wait_for_url("**/overview")
        one.open(f"/backup/collection/{collection}")
        before = one.memory()
        one.page.get_by_label("File", exact=True).set_input_files(file)
        one.page.get_by_role("button", name="Upload", exact=True).click()
        expect(one.page.locator("#notices .text")).to_have_text("Version uploaded", timeout=120_000)
        uploaded = one.memory()
        with one.page.expect_download() as waiting:
            one.page.get_by_role("link", name="Download").click()
        assert Path(waiting.value.path()).stat().st_size == 600_000_000
        assert max(uploaded, one.memory()) - before < 150_000_000
    (versions,) = versions_of(listening, collection).values()
    assert versions["details"]["file"]["filesize_bytes"] == 600_000_000


def test_an_upload_that_is_refused_shows_the_servers_text(signed: Window, listening: Server, tmp_path: Path) -> None:
    path = listening.create_collection("small", maxOneVersionSize="10B", maxBackupsCount=0, maxCollectionSize=0)
    file = tmp_path / "file"
    file.write_bytes(b"x" * 11)
    signed.open(f"/backup/collection/{path.split('/')[-2]}")
    signed.page.get_by_label("File", exact=True).set_input_files(file)
    signed.page.get_by_role("button", name="Upload", exact=True).click()
    assert signed.said() == ["The upload is too large, at most 10B are accepted"]


def test_nothing_is_sent_without_email_and_password_or_with_two_passwords(signed: Window) -> None:
    """Case 74."""
    page = signed.page
    signed.open("/user")
    before = len(signed.posts())
    page.get_by_role("button", name="Add user").click()
    assert signed.said() == ["E-mail is required", "Password is required"]
    page.get_by_label("E-mail").fill("new@example.org")
    page.get_by_label("Password", exact=True).fill("one password!")
    page.get_by_label("Password again").fill("another password!")
    page.get_by_role("button", name="Add user").click()
    expect(page.locator("#notices .text")).to_have_text("Passwords are not matching")
    signed.open("/login")
    assert len(signed.posts()) == before


def test_deletions_stay_disabled_until_the_exact_name_is_typed(
    signed: Window, listening: Server, collection: str
) -> None:
    """Case 75."""
    page, email = signed.page, f"{uuid.uuid4()}@example.org"
    fields = {"email": email, "password": PASSWORD, "permissions": [], "data": {}}
    created = listening.direct.ask("POST", f"{API}/auth/user", listening.bearer, wire.as_json(fields)).json()
    for path, exact, name, said in (
        (f"/user/{created['user']['id']}", email, "Delete the account", "User account deleted"),
        (f"/backup/collection/{collection}", "wiki.tar", "Delete the collection", "Collection deleted"),
    ):
        signed.open(path)
        button = page.get_by_role("button", name=name)
        for typed in ("", exact.upper(), exact[:-1]):
            page.get_by_label(f"Type {exact} to confirm").fill(typed)
            expect(button).to_be_disabled()
        page.get_by_label(f"Type {exact} to confirm").fill(exact)
        button.click()
        assert signed.said() == [said]


def test_a_limited_token_is_refused_on_users_and_served_on_collections(opened: Window, listening: Server) -> None:
    """Case 76."""
    names = ["collections.can_use_listing_endpoint", "collections.view_all_collections"]
    body = wire.as_json({"requestedPermissions": names, "ttl": 600})
    token = listening.direct.ask("POST", f"{API}/auth/token", listening.bearer, body).json()["token"]
    opened.open("/login")
    opened.page.get_by_role("link", name="Use JSON Web Token").click()
    opened.page.get_by_label("JSON Web Token").fill(token)
    opened.page.get_by_role("button", name="Sign in").click()
    opened.page.wait_for_url("**/overview")
    assert opened.page.get_by_role("link", name="Users").count() == 0
    opened.open("/users")
    assert opened.said() == ["No permission to search for users"]
    opened.open("/backup/collections")
    expect(opened.page.get_by_role("heading", name="Backup collections")).to_be_visible()


def test_access_is_saved_a_moment_after_the_last_click(signed: Window, listening: Server, collection: str) -> None:
    page = signed.page
    signed.open(f"/backup/collection/{collection}")
    before = len(signed.posts())
    member = page.get_by_role("article", name=ADMIN)
    member.get_by_label("Delete single versions").uncheck()
    member.get_by_label("Download versions").uncheck()
    assert signed.said() == ["Changes saved"]
    assert len(signed.posts()) == before + 1
    access = listening.direct.ask("GET", f"{COLLECTIONS}/{collection}/access", listening.bearer).json()["users"]
    assert len(access[0]["permissions"]) == 6


def test_every_screen_is_accessible_strict_and_asks_nobody_else(
    signed: Window, listening: Server, collection: str
) -> None:
    """Case 77."""
    listening.direct.ask("POST", f"{COLLECTIONS}/{collection}/versions", listening.bearer, b"some bytes")
    page = signed.page
    found: list[str] = []
    for path in (
        *("/overview", "/users", "/user", "/security/access-tokens", "/backup/collections", "/backup/collection"),
        *(f"/backup/collection/{collection}", "/logout", "/nothing/here", f"/user/{admin_id(signed)}"),
    ):
        signed.open(path)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        found += signed.violations()
    page.context.clear_cookies()
    for path in ("/login", "/login?with=token"):
        signed.open(path)
        found += signed.violations()
    assert found == []
    assert [line for line in signed.complaints if "404" not in line] == []
    assert {address for _, address in signed.requests if not address.startswith(signed.url)} == set()


def admin_id(signed: Window) -> str:
    address = signed.page.locator("footer a").get_attribute("href") or ""
    return address.rpartition("/")[2]


def test_everything_is_reached_by_keyboard_with_a_visible_focus(signed: Window) -> None:
    page = signed.page
    signed.open("/security/access-tokens")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Generate":
            break
        style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert style != "none"
    page.keyboard.press("Enter")
    assert signed.said() == ["Access token generated"]


def test_times_are_the_readers_with_the_exact_one_on_hover(
    browser: Browser, listening: Server, collection: str
) -> None:
    listening.direct.ask("POST", f"{COLLECTIONS}/{collection}/versions", listening.bearer, b"some other bytes")
    context = browser.new_context(timezone_id="Asia/Tokyo", locale="en-GB")
    try:
        one = Window(context.new_page(), f"http://{listening.direct.host}")
        one.sign_in()
        one.page.wait_for_url("**/overview")
        shown = one.page.get_by_role("region", name="Newest versions").locator("time").first
        assert (shown.get_attribute("title") or "").endswith(" UTC")
        utc = (shown.get_attribute("datetime") or "")[11:13]
        assert f"{(int(utc) + 9) % 24:02}:" in shown.inner_text()
    finally:
        context.close()
