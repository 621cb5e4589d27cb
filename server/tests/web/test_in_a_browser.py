"""The web console in a real browser, in a wide and a phone-sized window: accounts, tokens, lists (cases 70 to 76)."""

from __future__ import annotations

import uuid

import pytest
from playwright.sync_api import Browser, expect
from world import wire
from world.browser import Window, window
from world.instance import ADMIN, API, COLLECTIONS, PASSWORD, Server

pytestmark = pytest.mark.xdist_group("browser")


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
    expect(page.get_by_role("alert")).to_contain_text("Passwords are not matching")
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


def test_times_are_the_readers_with_the_exact_one_on_hover(
    browser: Browser, listening: Server, collection: str
) -> None:
    listening.direct.ask("POST", f"{COLLECTIONS}/{collection}/versions", listening.bearer, b"some other bytes")
    with window(browser, f"http://{listening.direct.host}", timezone_id="Asia/Tokyo", locale="en-GB") as one:
        one.sign_in()
        one.page.wait_for_url("**/overview")
        shown = one.page.get_by_role("region", name="Newest versions").locator("time").first
        assert (shown.get_attribute("title") or "").endswith(" UTC")
        utc = (shown.get_attribute("datetime") or "")[11:13]
        assert f"{(int(utc) + 9) % 24:02}:" in shown.inner_text()
        expect(one.page.locator("footer")).to_contain_text("Times are in your zone, Asia/Tokyo")


def test_search_and_page_survive_reload_and_the_back_button(signed: Window, listening: Server) -> None:
    page, name = signed.page, f"many-{uuid.uuid4().hex[:8]}"
    for number in range(22):
        listening.create_collection(f"{name}-{number}.tar")
    signed.open("/backup/collections")
    page.get_by_label("Search").fill(name)
    page.get_by_label("Created from").fill("2020-01-31")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("1 to 20 of 22")).to_be_visible()
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("21 to 22 of 22")).to_be_visible()
    page.get_by_role("link", name=name).first.click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    page.go_back()
    page.reload()
    expect(page.get_by_text("21 to 22 of 22")).to_be_visible()
    expect(page.get_by_label("Search")).to_have_value(name)
    expect(page.get_by_label("Created from")).to_have_value("2020-01-31")
    page.go_back()
    expect(page.get_by_text("1 to 20 of 22")).to_be_visible()


def test_a_date_that_is_none_is_marked_and_stays_to_be_corrected(signed: Window) -> None:
    signed.open("/backup/collections?from=yesterday")
    signed.page.get_by_role("link", name="from: The date is not understood").click()
    expect(signed.page.get_by_label("Created from")).to_be_focused()
    expect(signed.page.get_by_label("Created from")).to_have_value("yesterday")


def test_notices_are_announced(opened: Window, listening: Server) -> None:
    page = opened.page
    opened.sign_in(password="wrong!!!")
    expect(page.get_by_role("alert")).to_have_text("! Invalid credentials.")
    opened.sign_in()
    page.wait_for_url("**/overview")
    path = listening.create_collection("announced.tar").rpartition("/")[0].rpartition("/")[2]
    opened.open(f"/backup/collection/{path}")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#notices").get_by_role("status")).to_have_text("✓ Changes saved")
