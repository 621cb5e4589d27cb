"""Downloads that the application hands over to NGINX (case 64), compared with the server's own answers."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass

import pytest
from world.bodies import Body
from world.downloads import REQUESTS, SIZE, asking, promised
from world.front import Front
from world.instance import API, Server

seeds = itertools.count(5000)


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


def was_handed_over(front: Front, path: str) -> bool:
    """Whether the application gave NGINX a name in place of bytes."""
    fields = dict(field.split("=", 1) for field in front.application.logged(path).split() if "=" in field)
    return fields["handed_over"].startswith("/internal-storage/") and int(fields["upstream_bytes"]) < 4096


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("request_name", REQUESTS)
def test_nginx_answers_as_the_server_does(
    served: Server, fronted: Front, stored: Stored, request_name: str, method: str
) -> None:
    """Case 64: nobody can tell who sends the bytes."""
    wanted = asking(request_name, etag=stored.etag, date=stored.date)
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
