"""What somebody tries who means harm: chosen sessions, odd cookies, foreign hosts, borrowed tokens, guessed codes."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest
from sqlalchemy import select
from world.client import PASSWORD, Serve, Served
from world.visitor import LENT, Form, Page, Visitor, signed_in, visitor

from backup_repository.access.first_run import code_of
from backup_repository.access.model import Permission
from backup_repository.config.values import networks
from backup_repository.database.tables import version_tags
from backup_repository.web import cookies
from backup_repository.web.app import console_routes
from backup_repository.web.cookies import SessionCookie
from backup_repository.web.doors import Doors
from backup_repository.web.notices import Said

PROXY = "192.0.2.1"


async def log_in(somebody: Visitor, email: str) -> Page:
    return await somebody.does("/login", "/login", email=email, password=PASSWORD)


# --- Sessions --------------------------------------------------------------------------------------------------------


async def test_logging_in_again_ends_the_session_that_was_there(served: Served, admin: Visitor, alice: Visitor) -> None:
    somebody = visitor(served)
    form = (await somebody.page("/login")).form("/login")
    await somebody.send(form, email=admin.client.email, password=PASSWORD)
    before = SessionCookie.read(somebody.cookies["session"])
    assert before is not None
    guest = visitor(served)
    form = (await guest.page("/login")).form("/login")
    guest.http.cookies.set("session", somebody.cookies["session"], domain="backups.example.org")
    answer = await guest.send(form, email=alice.client.email, password=PASSWORD)
    assert answer.headers["location"] == "/overview"
    assert (await admin.client.bearing(before.token).get("/api/stable/version")).json()["code"] == 40324


async def test_logging_in_does_not_revoke_a_pasted_token(served: Served, admin: Visitor) -> None:
    generated = await admin.client.generate(Permission.LIST_COLLECTIONS)
    somebody = visitor(served)
    form = (await somebody.page("/login")).form("/login")
    cookie = SessionCookie.begin(generated.token, served.clock()).write()
    somebody.http.cookies.set("session", cookie, domain="backups.example.org")
    await somebody.send(form, email=admin.client.email, password=PASSWORD)
    assert (await generated.get("/api/stable/version")).status_code == 200


@pytest.mark.parametrize("path", ["/", "/login", "/nothing/here", "/overview"])
async def test_whoever_brings_an_ended_session_gets_to_login_in_one_step(admin: Visitor, path: str) -> None:
    await admin.client.delete("/api/stable/auth/token/current-session")
    answer = await admin.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert "session" not in admin.cookies
    page = await admin.page("/login")
    assert page.offers("/login")
    assert page.said == ["The token was revoked, used up or never issued"]


async def test_an_expired_account_and_a_foreign_browser_end_the_session(served: Served, alice: Visitor) -> None:
    user = alice.client.user
    assert user is not None
    await served.change_user(user, expires_at=served.clock() - timedelta(seconds=1))
    assert (await alice.page("/overview")).said == ["The account is expired or deactivated"]
    await served.change_user(user, allowed_user_agents=("the right browser",))
    again = await signed_in(served, alice.client)
    form = Form("post", "/backup/collection", [])
    assert (await again.send(form, {"User-Agent": "another"})).headers["location"] == "/login"
    right = await signed_in(served, alice.client)
    assert (await right.get("/overview", headers={"User-Agent": "the right browser"})).status_code == 200


@pytest.mark.parametrize(
    "notice",
    [
        b"1",
        b"null",
        b'"text"',
        b"{}",
        b'["ok"]',
        b'["ok", 1]',
        b'["ok", "a", "b"]',
        b"[" * 4000,
        b"\xff\xfe",
        b'["bad", "<script>alert(1)</script>"]',
    ],
)
async def test_no_cookie_breaks_a_page_or_gets_into_it_unescaped(guest: Visitor, notice: bytes) -> None:
    value = base64.urlsafe_b64encode(notice).decode()
    cookie = f"notice={value}; session=1.2.{'0' * 64}.x; guest=\xe9"
    answer = await guest.http.get("/login", headers={b"Accept": b"text/html", b"Cookie": cookie.encode("latin-1")})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize("cookie", ["", ".", "1.2.3.4", f"{'9' * 12}.{'9' * 12}.{'a' * 64}.t", "é", "x" * 6000])
async def test_no_session_cookie_that_was_not_written_here_lets_anybody_in(guest: Visitor, cookie: str) -> None:
    headers = {b"Accept": b"text/html", b"Cookie": f"session={cookie}".encode()}
    answer = await guest.http.get("/overview", headers=headers)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


async def test_a_session_cannot_be_made_to_last_by_its_times_alone(served: Served, admin: Visitor) -> None:
    """Times in the cookie are signed; those of another session do not help."""
    served.clock.advance(minutes=5)
    other = SessionCookie.begin("another token", served.clock())
    mine = SessionCookie.read(admin.cookies["session"])
    assert mine is not None
    forged = other.write().replace("another token", mine.token)
    admin.http.cookies.clear()
    admin.http.cookies.set("session", forged, domain="backups.example.org")
    assert (await admin.get("/overview")).headers["location"] == "/login"


# --- Where a request seems to come from ------------------------------------------------------------------------------


async def test_only_a_trusted_peer_says_that_a_request_came_over_https(serve: Serve, admin: Visitor) -> None:
    behind = serve(trusted_proxies=networks(PROXY))
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "backups.example.org"}
    for address, name in ((PROXY, "__Host-session="), ("203.0.113.5", "session=")):
        somebody = visitor(behind, address=address)
        page = await somebody.http.get("/login", headers={"Accept": "text/html", **forwarded})
        form = Page(page.text).form("/login")
        headers = {**forwarded, "Cookie": page.headers["set-cookie"].partition(";")[0]}
        answer = await somebody.send(form, headers, email=admin.client.email, password=PASSWORD)
        assert answer.headers["location"] == "/overview"
        found = [text for text in answer.headers.get_list("set-cookie") if text.startswith(name)]
        assert len(found) == 1
        assert ("Secure" in found[0].split("; ")) == name.startswith("__Host-")


@pytest.mark.parametrize("host", ["evil.example", "a//evil.example", "/\\evil.example", "[", "a b", "a@b", "é", ""])
async def test_no_host_leads_away_or_breaks_a_page(serve: Serve, host: str) -> None:
    guest = visitor(serve(base_url=""))
    for path in ("/overview", "/login", "/", "/nothing"):
        answer = await guest.http.get(path, headers={b"Accept": b"text/html", b"Host": host.encode()})
        assert answer.status_code in {200, 303, 404}
        page = Page(answer.text)
        addresses = [
            answer.headers.get("location", "/"),
            *page.links,
            *page.assets,
            *(form.action for form in page.forms),
        ]
        for address in addresses:
            assert address.startswith(("/", "#"))
            assert not address.startswith(("//", "/\\"))


@pytest.mark.parametrize("name", ["next", "redirect", "return_to", "url"])
async def test_nobody_is_sent_elsewhere_after_a_login(admin: Visitor, guest: Visitor, name: str) -> None:
    there = "https://evil.example/"
    form = (await guest.page(f"/login?{name}={there}")).form("/login")
    assert "evil" not in form.action
    form.action += f"?{name}={there}"
    answer = await guest.send(form, email=admin.client.email, password=PASSWORD, **{name: there})
    assert answer.headers["location"] == "/overview"


# --- Tokens ----------------------------------------------------------------------------------------------------------


async def minted(somebody: Visitor, collection: str) -> str:
    at = f"/backup/collection/{collection}"
    form = (await somebody.page(at)).form("/logout")
    form.action = f"{at}/upload-token"
    answer = await somebody.send(form, {"Accept": "*/*"})
    return str(answer.json().get("token", answer.json().get("error")))


async def test_a_token_for_one_upload_opens_no_console(served: Served, alice: Visitor, guest: Visitor) -> None:
    collection = await alice.client.create_collection()
    token = await minted(alice, collection["id"])
    page = await guest.does("/login?with=token", "/login/token", token=token)
    assert page.said == ["This token is for one upload only"]
    held = await signed_in(served, alice.client, token=token)
    assert (await held.get("/overview")).headers["location"] == "/login"


async def test_a_once_only_token_cannot_mint_itself_more_uploads(served: Served, alice: Visitor) -> None:
    collection = await alice.client.create_collection()
    once = await alice.client.generate(Permission.UPLOAD_ALL, Permission.UPLOAD, Permission.UPLOAD_ONCE)
    holder = await signed_in(served, once)
    assert not (await holder.page(f"/backup/collection/{collection['id']}")).offers("/uploaded")
    assert "one upload" in await minted(holder, collection["id"])


async def test_what_restricts_a_token_restricts_what_it_mints(served: Served, alice: Visitor) -> None:
    user = alice.client.user
    assert user is not None
    await served.change_user(user, tags=("nightly",))
    collection = await alice.client.create_collection()
    tagging = await alice.client.generate(Permission.UPLOAD_ALL, Permission.UPLOAD, Permission.ENFORCE_TAGS)
    token = await minted(await signed_in(served, tagging), collection["id"])
    answer = await alice.client.bearing(token).upload(collection["id"], b"bytes")
    assert answer.status_code == 200
    async with served.instance.database.reading() as tx:
        assert [row.tag for row in await tx.execute(select(version_tags.c.tag))] == ["nightly"]


async def test_a_generated_token_is_shown_once(admin: Visitor) -> None:
    at = "/security/access-tokens"
    shown = await admin.send((await admin.page(at)).form(at), ttl="3600", description="x")
    token = next(word for word in Page(shown.text).words.split() if word.startswith("eyJ"))
    assert shown.headers["cache-control"] == "no-store"
    assert token not in "".join(shown.headers.get_list("set-cookie"))
    for path in (at, "/overview", "/"):
        assert token not in (await admin.get(path, follow_redirects=True)).text


# --- The first steps -------------------------------------------------------------------------------------------------


async def test_codes_are_not_guessed_at_will(served: Served, guest: Visitor) -> None:
    form = (await guest.page("/")).form("/first-run")
    for _ in range(10):
        answer = await guest.send(form, code="AAAAA-AAAAA-AAAAA-AAAAA")
        assert answer.status_code == 400
    right = code_of(served.keys)
    answer = await guest.send(form, code=right)
    assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (429, True)
    assert "This is not the code" not in answer.text
    elsewhere = visitor(served, address="203.0.113.77")
    answer = await elsewhere.send((await elsewhere.page("/")).form("/first-run"), code=right)
    assert (answer.status_code, "This is not the code" in answer.text) == (400, False)
    served.clock.advance(minutes=15, seconds=1)
    answer = await guest.send(form, code=right)
    assert (answer.status_code, "This is not the code" in answer.text) == (400, False)


async def test_mistakes_beside_a_right_code_count_for_nothing(served: Served, guest: Visitor) -> None:
    form = (await guest.page("/")).form("/first-run")
    for _ in range(12):
        answer = await guest.send(form, code=code_of(served.keys))
        assert answer.status_code == 400


# --- Other tenants ---------------------------------------------------------------------------------------------------


async def test_every_address_with_a_foreign_id_is_refused_and_tells_nothing(
    served: Served, alice: Visitor, charlie: Visitor
) -> None:
    collection = await alice.client.create_collection(filename="hers.tar", description="her secrets")
    await alice.client.upload(collection["id"], b"secret bytes")
    hash_of_hers = (await alice.client.get("/api/stable/auth/token")).json()["data"][0]["token_hash"]
    ids = {
        "collection_id": collection["id"],
        "version_id": "v1",
        "user_id": alice.client.id,
        "token_hash": hash_of_hers,
        "name": "x",
    }
    csrf = dict((await charlie.page("/overview")).form("/logout").fields)["csrf"]
    before = (await alice.client.get(f"/api/stable/repository/collection/{collection['id']}")).json()
    looked = 0
    for route in console_routes(Doors(served.instance, LENT)):
        if "{" not in route.path or route.path.startswith("/assets"):
            continue
        path = route.path.format(**ids)
        answers = [await charlie.get(path)] if "GET" in (route.methods or ()) else []
        if "POST" in (route.methods or ()):
            pairs = [
                ("csrf", csrf),
                ("typed", "v1"),
                ("permissions", Permission.UPLOAD.value),
                ("user", charlie.client.id),
            ]
            answers.append(await charlie.send(Form("post", path, pairs)))
        for answer in answers:
            looked += 1
            assert (path, answer.status_code) in {(path, 403), (path, 404)}
            for secret in ("hers.tar", "her secrets", "secret bytes", alice.client.email):
                assert secret not in answer.text
    assert looked > 12
    assert (await alice.client.get(f"/api/stable/repository/collection/{collection['id']}")).json() == before
    assert (await alice.get("/overview")).status_code == 200


async def test_the_sentence_of_a_forged_form_is_the_same_whatever_it_is_for(alice: Visitor) -> None:
    answers = {
        Page((await alice.send(Form("post", path, []))).text).said[0]
        for path in ("/logout", "/user", "/backup/collection/x/delete")
    }
    assert answers == {Said.FOREIGN_FORM.value}


def test_a_notice_comes_back_from_its_cookie_as_it_was() -> None:
    assert cookies.unpack_notice(cookies.pack_notice("ok", "żółw")) == ("ok", "żółw")
    assert cookies.unpack_notice(base64.urlsafe_b64encode(json.dumps(["ok", None]).encode()).decode()) is None
