"""Downloads whose client goes away or falls silent cost nothing any more (contract 8.7, B 1.2)."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Iterator

import psutil
import pytest
from world.bodies import Body
from world.instance import Installation, Server
from world.waiting import eventually
from world.wire import read_answer, send_head

pytestmark = pytest.mark.timeout(120)
MIB = 1 << 20
SIZE = 200 * MIB
"""Far more than all buffers on the way take in."""


@pytest.fixture(scope="module")
def impatient(embedded: Installation) -> Iterator[Server]:
    """A server that waits a second for a reader, with a version of SIZE bytes."""
    with embedded.with_settings(LONG_EXECUTION_TIME="1").serve(tcp=True) as server:
        yield server


@pytest.fixture(scope="module")
def large(impatient: Server) -> str:
    """The path of the version."""
    versions = impatient.create_collection()
    assert impatient.direct.ask("POST", versions, impatient.bearer, Body(SIZE, 91)).status == 200
    return f"{versions}/v1"


def reads(server: Server) -> bool:
    """Whether the server has a blob open."""
    return any(file.path.startswith(str(server.storage)) for file in psutil.Process(server.pid).open_files())


def read_so_far(server: Server) -> int:
    """Count the bytes that the server has ever read from its files."""
    count: int = psutil.Process(server.pid).io_counters().read_chars
    return count


def begin(connection: http.client.HTTPConnection, server: Server, path: str) -> None:
    """Ask for the version through a small window and wait for the first bytes."""
    assert connection.sock is not None
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    send_head(connection, "GET", path, server.bearer)
    assert connection.sock.recv(12, socket.MSG_PEEK | socket.MSG_WAITALL) == b"HTTP/1.1 200"


def test_nothing_is_read_for_a_client_that_is_gone(impatient: Server, large: str) -> None:
    before = read_so_far(impatient)
    with impatient.direct.connected() as connection:
        begin(connection, impatient, large)
        assert reads(impatient)
    eventually(lambda: not reads(impatient))
    assert read_so_far(impatient) - before < SIZE // 2


def test_a_reader_that_takes_nothing_for_too_long_is_cut_off(impatient: Server, large: str) -> None:
    """`LONG_EXECUTION_TIME`: the file is closed, and what the reader finds later is no whole answer."""
    before = read_so_far(impatient)
    with impatient.direct.connected() as connection:
        begin(connection, impatient, large)
        eventually(lambda: not reads(impatient))
        assert read_so_far(impatient) - before < SIZE // 2
        with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
            read_answer(connection)
    assert "Traceback" not in (impatient.root / "server.log").read_text()


def test_a_slow_reader_is_no_silent_one(impatient: Server, large: str) -> None:
    """It takes longer than `LONG_EXECUTION_TIME` altogether, but always something."""
    with impatient.direct.connected() as connection:
        begin(connection, impatient, large)
        assert connection.sock is not None
        response = http.client.HTTPResponse(connection.sock)
        response.begin()
        began, count = time.monotonic(), 0
        while block := response.read(MIB):
            count += len(block)
            time.sleep(0.01)  # slow, which is what this is about
        assert time.monotonic() - began > 1
        assert count == SIZE
        response.close()
