"""Whatever goes wrong, people see a page with the error's words and code, programs the envelope, and nobody a trace."""

from __future__ import annotations

import json
import logging
import shutil

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from world.client import PASSWORD, Serve, Served
from world.ports import free_port
from world.visitor import Page, Visitor, signed_in, visitor

SECRET = "/srv/secret/place password=hunter2"  # what an unforeseen failure may carry
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def checked(answer: httpx.Response, status: int, words: str, code: int) -> Page:
    """Hold a page about a failure against what it must be."""
    page = Page(answer.text)
    assert (answer.status_code, page.said) == (status, [words])
    assert f"Code {code}" in page.words
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert page.inline == []
    for secret in ("Traceback", ".py", "hunter2", "/srv/"):
        assert secret not in answer.text
    return page


async def fails(_request: Request) -> Response:
    raise KeyError(SECRET)


@pytest.fixture
def failing(served: Served) -> Served:
    """An instance with two addresses that fail as nobody foresaw."""
    served.app.router.routes[:0] = [Route("/broken", fails), Route("/api/stable/broken", fails)]
    return served


def forgiving(served: Served, somebody: Visitor) -> httpx.AsyncClient:
    """The same somebody, who sees answers where failures would end the test."""
    http = served.guest(url="http://backups.example.org", failures_surface=False).http
    http.cookies = somebody.http.cookies
    return http


async def test_an_unforeseen_failure_is_a_page_for_people_and_an_envelope_for_programs(
    failing: Served, admin: Visitor
) -> None:
    http = forgiving(failing, admin)
    checked(await http.get("/broken", headers=HTML), 500, "Internal server error", 500)
    for path, headers in (("/broken", {"Accept": "application/json"}), ("/broken", {}), ("/api/stable/broken", HTML)):
        answer = await http.get(path, headers=headers)
        assert answer.status_code == 500
        assert answer.json() == {"error": "Internal server error", "code": 500, "type": "app.fatal-error"}


async def test_a_failure_in_a_page_keeps_the_menu_of_the_session(served: Served, admin: Visitor) -> None:
    async def fail() -> None:
        raise KeyError(SECRET)

    served.instance.report.numbers = fail  # type: ignore[method-assign, assignment] # any part may fail
    page = checked(await forgiving(served, admin).get("/overview", headers=HTML), 500, "Internal server error", 500)
    assert page.offers("/logout")
    assert page.offers("/users")


