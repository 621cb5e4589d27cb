"""Every form and every address: forged ones change nothing, pages are strict, small and private."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from starlette.routing import Route
from world.client import Served
from world.visitor import LENT, Form, Page, Visitor

from backup_repository.database.tables import metadata
from backup_repository.web.app import console_routes
from backup_repository.web.doors import Doors

FOREIGN = "This form is too old or was not made here. Nothing was changed; please try again"
SCREENS = (
    "/overview",
    "/users",
    "/user",
    "/user/{user}",
    "/security/access-tokens",
    "/backup/collections",
    "/backup/collection",
    "/backup/collection/{collection}",
    "/logout",
    "/nothing/here",
)


@pytest.fixture
async def screens(admin: Visitor) -> list[str]:
    """The addresses of every screen of an administrator, with a collection and a version to show."""
    collection = await admin.client.create_collection()
    await admin.client.upload(collection["id"], b"some bytes")
    empty = await admin.client.create_collection(filename="empty")
    names = {"user": admin.client.id, "collection": collection["id"]}
    return [*(screen.format(**names) for screen in SCREENS), f"/backup/collection/{empty['id']}"]


async def everything(served: Served) -> list[list[tuple[object, ...]]]:
    async with served.instance.database.reading() as tx:
        return [
            [tuple(row) for row in await tx.execute(select(table))]
            for table in metadata.sorted_tables
            if not table.name.startswith(("audit", "login"))
        ]


async def test_every_form_is_refused_without_and_with_a_wrong_signature(
    served: Served, admin: Visitor, screens: list[str]
) -> None:
    seen = set()
    before = await everything(served)
    for screen in screens:
        for form in Page((await admin.get(screen)).text).forms:
            if form.method == "post":
                assert dict(form.fields)["csrf"]
                for forged in (None, "", "0" * 64, "é"):
                    answer = await admin.send(form, csrf=forged)
                    assert (answer.status_code, Page(answer.text).said) == (403, [FOREIGN])
                seen.add(form.action)
    assert len(seen) > 10
    assert await everything(served) == before


async def test_every_address_that_writes_asks_for_a_signature(served: Served, admin: Visitor) -> None:
    writing = [route for route in all_routes(served) if "POST" in (route.methods or ())]
    assert len(writing) > 12
    before = await everything(served)
    for route in writing:
        path = route.path.format(user_id=admin.client.id, collection_id="c", version_id="v1", token_hash="0" * 64)
        answer = await admin.send(Form("post", path, [("typed", "v1")]))
        assert (route.path, answer.status_code, Page(answer.text).said) == (route.path, 403, [FOREIGN])
    assert await everything(served) == before


def all_routes(served: Served) -> list[Route]:
    return console_routes(Doors(served.instance, LENT))


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
)
async def test_right_forms_from_elsewhere_are_refused(admin: Visitor, headers: dict[str, str]) -> None:
    form = (await admin.page("/overview")).form("/logout")
    assert (await admin.send(form, headers)).status_code == 403
    assert (await admin.get("/overview")).status_code == 200


async def test_a_form_from_home_is_taken_whatever_a_proxy_makes_of_the_address(admin: Visitor) -> None:
    form = (await admin.page("/overview")).form("/logout")
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": "https://outside.example.org"}
    assert (await admin.send(form, headers)).headers["location"] == "/login"


async def test_an_address_cannot_smuggle_a_header(admin: Visitor) -> None:
    form = (await admin.page("/overview")).form("/logout")
    form.action = "/backup/collection/x%0d%0aSet-Cookie:%20a=b/uploaded"
    assert (await admin.send(form)).status_code == 404


async def test_forms_of_another_session_are_refused(admin: Visitor, alice: Visitor) -> None:
    form = (await alice.page("/overview")).form("/logout")
    assert (await admin.send(form)).status_code == 403


async def test_pages_are_strict_and_private(admin: Visitor, guest: Visitor, screens: list[str]) -> None:
    """Case 77, what needs no browser."""
    answers = [await admin.get(screen) for screen in screens]
    answers += [await guest.get(path) for path in ("/", "/login", "/login?with=token")]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'self'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"
        page = Page(answer.text)
        assert page.inline == []
        assert all(
            address.startswith("/") and not address.startswith("//")
            for address in (*page.assets, *page.links)
            if address != "#main"
        )


async def test_a_page_with_everything_it_loads_is_small(admin: Visitor, screens: list[str]) -> None:
    for screen in screens:
        answer = await admin.get(screen)
        size = len(answer.content)
        for address in set(Page(answer.text).assets):
            asset = await admin.http.get(address)
            assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert asset.headers["x-content-type-options"] == "nosniff"
            size += len(asset.content)
        assert size < 100_000


async def test_no_page_holds_the_session(admin: Visitor, screens: list[str]) -> None:
    for screen in screens:
        assert admin.client.token not in (await admin.get(screen)).text


async def test_guests_are_sent_to_login_from_every_screen(guest: Visitor, screens: list[str]) -> None:
    for screen in screens:
        if screen != "/nothing/here":
            answer = await guest.get(screen)
            assert (answer.status_code, answer.headers["location"]) == (303, "/login")


async def test_unknown_addresses_show_browsers_a_page_and_programs_the_envelope(guest: Visitor) -> None:
    page = await guest.get("/nothing/here")
    assert (page.status_code, "Not found" in page.text) == (404, True)
    for path, accept in (("/nothing/here", "application/json"), ("/api/stable/nothing", "text/html")):
        answer = await guest.http.get(path, headers={"Accept": accept})
        assert answer.json()["type"] == "app.not-found"
    assert (await guest.http.get("/assets/console.000000000000.css")).status_code == 404


@pytest.mark.parametrize("body", [b"a=%00", b"\xff", b"a&" * 3000])
async def test_unreadable_forms_are_refused(admin: Visitor, body: bytes) -> None:
    answer = await admin.http.post("/user", content=body, headers={"Accept": "text/html"})
    assert (answer.status_code, Page(answer.text).said) == (400, ["This form could not be read"])


async def test_what_people_write_is_shown_as_text(admin: Visitor) -> None:
    collection = await admin.client.create_collection(description="<script>alert(1)</script>")
    html = (await admin.get(f"/backup/collection/{collection['id']}")).text
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html
