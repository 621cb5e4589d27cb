"""Sizes, expectations and early refusals through a real socket (contract 8.4)."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from world.bodies import Body
from world.forms import FORM, file_part, form
from world.instance import API, PASSWORD, Server, log_in
from world.traces import calm, settled
from world.wire import Answer, Block, as_json, read_answer, send_chunk, send_head

LIMIT = 1_000_000
LIMITS: dict[str, Any] = {"maxBackupsCount": 3, "maxOneVersionSize": LIMIT, "maxCollectionSize": "10MB"}
MIB = 1 << 20
WAYS = ("with its length", "chunked", "form", "chunked form")
seeds = itertools.count(4000)


def upload(server: Server, versions: str, way: str, content: bytes, headers: dict[str, str] | None = None) -> Answer:
    """Send bytes in one of the ways, which differ in what the server can know before it reads."""
    body = form(file_part(content)) if "form" in way else content
    everything = (headers or server.bearer) | (FORM if "form" in way else {})
    pieces: Iterator[Block] = (body[start : start + 65_536] for start in range(0, len(body), 65_536))
    return server.direct.ask("POST", versions, everything, pieces if "chunked" in way else body)


@pytest.fixture(scope="module")
def confined(listening: Server) -> dict[str, str]:
    """The header of an administrator whose account may upload no more than LIMIT bytes at once."""
    fields = {
        "email": "confined@example.org",
        "password": PASSWORD,
        "permissions": ["security.administrator"],
        "data": {"maxAllowedFileSize": LIMIT},
    }
    answer = listening.direct.ask("POST", f"{API}/auth/user", listening.bearer, as_json(fields))
    assert answer.status == 201, answer.body
    return {"Authorization": f"Bearer {log_in(listening.direct, 'confined@example.org', PASSWORD)}"}


@pytest.mark.parametrize("way", WAYS)
def test_a_version_of_exactly_the_limit_is_accepted_and_one_byte_more_is_not(listening: Server, way: str) -> None:
    """Case 84: the collection's one-version size; the frame of a form does not count."""
    versions = listening.create_collection(**LIMITS)
    assert upload(listening, versions, way, Body(LIMIT, next(seeds)).whole()).status == 200
    before = calm(listening)
    answer = upload(listening, versions, way, Body(LIMIT + 1, next(seeds)).whole())
    assert (answer.status, answer.json()["code"], answer.json()["type"]) == (400, 40109, "validation.error")
    assert settled(listening, before) == before


@pytest.mark.parametrize("way", WAYS)
def test_the_account_has_a_limit_of_its_own(listening: Server, confined: dict[str, str], way: str) -> None:
    """Case 84: `maxAllowedFileSize`, where the collection has no limit."""
    versions = listening.create_collection()
    assert upload(listening, versions, way, Body(LIMIT, next(seeds)).whole(), confined).status == 200
    before = calm(listening)
    too_much = Body(LIMIT + 1, next(seeds)).whole()
    assert upload(listening, versions, way, too_much, confined).json()["code"] == 40109
    assert settled(listening, before) == before
    assert upload(listening, versions, way, too_much).status == 200


def test_the_smaller_of_two_limits_counts(listening: Server, confined: dict[str, str]) -> None:
    versions = listening.create_collection(**LIMITS | {"maxOneVersionSize": 10})
    assert upload(listening, versions, "chunked", b"x" * 11, confined).json()["code"] == 40109
    assert upload(listening, versions, "chunked", b"x" * 10, confined).status == 200


@pytest.mark.parametrize(("excess", "sent"), [(65_536, True), (65_537, False)])
def test_a_form_is_refused_unread_only_when_far_too_long(listening: Server, excess: int, sent: bool) -> None:
    """Contract 8.4: more than 64 KiB above the limit. What is asked for before the body comes tells."""
    versions = listening.create_collection(**LIMITS)
    before = calm(listening)
    headers = listening.bearer | FORM | {"Expect": "100-continue", "Content-Length": str(LIMIT + excess)}
    with listening.direct.connected() as connection:
        send_head(connection, "POST", versions, headers)
        assert connection.sock is not None
        first = connection.sock.recv(12)
        assert first == (b"HTTP/1.1 100" if sent else b"HTTP/1.1 400")
    assert settled(listening, before) == before


def test_a_permitted_upload_is_told_to_continue_first(listening: Server) -> None:
    """Case 82."""
    versions = listening.create_collection(**LIMITS)
    content = Body(LIMIT, next(seeds))
    headers = listening.bearer | {"Expect": "100-continue", "Content-Length": str(content.size)}
    with listening.direct.connected() as connection:
        send_head(connection, "POST", versions, headers)
        assert connection.sock is not None
        go_on = b"HTTP/1.1 100 Continue\r\n\r\n"
        assert connection.sock.recv(len(go_on), socket.MSG_WAITALL) == go_on
        connection.send(content.whole())
        answer = read_answer(connection)
    assert answer.json()["version"]["checksum"]["value"] == content.sha256()