async def test_when_the_clothes_themselves_fail_the_envelope_is_left(
    failing: Served, guest: Visitor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("backup_repository.web.pages.PRIVATE", None)
    answer = await forgiving(failing, guest).get("/broken", headers=HTML)
    assert answer.json()["code"] == 500
    assert "no page could be made" in caplog.text


async def test_a_method_that_is_not_offered_says_which_are(guest: Visitor) -> None:
    for path, allowed in (
        ("/login", {"GET", "HEAD", "POST"}),
        ("/overview", {"GET", "HEAD"}),
        ("/first-run", {"POST"}),
        ("/backup/collection/x", {"GET", "HEAD", "POST"}),
    ):
        answer = await guest.http.request("DELETE", path, headers=HTML)
        checked(answer, 405, "Method Not Allowed", 405)
        assert set(answer.headers["allow"].split(", ")) == allowed
        plain = await guest.http.request("DELETE", path)
        assert (plain.status_code, plain.json()["code"]) == (405, 405)
        assert set(plain.headers["allow"].split(", ")) == allowed


async def test_a_form_that_is_too_large_is_a_page(admin: Visitor, guest: Visitor) -> None:
    for somebody, path in ((admin, "/user"), (guest, "/login")):
        answer = await somebody.http.post(path, content=b"csrf=" + b"x" * 1_100_000, headers=HTML)
        page = checked(answer, 413, "This form is too large", 413)
        assert page.offers("/logout") == (somebody is admin)


async def test_what_is_not_there_is_a_page_also_where_a_form_was_sent(admin: Visitor, guest: Visitor) -> None:
    for answer in (
        await admin.get("/nothing/here"),
        await admin.get("/backup/collection/00000000-0000-4000-8000-000000000000"),
        await guest.http.post("/nothing/here", headers=HTML),
        await guest.get("/login\n".replace("\n", "%0A")),
        await guest.get("/login/"),
    ):
        page = checked(answer, 404, "Route or resource not found", 404)
        assert "Not found" in page.words


@pytest.mark.parametrize("path", ["/api/stable/nothing", "/api", "/health", "/health/x", "/metrics", "/metrics/x"])
async def test_programs_addresses_never_answer_with_a_page(guest: Visitor, path: str) -> None:
    answer = await guest.http.get(path, headers=HTML)
    assert json.loads(answer.content)["code"] == answer.status_code
    assert answer.status_code in {403, 404}


async def test_a_refusal_shows_its_words_and_its_code(alice: Visitor) -> None:
    checked(await alice.get("/users"), 403, "No permission to search for users", 40314)


async def test_a_range_beyond_the_version_is_a_page_with_its_headers(alice: Visitor) -> None:
    collection = await alice.client.create_collection()
    await alice.client.upload(collection["id"], b"0123456789")
    at = f"/backup/collection/{collection['id']}/versions/v1"
    answer = await alice.get(at, headers={"Range": "bytes=10-"})
    checked(answer, 416, "The byte range cannot be satisfied", 42006)
    assert answer.headers["content-range"] == "bytes */10"


async def test_a_lost_file_is_a_page_and_is_logged_and_counted(
    served: Served, alice: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    collection = await alice.client.create_collection()
    await alice.client.upload(collection["id"], b"0123456789")
    for child in served.storage.iterdir():
        shutil.rmtree(child) if child.is_dir() else child.unlink()
    with caplog.at_level(logging.WARNING):
        answer = await alice.get(f"/backup/collection/{collection['id']}/versions/v1")
    checked(answer, 500, "The registered file is missing on the storage", 42002)
    assert "missing on the storage" in caplog.text
    assert served.instance.counters.read()[0]["backup_repository_storage_errors_total", "42002"] == 1


@pytest.mark.parametrize("path", ["/overview", "/overview/uploading", "/login", "/nothing"])
async def test_a_database_out_of_reach_is_a_page(
    serve: Serve, admin: Visitor, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    down = serve(database_url=f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    somebody = await signed_in(down, admin.client)
    checked(await somebody.get(path), 503, "Internal server error", 503)
    assert down.instance.counters.read()[0]["backup_repository_database_errors_total",] == 1
    assert "refused a page" in caplog.text


async def test_too_many_log_ins_say_when_to_try_again(served: Served, admin: Visitor) -> None:
    for _ in range(10):
        page = await visitor(served).does("/login", "/login", email=admin.client.email, password="wrong!!!")
        assert page.said == ["Invalid credentials."]
    somebody = visitor(served)
    form = (await somebody.page("/login")).form("/login")
    answer = await somebody.send(form, email=admin.client.email, password=PASSWORD)
    assert (answer.status_code, Page(answer.text).said) == (429, ["Too many failed login attempts, try again later"])
    assert 0 < int(answer.headers["retry-after"]) <= 900


async def test_a_name_that_is_not_served_is_refused_with_a_page(serve: Serve, admin: Visitor) -> None:
    elsewhere = await signed_in(serve(trusted_hosts=("other.example.org",)), admin.client)
    checked(await elsewhere.get("/overview"), 400, "This host name is not served here", 400)


async def test_the_console_s_own_scripts_get_json(alice: Visitor) -> None:
    collection = await alice.client.create_collection()
    form = (await alice.page(f"/backup/collection/{collection['id']}")).form("/uploaded")
    form.action = "/backup/collection/00000000-0000-4000-8000-000000000000/upload-token"
    answer = await alice.send(form, {"Accept": "*/*"})
    assert (answer.status_code, answer.json()) == (404, {"error": "Route or resource not found"})
