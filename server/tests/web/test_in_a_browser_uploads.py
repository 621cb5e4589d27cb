"""Uploads and downloads in a real browser, through both NGINX as shipped (case 73)."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jwt
import pytest
from playwright.sync_api import Browser, Dialog, Page, Route, expect
from world import front, instance
from world.browser import PHONE, WIDE, Window, window
from world.cable import Cable, cable
from world.instance import API, COLLECTIONS, Server
from world.waiting import eventually

pytestmark = pytest.mark.xdist_group("browser")

_SLOW = 1_000_000
"""Bytes a second of a line on which there is time to do something meanwhile."""


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Cable]]:
    """A server behind the shipped application NGINX, and a cable to it that can be cut."""
    with ExitStack() as stack:
        server = stack.enter_context(instance.server(tmp_path_factory.mktemp("server")))
        fronted = stack.enter_context(front.front(tmp_path_factory.mktemp("front"), server))
        yield server, stack.enter_context(cable(fronted.application.address[1]))


@pytest.fixture
def server(shipped: tuple[Server, Cable]) -> Server:
    """The server."""
    return shipped[0]


@pytest.fixture(params=[WIDE, PHONE], ids=["wide", "phone"])
def signed(request: pytest.FixtureRequest, browser: Browser, shipped: tuple[Server, Cable]) -> Iterator[Window]:
    """A window of the administrator; at the end nothing foreign was asked for and nothing complained."""
    with window(browser, f"http://127.0.0.1:{shipped[1].port}", request.param) as one:
        one.sign_in()
        one.page.wait_for_url("**/overview")
        yield one
        assert one.unasked() == []


@pytest.fixture
def collection(server: Server) -> str:
    """The id of a collection of the administrator's own."""
    return server.create_collection("wiki.tar").split("/")[-2]


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A file that takes minutes on a slow line."""
    file = tmp_path / "large.bin"
    with file.open("wb") as large:
        large.truncate(200_000_000)
    return file


@pytest.fixture
def quick(tmp_path: Path) -> Path:
    """A file that takes no time."""
    file = tmp_path / "dump.bin"
    file.write_bytes(os.urandom(3_000_000))
    return file


def versions_of(server: Server, collection: str) -> dict[str, Any]:
    answer = server.direct.ask("GET", f"{COLLECTIONS}/{collection}/versions", server.bearer)
    found: dict[str, Any] = answer.json()["versions"]
    return found


def valid_tokens(server: Server) -> list[str]:
    listed = server.direct.ask("GET", f"{API}/auth/token?limit=100", server.bearer).json()
    return [one["description"] for one in listed["data"] if one["still_valid"]]


def choose(page: Page, file: Path, button: str = "Upload") -> None:
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name=button, exact=True).click()


def under_way(page: Page) -> None:
    expect(page.locator("[data-state]")).to_have_text(re.compile(r"^\d+%: .+ of 200\.00MB, .+/s, .+ left$"))


def test_a_version_is_uploaded_downloaded_and_deleted(
    signed: Window, server: Server, collection: str, quick: Path
) -> None:
    """Case 73."""
    page = signed.page
    signed.open(f"/backup/collection/{collection}")
    choose(page, quick)
    assert signed.said() == ["Version uploaded"]
    assert f"{COLLECTIONS}/{collection}/versions" in "".join(signed.posts())
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download").click()
    assert waiting.value.suggested_filename == "wiki-v1.tar"
    assert Path(waiting.value.path()).read_bytes() == quick.read_bytes()
    page.get_by_text("Delete… v1").click()
    button = page.get_by_role("button", name="Delete v1")
    for typed in ("", "v", "V1", "v11"):
        page.get_by_label("Type v1 to confirm").fill(typed)
        expect(button).to_be_disabled()
    page.get_by_label("Type v1 to confirm").fill("v1")
    button.click()
    assert signed.said() == ["Version deleted"]
    assert versions_of(server, collection) == {}


def test_a_download_resumes_where_it_broke_off(signed: Window, server: Server, collection: str, quick: Path) -> None:
    content = quick.read_bytes()
    server.direct.ask("POST", f"{COLLECTIONS}/{collection}/versions", server.bearer, content)
    signed.open(f"/backup/collection/{collection}")
    address = signed.url + (signed.page.get_by_role("link", name="Download").get_attribute("href") or "")
    whole = signed.page.request.get(address)
    again = {"Range": "bytes=2000000-", "If-Range": whole.headers["etag"]}
    rest = signed.page.request.get(address, headers=again)
    assert (rest.status, rest.headers["content-range"]) == (206, "bytes 2000000-2999999/3000000")
    assert whole.body()[:2_000_000] + rest.body() == content


def test_two_files_are_uploaded_one_after_another(
    signed: Window, server: Server, collection: str, tmp_path: Path
) -> None:
    signed.open(f"/backup/collection/{collection}")
    for number in (1, 2):
        file = tmp_path / f"file-{number}"
        file.write_bytes(os.urandom(10_000))
        choose(signed.page, file)
        expect(signed.page.get_by_role("rowheader", name=f"v{number}")).to_be_visible()
        stored = versions_of(server, collection)[str(number)]["details"]["checksum"]["value"]
        assert stored == hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_cancelled_upload_leaves_no_version_and_no_token(
    signed: Window, server: Server, collection: str, endless: Path
) -> None:
    """Case 73."""
    page = signed.page
    signed.open(f"/backup/collection/{collection}")
    signed.slowed(_SLOW)
    choose(page, endless)
    under_way(page)
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    with page.expect_event("dialog"):
        page.evaluate("setTimeout(() => location.reload())")
    page.get_by_role("button", name="Cancel the upload").click()
    assert signed.said() == ["Cancelled; no version was made"]
    expect(page.get_by_role("button", name="Try again")).to_be_focused()
    eventually(lambda: "Upload from a browser into wiki.tar" not in valid_tokens(server))
    assert versions_of(server, collection) == {}
    eventually(lambda: server.leftovers() == [])
    page.reload()  # and leaving is no question any more
    assert asked == ["beforeunload"]


def test_what_the_limits_refuse_is_not_sent(signed: Window, server: Server, endless: Path) -> None:
    small = server.create_collection("small", maxOneVersionSize="10MB", maxBackupsCount=0, maxCollectionSize=0)
    full = server.create_collection("full", maxBackupsCount=1)
    server.direct.ask("POST", full, server.bearer, b"the only one")
    for path, said in (
        (small, "The upload is too large, at most 10.00MB are accepted"),
        (full, "Maximum count of files reached: 1 of at most 1 versions are stored"),
    ):
        signed.open(f"/backup/collection/{path.split('/')[-2]}")
        choose(signed.page, endless)
        assert signed.said() == [said]
        assert not any(address.endswith(path) for address in signed.posts())


def test_what_the_server_refuses_afterwards_is_said_in_its_words(
    signed: Window, server: Server, collection: str, quick: Path
) -> None:
    server.direct.ask("POST", f"{COLLECTIONS}/{collection}/versions", server.bearer, quick.read_bytes())
    signed.open(f"/backup/collection/{collection}")
    choose(signed.page, quick)
    assert signed.said() == ["Content duplication: these bytes are stored already as v1"]
    expect(signed.page.get_by_role("alert")).to_be_in_viewport()


def test_a_storage_that_is_away_is_said_and_the_upload_can_be_repeated(
    signed: Window, server: Server, collection: str, quick: Path
) -> None:
    signed.expected.add(503)
    signed.open(f"/backup/collection/{collection}")
    away = server.storage.with_name("away")
    server.storage.rename(away)
    try:
        choose(signed.page, quick)
        (said,) = signed.said()
    finally:
        away.rename(server.storage)
    assert "storage" in said.lower()
    signed.page.get_by_role("button", name="Try again").click()
    assert signed.said() == ["Version uploaded"]
    assert len(versions_of(server, collection)) == 1


def test_a_cut_connection_is_said_and_the_upload_can_be_repeated(
    signed: Window, shipped: tuple[Server, Cable], collection: str, endless: Path
) -> None:
    server, line = shipped
    page = signed.page
    signed.open(f"/backup/collection/{collection}")
    devtools = signed.slowed(_SLOW)
    choose(page, endless)
    under_way(page)

    def given_up() -> bool:
        line.cut()  # the browser itself begins once more when the connection has served other requests before
        return page.locator(".notice").count() > 0

    eventually(given_up)
    assert signed.said() == ["The connection broke, or the file has changed on this device; no version was made"]
    assert all("net::ERR_" in line for line in signed.complaints)
    signed.complaints.clear()
    devtools.detach()
    assert versions_of(server, collection) == {}
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#notices .text")).to_have_text("Version uploaded")
    assert len(versions_of(server, collection)) == 1


def test_a_token_that_ends_in_the_middle_is_said_in_the_servers_words(
    signed: Window, server: Server, collection: str, quick: Path
) -> None:
    def with_ended_token(route: Route) -> None:
        answer = route.fetch()
        minted = answer.json()
        algorithm = jwt.get_unverified_header(minted["token"])["alg"]
        claims = jwt.decode(minted["token"], options={"verify_signature": False}) | {"iat": 1_700_000_000}
        key = (server.root / "jwt" / "private.pem").read_bytes()
        ended = jwt.encode(claims | {"exp": 1_700_000_300}, key, algorithm=algorithm)
        route.fulfill(response=answer, json=minted | {"token": ended})

    signed.page.route("**/upload-token", with_ended_token, times=1)
    signed.open(f"/backup/collection/{collection}")
    choose(signed.page, quick)
    assert signed.said() == ["Expired JWT Token"]
    signed.page.get_by_role("button", name="Try again").click()
    assert signed.said() == ["Version uploaded"]


def test_a_token_lasts_as_long_as_the_upload_may_take(signed: Window, collection: str, endless: Path) -> None:
    signed.open(f"/backup/collection/{collection}")
    signed.slowed(_SLOW)
    with signed.page.expect_response("**/upload-token") as minted:
        choose(signed.page, endless)
    claims = jwt.decode(minted.value.json()["token"], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 300 + 200_000_000 // 125_000
    signed.page.get_by_role("button", name="Cancel the upload").click()


def test_an_upload_outlives_the_session(signed: Window, server: Server, collection: str, quick: Path) -> None:
    page = signed.page
    signed.open(f"/backup/collection/{collection}")
    session = next(one for one in page.context.cookies() if one["name"] == "session")["value"].split(".", 3)[3]
    bearer = {"Authorization": f"Bearer {session}"}

    def sign_out_first(route: Route) -> None:
        server.direct.ask("DELETE", f"{API}/auth/token/current-session", bearer)
        route.continue_()

    page.route(f"**{COLLECTIONS}/{collection}/versions", sign_out_first)
    choose(page, quick)
    assert signed.said() == ["Version uploaded", "You were signed out meanwhile; sign in again to see it"]
    assert len(versions_of(server, collection)) == 1
