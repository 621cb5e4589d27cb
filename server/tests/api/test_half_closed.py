"""A client that closes its sending side and goes on listening gets its answer, through a real socket (contract 8.4)."""

from __future__ import annotations

import hashlib
import itertools
import socket

import pytest
from world.bodies import Body
from world.forms import FORM, file_part, form
from world.instance import API, Server
from world.traces import calm, settled
from world.wire import Answer, read_answer, send_head

MIB = 1 << 20
seeds = itertools.count(8800)


def say_and_close(
    server: Server, method: str, path: str, headers: dict[str, str], body: bytes, *, chunked: bool = False
) -> Answer:
    """Send a head and a body as given, close the sending side, and read the answer, after which nothing comes."""
    with server.direct.connected() as connection:
        send_head(connection, method, path, server.bearer | headers, iter(()) if chunked else b"")
        connection.send(body)
        assert connection.sock is not None
        connection.sock.shutdown(socket.SHUT_WR)
        answer = read_answer(connection, method)
        assert connection.sock.recv(1) == b""
    return answer


@pytest.mark.parametrize("sent", [0, 1, 3 * MIB])
@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Content-Length": str(10 * MIB)}, 42009),
        ({"Content-Length": str(10 * MIB)} | FORM, 42008),
    ],
)
def test_a_body_that_breaks_off_is_refused_to_whoever_still_listens(
    listening: Server, headers: dict[str, str], code: int, sent: int
) -> None:
    """Case 81: 42009, for forms 42008, and nothing is left."""
    versions = listening.create_collection()
    before = calm(listening)
    content = Body(10 * MIB, next(seeds)).whole()
    body = form(file_part(content)) if code == 42008 else content
    answer = say_and_close(listening, "POST", versions, headers, body[:sent])
    assert (answer.status, answer.json()["code"]) == (400, code)
    assert settled(listening, before) == before


def test_chunks_that_break_off_are_refused_to_whoever_still_listens(listening: Server) -> None:
    """Case 81."""
    versions = listening.create_collection()
    before = calm(listening)
    answer = say_and_close(listening, "POST", versions, {}, b"5\r\nhello\r\n", chunked=True)
    assert (answer.status, answer.json()["code"]) == (400, 42009)
    assert settled(listening, before) == before


@pytest.mark.parametrize("size", [5, 3 * MIB])
def test_a_whole_upload_is_stored_and_confirmed(listening: Server, size: int) -> None:
    versions = listening.create_collection()
    content = Body(size, next(seeds)).whole()
    answer = say_and_close(listening, "POST", versions, {"Content-Length": str(size)}, content)
    assert answer.status == 200
    assert answer.json()["version"]["checksum"]["value"] == hashlib.sha256(content).hexdigest()


def test_a_download_is_sent_whole(listening: Server) -> None:
    versions = listening.create_collection()
    content = Body(3 * MIB, next(seeds)).whole()
    assert listening.direct.ask("POST", versions, listening.bearer, content).status == 200
    answer = say_and_close(listening, "GET", f"{versions}/latest", {}, b"")
    assert (answer.status, answer.body) == (200, content)


def test_every_request_that_was_sent_is_answered(listening: Server) -> None:
    """Requests on one connection wait for each other; none is dropped."""
    head = f"GET {API}/version HTTP/1.1\r\nHost: server\r\nAuthorization: {listening.bearer['Authorization']}\r\n\r\n"
    with listening.direct.connected() as connection:
        assert connection.sock is not None
        connection.sock.sendall(head.encode() * 3)
        connection.sock.shutdown(socket.SHUT_WR)
        said = b""
        while block := connection.sock.recv(65_536):
            said += block
    assert said.count(b"HTTP/1.1 200 OK") == 3


def test_a_request_without_its_end_is_not_waited_for(listening: Server) -> None:
    with listening.direct.connected() as connection:
        assert connection.sock is not None
        connection.sock.sendall(b"GET /health HTTP/1.1\r\nHost: ser")
        connection.sock.shutdown(socket.SHUT_WR)
        assert connection.sock.recv(1) == b""
