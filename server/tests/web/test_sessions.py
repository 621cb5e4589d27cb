"""Signing in and out, and what ends a session."""

from __future__ import annotations

from datetime import timedelta

import pytest
from world.client import PASSWORD, TOKENS, Serve, Served
from world.visitor import Page, Visitor, signed_in, visitor

from backup_repository.access.model import Permission
from backup_repository.web.cookies import IDLE_SECONDS, LONGEST_SECONDS

REVOKED = "The token was revoked, used up or never issued"


async def log_in(somebody: Visitor, email: str, password: str = PASSWORD) -> Page:
    return await somebody.does("/login", "/login", email=email, password=password)


async def test_an_administrator_signs_in_lands_on_overview_and_sees_the_footer(admin: Visitor, guest: Visitor) -> None:
    """Case 70."""
    page = await log_in(guest, admin.client.email)
    assert "Dashboard" in page.words
    assert "running on sqlite" in page.words


async def test_wrong_credentials_show_the_servers_text(admin: Visitor, guest: Visitor) -> None:
    """Case 70."""
    page = await log_in(guest, admin.client.email, "wrong!!!")
    assert page.said == ["Invalid credentials."]
    assert "session" not in guest.cookies


@pytest.mark.usefixtures("admin")
async def test_missing_email_and_password_are_named_without_a_script_too(guest: Visitor) -> None:
    """Case 74, the server's half."""
    page = await log_in(guest, "", "")
    assert page.said == ["E-mail is required", "Password is required"]


async def test_every_login_gives_another_session(served: Served, admin: Visitor) -> None:
    values = set()
    for _ in range(2):
        somebody = visitor(served)
        somebody.http.cookies.set("session", "chosen-by-somebody-else", domain="backups.example.org")
        await log_in(somebody, admin.client.email)
        values |= {cookie.value for cookie in somebody.http.cookies.jar if cookie.name == "session"}
    assert len(values - {"chosen-by-somebody-else"}) == 2


async def test_logout_revokes_the_session_on_the_server(admin: Visitor) -> None:
    """Case 71."""
    page = await admin.does("/overview", "/logout")
    assert page.said == ["Signed out"]
    answer = await admin.client.get("/api/stable/version")
    assert answer.json()["code"] == 40324


async def test_a_failed_revocation_is_said_aloud(serve: Serve, admin: Visitor) -> None:
    read_only = await signed_in(serve(read_only=True), admin.client)
    page = await read_only.does("/overview", "/logout")
    assert page.said == [
        "This browser has forgotten the session, but the server could not revoke it: This instance is read-only"
    ]
    assert "session" not in read_only.cookies


async def test_a_revoked_session_leads_to_login_with_the_servers_text(admin: Visitor) -> None:
    """Case 71."""
    await admin.client.delete(f"{TOKENS}/current-session")
    page = await admin.page("/overview")
    assert page.said == [REVOKED]
    assert "session" not in admin.cookies


async def test_revoking_the_current_session_on_its_page_leads_to_login(admin: Visitor) -> None:
    """Case 71."""
    page = await admin.does("/security/access-tokens", "/revoke")
    assert page.said == [REVOKED]


async def test_deactivated_accounts_and_foreign_addresses_lead_to_login(served: Served, alice: Visitor) -> None:
    user = alice.client.user
    assert user is not None
    await served.change_user(user, active=False)
    assert (await alice.page("/overview")).said == ["The account is expired or deactivated"]
    await served.change_user(user, allowed_ip_addresses=("203.0.113.9",))
    again = await signed_in(served, alice.client)
    assert (await again.page("/overview")).said == ["The account may not be used from this address"]


async def test_a_session_that_is_not_used_ends_here_and_on_the_server(served: Served, admin: Visitor) -> None:
    served.clock.advance(seconds=IDLE_SECONDS + 1)
    page = await admin.page("/overview")
    assert page.said == ["Signed out, because nothing was done for a while"]
    assert (await admin.client.get("/api/stable/version")).json()["code"] == 40324


async def test_a_session_that_is_used_goes_on_but_not_for_ever(served: Served, admin: Visitor) -> None:
    user = admin.client.user
    assert user is not None
    long = await signed_in(served, await served.session(user, seconds=10 * LONGEST_SECONDS))
    steps = LONGEST_SECONDS // (IDLE_SECONDS // 2)
    for _ in range(steps):
        assert (await long.get("/overview")).status_code == 200
        served.clock.advance(seconds=IDLE_SECONDS / 2)
    served.clock.advance(seconds=2)
    assert (await long.get("/overview")).headers["location"] == "/login"


async def test_a_pasted_token_is_checked_before_it_is_kept_and_survives_a_pause(
    served: Served, admin: Visitor, guest: Visitor
) -> None:
    page = await guest.does("/login?with=token", "/login/token", token="rubbish")
    assert page.said == ["Invalid JWT Token"]
    assert "session" not in guest.cookies
    generated = await admin.client.generate(Permission.LIST_COLLECTIONS, ttl=int(timedelta(days=1).total_seconds()))
    page = await guest.does("/login?with=token", "/login/token", token=generated.token)
    assert "Dashboard" in page.words
    served.clock.advance(seconds=IDLE_SECONDS + 1)
    await guest.page("/overview")
    assert (await generated.get("/api/stable/version")).status_code == 200


async def test_a_limited_token_is_refused_on_users_and_served_on_collections(served: Served, admin: Visitor) -> None:
    """Case 76."""
    limited = await admin.client.generate(Permission.LIST_COLLECTIONS, Permission.VIEW_ALL_COLLECTIONS)
    somebody = await signed_in(served, limited)
    refused = await somebody.get("/users")
    assert refused.status_code == 403
    assert Page(refused.text).said == ["No permission to search for users"]
    assert (await somebody.get("/backup/collections")).status_code == 200
    assert not (await somebody.page("/overview")).offers("/users")


async def test_cookies_are_out_of_reach_and_secure_over_https(admin: Visitor, served: Served) -> None:
    for url, name in (("http://backups.example.org", "session="), ("https://backups.example.org", "__Host-session=")):
        somebody = visitor(served, url=url)
        form = (await somebody.page("/login")).form("/login")
        answer = await somebody.send(form, email=admin.client.email, password=PASSWORD)
        cookie = next(text for text in answer.headers.get_list("set-cookie") if text.startswith(name))
        assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
        assert ("Secure" in cookie) == url.startswith("https")


async def test_forged_times_in_the_cookie_are_no_session(admin: Visitor) -> None:
    begun, _, rest = next(iter(admin.cookies.values())).partition(".")
    admin.http.cookies.set("session", f"{int(begun) + 1}.{rest}", domain="backups.example.org")
    assert (await admin.get("/overview")).headers["location"] == "/login"


async def test_addresses_carry_the_public_path_prefix(serve: Serve, admin: Visitor) -> None:
    below = await signed_in(serve(base_url="http://backups.example.org/backups"), admin.client)
    page = Page((await below.get("/overview")).text)
    assert all(address.startswith(("/backups/", "#")) for address in (*page.links, *page.assets))
