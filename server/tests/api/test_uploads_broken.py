"""Uploads that break off or are no HTTP, through a real socket: nothing is registered, nothing is left (contract 8.4)."""

from __future__ import annotations

import itertools
import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path

import pytest
from world.bodies import Body
from world.forms import FORM, file_part, form
from world.instance import API, COLLECTIONS, Server, server
from world.traces import calm, settled, traces
from world.waiting import eventually
from world.wire import as_json, read_answer, send_chunk, send_head

MIB = 1 << 20
seeds = itertools.count(5000)
WAYS = ("with its length", "chunked", "form", "chunked form")


def staged(server: Server) -> int:
    """Count the bytes of unfinished uploads."""
    return sum(file.stat().st_size for file in server.staging.rglob("*") if file.is_file())


def begin(connection: HTTPConnection, server: Server, versions: str, way: str, size: int) -> None:
    """Announce a body of 10 MiB and send only so many bytes of it."""
    content = Body(10 * MIB, next(seeds)).whole()
    body = form(file_part(content)) if "form" in way else content
    headers = server.bearer | (FORM if "form" in way else {})
    if "chunked" in way:
        send_head(connection, "POST", versions, headers, iter(()))
        if size > 0:  # a chunk of no bytes is the end
            send_chunk(connection, body[:size])
    else:
        send_head(connection, "POST", versions, headers, body)
        connection.send(body[:size])


def hang_up(connection: HTTPConnection) -> None:
    connection.close()


def reset(connection: HTTPConnection) -> None:
    assert connection.sock is not None
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.sock.close()


def close_half(connection: HTTPConnection) -> None:
    assert connection.sock is not None
    connection.sock.shutdown(socket.SHUT_WR)
    while connection.sock.recv(65_536):
        pass


@pytest.mark.parametrize("ending", [hang_up, reset, close_half])
@pytest.mark.parametrize("way", WAYS)
def test_a_client_that_goes_away_leaves_nothing(
    listening: Server, way: str, ending: Callable[[HTTPConnection], None]
) -> None:
    """Case 81: megabytes were stored already; the number is not consumed."""
    versions = listening.create_collection()
    before = calm(listening)
    with listening.direct.connected() as connection:
        begin(connection, listening, versions, way, 5 * MIB)
        eventually(lambda: staged(listening) >= MIB)
        ending(connection)
    assert settled(listening, before) == before
    assert listening.direct.ask("POST", versions, listening.bearer, b"next").json()["version"]["version"] == 1


@pytest.mark.parametrize("size", [0, 1, 70_000])
@pytest.mark.parametrize("way", WAYS)
def test_it_does_not_matter_how_little_came(listening: Server, way: str, size: int) -> None:
    """Case 81."""
    versions = listening.create_collection()
    before = calm(listening)
    with listening.direct.connected() as connection:
        begin(connection, listening, versions, way, size)
    assert settled(listening, before) == before


def test_only_the_last_byte_makes_a_body_whole(listening: Server) -> None:
    """Case 81: one byte less than announced, and a chunked body whose last chunk lacks its end."""
    versions = listening.create_collection()
    before = calm(listening)
    with listening.direct.connected() as connection:
        send_head(connection, "POST", versions, listening.bearer | {"Content-Length": "1000"})
        connection.send(b"x" * 999)
    with listening.direct.connected() as connection:
        send_head(connection, "POST", versions, listening.bearer, iter(()))
        send_chunk(connection, b"x" * 999)
        connection.send(b"0\r\n\r")
    assert settled(listening, before) == before


@pytest.mark.parametrize(
    "broken",
    [b"zz\r\nx\r\n", b"-5\r\nhello\r\n", b"5\r\nhello!!\r\n", b"ffffffffffffffffff\r\n", b"\r\n\r\n", b"5;\x00\r\n"],
)
@pytest.mark.parametrize("kind", [{}, FORM], ids=["raw", "form"])
def test_broken_chunking_ends_the_upload(listening: Server, kind: dict[str, str], broken: bytes) -> None:
    """Contract 8.4 and 13, row 1.3: 400 and a closed connection; megabytes were stored already."""
    versions = listening.create_collection()
    before = calm(listening)
    with listening.direct.connected() as connection:
        send_head(connection, "POST", versions, listening.bearer | kind, iter(()))
        for block in Body(3 * MIB, next(seeds)):
            send_chunk(connection, block)
        connection.send(broken)
        answer = read_answer(connection)
        assert answer.status == 400
        assert answer.headers["Connection"] == "close"
        assert connection.sock is not None
        assert connection.sock.recv(1) == b""
    assert settled(listening, before) == before


def exchange(server: Server, lines: list[str], body: bytes) -> tuple[int, bytes]:
    """Send a request letter by letter as given; return status and body of the answer, after which nothing comes."""
    with server.direct.connected() as connection:
        assert connection.sock is not None
        connection.sock.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        answer = read_answer(connection)
        assert connection.sock.recv(1) == b""
    return answer.status, answer.body


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: 3", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Content-Length: 3"],
        ["Content-Length: 3", "Content-Length: 4"],
        ["Content-Length: 3", "Transfer-Encoding: identity"],
        ["Content-Length: -3"],
        ["Content-Length: 3x"],
        ["Content-Length: 99999999999999999999999999"],
    ],
)
def test_a_body_of_unclear_length_is_refused(listening: Server, headers: list[str]) -> None:
    """Contract 8.4, E6, and the connection is closed: what follows could be taken for another request."""
    versions = listening.create_collection()
    before = calm(listening)
    authorization = f"Authorization: {listening.bearer['Authorization']}"
    status, body = exchange(
        listening,
        [f"POST {versions} HTTP/1.1", "Host: server", authorization, *headers],
        b"3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: server\r\n\r\n",
    )
    assert status == 400
    assert {name: json.loads(body)[name] for name in ("code", "type")} == {"code": 400, "type": "app.fatal-error"}
    assert settled(listening, before) == before


