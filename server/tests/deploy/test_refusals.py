"""Refusals of NGINX itself have the envelope of the HTTP contract; answers of the application pass untouched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from world.bodies import Body
from world.front import Front
from world.instance import Server
from world.upstream import Upstream
from world.waiting import eventually
from world.wire import Address, Answer, read_answer

MIB = 1 << 20
Said = Callable[..., tuple[Front, Upstream]]
SMALLER = {"client_max_body_size 30G": "client_max_body_size 1m"}


def assert_refusal(answer: Answer, status: int, *, code: int | None = None, kind: str = "app.fatal-error") -> None:
    """The envelope of section 1.3, laid out as section 1.2 says."""
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/json"
    error = answer.json()["error"]
    assert error
    expected = f'{{\n    "error": "{error}",\n    "code": {code or status},\n    "type": "{kind}"\n}}'
    assert answer.body.decode() == expected


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
@pytest.mark.parametrize("layer", ["router", "application"])
@pytest.mark.parametrize("ending", ["versions", "backup"])
def test_a_body_above_the_limit_is_refused_in_json(
    served: Server, fronted_with: Callable[..., Front], layer: str, announced: bool, ending: str
) -> None:
    """Either layer may be the one with the smaller limit; the client reads its answer although it is still sending."""
    running = fronted_with(**{layer: SMALLER})
    versions = served.create_collection()
    blobs = served.blobs()
    body = Body(6 * MIB, 1)
    length = {"Content-Length": str(body.size)} if announced else {}
    uploads = versions.replace("/versions", f"/{ending}")
    answers = [running.public.ask("POST", uploads, served.bearer | length, body)]
    if layer == "application":
        answers.append(running.inner.ask("POST", uploads, served.bearer | length, body))
    for answer in answers:
        assert_refusal(answer, 413)
    assert running.public.ask("GET", versions, served.bearer).json()["versions"] == {}
    assert eventually(lambda: served.leftovers() == [])
    assert served.blobs() == blobs


def test_a_body_up_to_the_limit_passes(served: Server, fronted_with: Callable[..., Front]) -> None:
    running = fronted_with(router=SMALLER, application=SMALLER)
    assert running.public.ask("POST", served.create_collection(), served.bearer, Body(MIB, 2)).status == 200


def test_an_announced_body_above_the_limit_is_refused_before_it_is_sent(served: Server, fronted: Front) -> None:
    """With the limits as shipped: 30 GiB and one byte, and no `100 Continue` before the refusal."""
    for address in (fronted.public, fronted.inner):
        headers = served.bearer | {"Content-Length": str(30 * 1024 * MIB + 1), "Expect": "100-continue"}
        with address.connected() as connection:
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            connection.send(
                f"POST {served.create_collection()} HTTP/1.1\r\nHost: {address.host}\r\n{lines}\r\n".encode()
            )
            first = connection.sock.recv(65536)
        assert first.startswith(b"HTTP/1.1 413 ")
        assert b'"code": 413,' in first


def test_an_application_that_is_down_is_said_in_json(fronted_with: Callable[..., Front], served: Server) -> None:
    running = fronted_with(
        application={"server unix:": "server unix:/nowhere", "proxy_connect_timeout 10s": "proxy_connect_timeout 1s"}
    )
    for address in (running.public, running.inner):
        assert_refusal(address.ask("GET", "/health"), 502)
        assert_refusal(address.ask("POST", "/api/stable/repository/collection/x/versions", {}, Body(2 * MIB, 3)), 502)
    assert eventually(lambda: served.leftovers() == [])


def test_an_application_nginx_that_is_down_is_said_in_json(fronted_with: Callable[..., Front]) -> None:
    running = fronted_with(router={"        server 127.0.0.1:8080;": "        server 127.0.0.1:1;"})
    assert_refusal(running.public.ask("GET", "/health"), 502)


def test_a_silent_application_is_given_up_in_json(said: Said) -> None:
    """It also shows that `proxy_read_timeout` is what ends the wait, on both layers."""
    shorter = {"proxy_read_timeout 3600s": "proxy_read_timeout 1s"}
    running, behind = said(b"", application=shorter)
    for path in ("/health", "/api/stable/repository/collection/x/versions"):
        assert_refusal(running.inner.ask("POST", path, {}, b"body"), 504)
    assert eventually(lambda: list(behind.incoming.iterdir()) == [])


def test_a_silent_application_is_given_up_by_the_router_in_json(said: Said) -> None:
    running, _ = said(b"", router={"proxy_read_timeout 3600s": "proxy_read_timeout 1s"})
    assert_refusal(running.public.ask("GET", "/health"), 504)


@pytest.mark.parametrize(
    "status", ["400 Bad Request", "404 Not Found", "413 Too Large", "500 Oops", "502 Bad", "503 Busy"]
)
def test_answers_of_the_application_pass_untouched(said: Said, status: str) -> None:
    words = f"HTTP/1.1 {status}\r\nContent-Type: text/strange\r\nRetry-After: 7\r\nContent-Length: 3\r\n\r\nown"
    running, _ = said(words.encode())
    for address in (running.public, running.inner):
        answer = address.ask("GET", "/anything")
        assert (answer.status, answer.body) == (int(status[:3]), b"own")
        assert (answer.headers["Content-Type"], answer.headers["Retry-After"]) == ("text/strange", "7")


def handing_over(name: str) -> bytes:
    return (
        "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 0\r\n"
        f'ETag: "x"\r\nX-Accel-Redirect: /internal-storage/{name}\r\n\r\n'
    ).encode()


def test_a_blob_that_vanished_after_the_hand_over_is_said_in_json(said: Said) -> None:
    running, _ = said(handing_over("ab/gone"))
    for address in (running.public, running.inner):
        assert_refusal(address.ask("GET", "/anything"), 500, code=42002)


def test_a_symbolic_link_in_the_storage_is_not_followed(said: Said, tmp_path: Path) -> None:
    running, behind = said(handing_over("link"))
    (behind.storage / "whole").write_bytes(b"content")
    (behind.storage / "link").symlink_to(behind.storage / "whole")
    for address in (running.public, running.inner):
        assert_refusal(address.ask("GET", "/anything"), 503, code=42001)
    assert tmp_path.exists()


def test_several_handed_over_ranges_are_the_whole_blob(said: Said) -> None:
    """Section 4.2, `max_ranges 1`: should the application ever leave the choice to NGINX."""
    running, behind = said(handing_over("blob"))
    (behind.storage / "blob").write_bytes(b"content")
    answer = running.public.ask("GET", "/anything", {"Range": "bytes=0-1,3-4"})
    assert (answer.status, answer.body) == (200, b"content")
    assert answer.headers.get_all("Accept-Ranges") == ["bytes"]


def test_a_handed_over_range_beyond_the_blob_is_said_in_json(said: Said) -> None:
    running, behind = said(handing_over("blob"))
    (behind.storage / "blob").write_bytes(b"content")
    answer = running.public.ask("GET", "/anything", {"Range": "bytes=7-"})
    assert_refusal(answer, 416, code=42006, kind="request.format-error")
    assert answer.headers["Content-Range"] == "bytes */7"


UNREADABLE = {
    "length and chunked": (
        400,
        "POST /health HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    "broken chunking": (400, "POST /health HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n"),
    "unknown coding": (501, "POST /health HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: gzip\r\n\r\n"),
    "long address": (414, "{address}"),
    "long header": (431, "GET /health HTTP/1.1\r\nHost: {host}\r\n{field}"),
    "method of proxies": (405, "TRACE /health HTTP/1.1\r\nHost: {host}\r\n\r\n"),
    "later protocol": (505, "GET /health HTTP/3.0\r\nHost: {host}\r\n\r\n"),
    "no protocol at all": (400, "\x01\x02\r\n\r\n"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_nginx_cannot_read_is_refused_in_json(fronted: Front, case: str) -> None:
    status, request = UNREADABLE[case]
    for address in (fronted.public, fronted.inner):
        # As much as NGINX reads of one line and no byte more: what it had not read would cut the answer off.
        answer = raw(
            address, request.format(host=address.host, address=f"GET /{'x' * 8187}", field=f"X-Long: {'x' * 8184}")
        )
        assert_refusal(answer, status)
        assert ("Allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize("path", ["/nginx-refusal", "/nginx-refusal/blob-missing"])
def test_the_pages_of_refusals_are_not_there_from_outside(fronted: Front, path: str) -> None:
    for address in (fronted.public, fronted.inner):
        assert_refusal(address.ask("GET", path), 404, kind="app.not-found")


def raw(address: Address, request: str) -> Answer:
    with address.connected() as connection:
        connection.send(request.encode())
        return read_answer(connection)
