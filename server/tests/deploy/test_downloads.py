"""Downloads that the application hands over to NGINX (case 64), compared with the server's own answers."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass

import pytest
from world.bodies import Body
from world.front import Front
from world.instance import API, Server
from world.wire import Answer

SIZE = 100_161
seeds = itertools.count(5000)
PROMISED = (
    "Content-Type",
    "Content-Length",
    "Content-Range",
    "Content-Disposition",
    "Accept-Ranges",
    "ETag",
    "Repr-Digest",
    "Last-Modified",
    "Cache-Control",
    "X-Content-Type-Options",
    "Content-Encoding",
)


@dataclass(frozen=True)
class Stored:
    """A version and what is known about it."""

    path: str
    content: bytes
    etag: str
    date: str


@pytest.fixture(scope="module")
def stored(served: Server) -> Stored:
    body = Body(SIZE, next(seeds))
    versions = served.create_collection("report.tar.gz")
    before = set(served.blobs())
    assert served.direct.ask("POST", versions, served.bearer, body).status == 200
    for blob in set(served.blobs()) - before:
        os.utime(blob, (0, 0))  # the date of a version is the record's, not the file's
    head = served.direct.ask("HEAD", f"{versions}/latest", served.bearer)
    return Stored(f"{versions}/v1", body.whole(), head.headers["ETag"], head.headers["Last-Modified"])


def promised(answer: Answer) -> dict[str, list[str] | None]:
    """Everything section 8.7 promises, with the number of times each header came."""
    return {name: answer.headers.get_all(name) for name in PROMISED}


def was_handed_over(front: Front, path: str) -> bool:
    """Whether the application gave NGINX a name in place of bytes."""
    fields = dict(field.split("=", 1) for field in front.application.logged(path).split() if "=" in field)
    return fields["handed_over"].startswith("/internal-storage/") and int(fields["upstream_bytes"]) < 4096


REQUESTS: dict[str, dict[str, str]] = {
    "whole": {},
    "wants it compressed": {"Accept-Encoding": "gzip, br"},
    "first bytes": {"Range": "bytes=0-9"},
    "middle": {"Range": "bytes=100-107"},
    "to the end": {"Range": "bytes=100100-"},
    "last bytes": {"Range": "bytes=-50"},
    "all of it": {"Range": "bytes=0-"},
    "end beyond the file": {"Range": "bytes=0-999999"},
    "end far beyond the file": {"Range": "bytes=0-99999999999999999999"},
    "suffix beyond the file": {"Range": "bytes=-999999"},
    "unit in another case": {"Range": "Bytes=3-5"},
    "beyond the file": {"Range": "bytes=100161-"},
    "no last bytes": {"Range": "bytes=-0"},
    "two ranges": {"Range": "bytes=0-1,5-6"},
    "an empty member": {"Range": "bytes=0-1,"},
    "another unit": {"Range": "items=0-1"},
    "last before first": {"Range": "bytes=9-3"},
    "malformed": {"Range": "bytes=x"},
    "if it is this version": {"Range": "bytes=5-9", "If-Range": "ETAG"},
    "if it is another version": {"Range": "bytes=5-9", "If-Range": '"0123"'},
    "if it is this version, weakly": {"Range": "bytes=5-9", "If-Range": "W/ETAG"},
    "if it is of this date": {"Range": "bytes=5-9", "If-Range": "DATE"},
    "if it is of another date": {"Range": "bytes=5-9", "If-Range": "Tue, 15 Nov 1994 12:45:26 GMT"},
    "if it is of no date": {"Range": "bytes=5-9", "If-Range": "yesterday"},
    "unless it is this version": {"If-None-Match": "ETAG"},
    "unless it is another version": {"If-None-Match": '"0123"'},
    "unless it is any version": {"If-None-Match": "*"},
    "unless it is as old": {"If-Modified-Since": "DATE"},
    "unless it is older": {"If-Modified-Since": "Tue, 15 Nov 1994 12:45:26 GMT"},
    "only if it is this version": {"If-Match": "ETAG"},
    "only if it is another version": {"If-Match": '"0123"'},
    "only if it is as old": {"If-Unmodified-Since": "DATE"},
    "only if it is older": {"If-Unmodified-Since": "Tue, 15 Nov 1994 12:45:26 GMT"},
    "a range of this version only": {"Range": "bytes=1-2", "If-Match": "ETAG"},
}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("request_name", REQUESTS)
def test_nginx_answers_as_the_server_does(
    served: Server, fronted: Front, stored: Stored, request_name: str, method: str
) -> None:
    """Case 64: nobody can tell who sends the bytes."""
    wanted = {
        name: value.replace("ETAG", stored.etag).replace("DATE", stored.date)
        for name, value in REQUESTS[request_name].items()
    }
    own = served.direct.ask(method, stored.path, served.bearer | wanted)
    for address in (fronted.inner, fronted.public):
        answer = address.ask(method, stored.path, served.bearer | wanted)
        assert (answer.status, promised(answer)) == (own.status, promised(own))
        assert answer.body == own.body


def test_a_whole_download_and_a_part_are_handed_over(served: Server, fronted: Front, stored: Stored) -> None:
    """Case 64: the bytes do not pass through the application."""
    collection = stored.path.rsplit("/", 1)[0]
    requests: list[tuple[str, dict[str, str], bytes]] = [
        ("latest", {}, stored.content),
        ("first", {"Range": "bytes=100-107"}, stored.content[100:108]),
        ("recent", {"Range": "bytes=100-107", "If-Range": stored.etag}, stored.content[100:108]),
    ]
    for alias, headers, content in requests:
        answer = fronted.public.ask("GET", f"{collection}/{alias}", served.bearer | headers)
        assert answer.body == content
        assert answer.headers.get_all("ETag") == [stored.etag]
        assert was_handed_over(fronted, f"{collection}/{alias}")


def test_a_stored_file_by_its_name_is_handed_over_too(served: Server, fronted: Front, stored: Stored) -> None:
    versions = stored.path.rsplit("/", 1)[0]
    url = fronted.public.ask("GET", versions, served.bearer).json()["versions"]["1"]["url"]
    path = url[url.index(API) :]
    answer = fronted.public.ask("GET", path, served.bearer)
    assert answer.body == stored.content
    assert answer.headers["Content-Disposition"] == 'attachment; filename="report.tar-v1.gz"'
    assert was_handed_over(fronted, path)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_stored_files_are_not_there_from_outside(served: Server, fronted: Front, stored: Stored, method: str) -> None:
    """Case 64, also with a valid token and a file that exists."""
    assert len(stored.content) == SIZE
    for blob in served.blobs():
        path = f"/internal-storage/{blob.relative_to(served.storage)}"
        for address in (fronted.public, fronted.inner):
            answer = address.ask(method, path, served.bearer)
            assert answer.status == 404
            assert answer.headers["Content-Type"] == "application/json"
            if method != "HEAD":
                assert answer.json() == {"error": "Route or resource not found", "code": 404, "type": "app.not-found"}


def test_a_client_cannot_turn_the_hand_over_on(served: Server, stored: Stored) -> None:
    """Only the address of section 4.2 announces that a name in place of bytes is understood."""
    answer = served.direct.ask("GET", stored.path, served.bearer | {"X-Internal-Sendfile": "/elsewhere/"})
    assert answer.body == stored.content
    assert "X-Accel-Redirect" not in answer.headers


def test_a_blob_that_vanished_is_an_error_of_the_storage(served: Server, fronted: Front) -> None:
    body = Body(1000, next(seeds))
    versions = served.create_collection()
    before = set(served.blobs())
    served.direct.ask("POST", versions, served.bearer, body)
    (blob,) = set(served.blobs()) - before
    blob.unlink()
    answer = fronted.public.ask("GET", f"{versions}/v1", served.bearer)
    assert (answer.status, answer.json()["code"], answer.json()["type"]) == (500, 42002, "app.fatal-error")
