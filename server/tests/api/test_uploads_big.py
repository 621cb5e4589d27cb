"""Gigabytes, and many uploads at once, straight into the server: bounded memory, and others are served (contract 12)."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection

import pytest
from world.bodies import BLOCK, Body
from world.forms import FORM, file_part, form
from world.instance import Server, server
from world.memory import peak_memory
from world.wire import Block, read_answer, send_chunk, send_head

pytestmark = [pytest.mark.xdist_group("big"), pytest.mark.timeout(240)]

GB = 1_000_000_000
MEMORY = 120 * 1_000_000
"""What the server may use at any moment of its life, in bytes."""
CODE = "secret"


@pytest.fixture
def emptied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own on a TCP port, whose gigabytes are gone when the test is over."""
    with server(tmp_path_factory.mktemp("big"), tcp=True, HEALTH_CHECK_CODE=CODE) as running:
        yield running
        for blob in running.blobs():
            blob.unlink()


def is_healthy(server: Server) -> bool:
    """Whether the server answers somebody else, and finds its storage and database well."""
    return server.direct.ask("GET", f"/health?code={CODE}").status == 200


class Watched:
    """A body that looks after the server now and then while it is sent, and knows its digest in the end."""

    def __init__(self, body: Body, server: Server) -> None:
        self._body = body
        self._server = server
        self._digest = hashlib.sha256()
        self.healthy: list[bool] = []

    def __iter__(self) -> Iterator[Block]:
        for number, block in enumerate(self._body):
            self._digest.update(block)
            if number % 500 == 250:
                self.healthy.append(is_healthy(self._server))
            yield block

    def sha256(self) -> str:
        return self._digest.hexdigest()


def test_five_gigabytes_come_back_as_they_went_in(emptied: Server) -> None:
    """There and back, in bounded memory, while others are served."""
    body = Body(5 * GB + 1, 51)
    sent = Watched(body, emptied)
    versions = emptied.create_collection()
    answer = emptied.direct.ask("POST", versions, emptied.bearer | {"Content-Length": str(body.size)}, sent)
    assert answer.status == 200, answer.body
    assert answer.json()["version"]["checksum"]["value"] == sent.sha256()
    assert len(sent.healthy) > 5
    assert all(sent.healthy)
    assert emptied.direct.fetch(f"{versions}/v1", emptied.bearer) == (200, body.size, sent.sha256())
    assert emptied.leftovers() == []
    assert peak_memory(emptied.pid) < MEMORY


class Slow:
    """One of many uploads, sent piece by piece: with its length, chunked, or as a form."""

    PIECE = 24_000

    def __init__(self, connection: HTTPConnection, server: Server, versions: str, number: int) -> None:
        self._connection = connection
        self._way = number % 3
        self.body = Body(5 * BLOCK + number, 5100 + number)
        whole = form(file_part(self.body.whole())) if self._way == 2 else self.body.whole()
        self._pieces = iter([whole[start : start + self.PIECE] for start in range(0, len(whole), self.PIECE)])
        headers = server.bearer | (FORM if self._way == 2 else {})
        send_head(connection, "POST", versions, headers, whole if self._way == 0 else iter(()))

    def go_on(self) -> bool:
        """Send the next piece; False: there was none."""
        piece = next(self._pieces, None)
        if piece is None:
            return False
        if self._way == 0:
            self._connection.send(piece)
        else:
            send_chunk(self._connection, piece)
        return True

    def end(self) -> tuple[int, str]:
        """Send the end and return the number and the checksum of the version."""
        if self._way != 0:
            self._connection.send(b"0\r\n\r\n")
        version = read_answer(self._connection).json()["version"]
        return version["version"], version["checksum"]["value"]


def test_fifty_slow_uploads_need_no_memory_and_hold_up_nobody(emptied: Server) -> None:
    """All are under way all the time; their pieces wait for each other, and for somebody else being served."""
    versions = emptied.create_collection()
    with ExitStack() as stack:
        uploads = [
            Slow(stack.enter_context(emptied.direct.connected()), emptied, versions, number) for number in range(50)
        ]
        for turn in itertools.count():
            going_on = [upload.go_on() for upload in uploads]
            if not any(going_on):
                break
            if turn % 4 == 0:
                assert is_healthy(emptied)
        stored = [upload.end() for upload in uploads]
    assert sorted(number for number, _ in stored) == list(range(1, 51))
    assert [checksum for _, checksum in stored] == [upload.body.sha256() for upload in uploads]
    assert emptied.leftovers() == []
    assert peak_memory(emptied.pid) < MEMORY