@pytest.mark.parametrize(
    "coding", ["gzip, chunked", "identity", "gzip", "chunked, gzip", "chunked, chunked", "xchunked"]
)
def test_another_transfer_coding_is_refused(listening: Server, coding: str) -> None:
    """Contract 13, row 1.3: an unknown coding is 501 or 400; its bytes are not the version's."""
    versions = listening.create_collection()
    before = calm(listening)
    authorization = f"Authorization: {listening.bearer['Authorization']}"
    status, _body = exchange(
        listening,
        [f"POST {versions} HTTP/1.1", "Host: server", authorization, f"Transfer-Encoding: {coding}"],
        b"3\r\nabc\r\n0\r\n\r\n",
    )
    assert status in {400, 501}
    assert settled(listening, before) == before


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that waits a second for the next byte."""
    root: Path = tmp_path_factory.mktemp("impatient")
    with server(root, tcp=True, LONG_EXECUTION_TIME="1") as running:
        yield running


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [0, 2 * MIB])
def test_too_long_a_pause_breaks_the_upload_off(impatient: Server, way: str, size: int) -> None:
    """Contract 8.4: 408 where it can be delivered."""
    versions = impatient.create_collection()
    before = calm(impatient)
    with impatient.direct.connected() as connection:
        begin(connection, impatient, versions, way, size)
        answer = read_answer(connection)
    assert (answer.status, answer.json()["code"], answer.json()["type"]) == (408, 408, "app.fatal-error")
    assert settled(impatient, before) == before


class Underway:
    """A chunked upload of which all but the end has been sent."""

    def __init__(self, connection: HTTPConnection, server: Server, versions: str, token: str) -> None:
        self._connection = connection
        content = Body(3 * MIB, next(seeds)).whole()
        send_head(connection, "POST", versions, {"Authorization": f"Bearer {token}"}, iter(()))
        send_chunk(connection, content)
        eventually(lambda: staged(server) >= MIB)

    def end(self) -> tuple[int, int]:
        """Send the end and return status and code of the refusal."""
        self._connection.send(b"0\r\n\r\n")
        answer = read_answer(self._connection)
        return answer.status, answer.json()["code"]


def generated(server: Server, *permissions: str) -> str:
    """Generate a token of the administrator's account."""
    body = as_json({"requestedPermissions": list(permissions), "ttl": 3600})
    token: str = server.direct.ask("POST", f"{API}/auth/token", server.bearer, body).json()["token"]
    return token


def test_a_collection_deleted_meanwhile_takes_the_upload_with_it(listening: Server) -> None:
    """Contract 6.9: the upload ends with 404 and leaves nothing."""
    versions = listening.create_collection()
    before = calm(listening)
    gone = versions.split("/")[-2]
    with listening.direct.connected() as connection:
        upload = Underway(connection, listening, versions, listening.token)
        assert listening.direct.ask("DELETE", f"{COLLECTIONS}/{gone}", listening.bearer).status == 200
        expected = replace(before, records=traces(listening).records)
        assert upload.end() == (404, 404)
    assert settled(listening, expected) == expected


def test_a_token_revoked_meanwhile_uploads_nothing(listening: Server) -> None:
    """Contract 8.4: access is looked at again before anything becomes visible."""
    versions = listening.create_collection()
    before = calm(listening)
    token = generated(listening)
    with listening.direct.connected() as connection:
        upload = Underway(connection, listening, versions, token)
        session = {"Authorization": f"Bearer {token}"}
        assert listening.direct.ask("DELETE", f"{API}/auth/token/current-session", session).status == 200
        assert upload.end() == (403, 40324)
    assert settled(listening, before) == before


def test_limits_lowered_meanwhile_count(listening: Server) -> None:
    """Contract 8.4: the size is held against the limits as they are now."""
    versions = listening.create_collection()
    limits = {
        "id": versions.split("/")[-2],
        "maxBackupsCount": 2,
        "maxOneVersionSize": "1MB",
        "maxCollectionSize": "10MB",
        "strategy": "alert_when_too_many_versions",
        "filename": "db.tar.gz",
    }
    before = calm(listening)
    with listening.direct.connected() as connection:
        upload = Underway(connection, listening, versions, listening.token)
        assert listening.direct.ask("PUT", COLLECTIONS, listening.bearer, as_json(limits)).status == 200
        assert upload.end() == (400, 40109)
    assert settled(listening, before) == before


def test_a_collection_filled_meanwhile_is_full(listening: Server) -> None:
    """Contract 8.4: 41012 is decided at the end again."""
    versions = listening.create_collection(maxBackupsCount=1)
    before = calm(listening)
    with listening.direct.connected() as connection:
        upload = Underway(connection, listening, versions, listening.token)
        assert listening.direct.ask("POST", versions, listening.bearer, b"faster").status == 200
        expected = replace(traces(listening), unfinished=before.unfinished)
        assert upload.end() == (400, 41012)
    assert settled(listening, expected) == expected