REFUSALS: dict[str, tuple[dict[str, str], int, int]] = {
    "too large": ({"Content-Length": str(LIMIT + 1)}, 400, 40109),
    "empty": ({"Content-Length": "0"}, 400, 42009),
    "unreadable digest": ({"Content-Length": "5", "Repr-Digest": "?"}, 400, 42024),
    "a file name from anybody": ({"Content-Length": "5", "X-Internal-Filename": "x"}, 400, 42023),
    "no token": ({"Content-Length": "5", "Authorization": ""}, 401, 401),
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_a_refused_upload_is_not_told_to_continue(listening: Server, reason: str) -> None:
    """Case 82: the first bytes of the answer are the refusal itself, and afterwards the connection ends."""
    headers, status, code = REFUSALS[reason]
    versions = listening.create_collection(**LIMITS)
    before = calm(listening)
    with listening.direct.connected() as connection:
        send_head(connection, "POST", versions, listening.bearer | {"Expect": "100-continue"} | headers)
        assert connection.sock is not None
        assert connection.sock.recv(12, socket.MSG_PEEK | socket.MSG_WAITALL) == b"HTTP/1.1 %d" % status
        answer = read_answer(connection)
    assert answer.json()["code"] == code
    assert settled(listening, before) == before


def test_a_full_collection_refuses_before_the_body(listening: Server) -> None:
    """Contract 8.4: 41012 before `100 Continue`; larger than the limit comes first."""
    versions = listening.create_collection(**LIMITS | {"maxBackupsCount": 1})
    assert upload(listening, versions, "chunked", b"the only one").status == 200
    before = calm(listening)
    for length, code in ((5, 41012), (LIMIT + 1, 40109)):
        headers = listening.bearer | {"Expect": "100-continue", "Content-Length": str(length)}
        with listening.direct.connected() as connection:
            send_head(connection, "POST", versions, headers)
            assert connection.sock is not None
            assert connection.sock.recv(12, socket.MSG_PEEK | socket.MSG_WAITALL) == b"HTTP/1.1 400"
            assert read_answer(connection).json()["code"] == code
    assert settled(listening, before) == before


@pytest.mark.parametrize("way", ["with its length", "chunked", "form"])
def test_any_other_expectation_fails(listening: Server, way: str) -> None:
    """Contract 8.4, 417: last of what is found out before the body, so that a full collection still says so."""
    versions = listening.create_collection(**LIMITS | {"maxBackupsCount": 1})
    expecting = listening.bearer | {"Expect": "a-miracle"}
    before = calm(listening)
    answer = upload(listening, versions, way, b"abc", expecting)
    assert (answer.status, answer.json()["code"], answer.json()["type"]) == (417, 417, "app.fatal-error")
    assert settled(listening, before) == before
    assert upload(listening, versions, way, b"abc").status == 200
    assert upload(listening, versions, way, b"abcd", expecting).json()["code"] == 41012


def test_an_unannounced_excess_is_refused_while_the_sender_still_sends(listening: Server) -> None:
    """Case 83: nothing but the first byte too many is needed for the answer."""
    versions = listening.create_collection(**LIMITS)
    before = calm(listening)
    with listening.direct.connected() as connection:
        send_head(connection, "POST", versions, listening.bearer, iter(()))
        send_chunk(connection, Body(LIMIT, next(seeds)).whole())
        send_chunk(connection, b"!")
        answer = read_answer(connection)
        assert (answer.status, answer.json()["code"]) == (400, 40109)
        assert answer.headers["Connection"] == "close"
        send_chunk(connection, b"more of it")
        assert connection.sock is not None
        assert connection.sock.recv(1) == b""
    assert settled(listening, before) == before


@pytest.mark.parametrize("way", ["with its length", "chunked"])
def test_a_sender_who_does_not_listen_still_finds_the_answer(listening: Server, way: str) -> None:
    """Case 83: it sends fifty megabytes too many and reads only then."""
    versions = listening.create_collection(**LIMITS)
    before = calm(listening)
    body = Body(50 * MIB, next(seeds))
    length = {"Content-Length": str(body.size)} if way == "with its length" else {}
    answer = listening.direct.ask("POST", versions, listening.bearer | length, body)
    assert (answer.status, answer.json()["code"]) == (400, 40109)
    assert settled(listening, before) == before


def test_a_sender_who_is_nobody_is_refused_in_the_middle_of_the_body(listening: Server) -> None:
    """Contract 8.4: also a refusal that needed no look at the body is readable."""
    answer = listening.direct.ask("POST", listening.create_collection(), {}, Body(20 * MIB, next(seeds)))
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_connection_goes_on_after_a_whole_upload(listening: Server) -> None:
    """One connection may carry many uploads, accepted or refused, as long as each body was read."""
    versions = listening.create_collection(**LIMITS)
    with listening.direct.connected() as connection:
        for content, status in ((b"one", 200), (b"two", 200), (b"two", 400), (b"three", 200)):
            connection.request("POST", versions, content, listening.bearer)
            response = connection.getresponse()
            assert (response.status, response.read()[:1]) == (status, b"{")
    assert list(listening.direct.ask("GET", versions, listening.bearer).json()["versions"]) == ["1", "2", "3"]
