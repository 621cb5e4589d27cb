"""Servers asked to stop while transfers run (contract B 2.3, console case 23)."""

from __future__ import annotations

import itertools
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from world.bodies import Body
from world.instance import Installation, Server
from world.traces import calm, settled, traces
from world.waiting import eventually
from world.wire import read_answer, send_chunk, send_head

pytestmark = pytest.mark.timeout(120)
MIB = 1 << 20
GIB = 1 << 30
seeds = itertools.count(10_000)


def stops_accepting(server: Server) -> bool:
    """Whether nobody can connect any more."""
    try:
        server.direct.open().close()
    except ConnectionRefusedError:
        return True
    return False


def test_running_transfers_finish_within_the_grace_time(embedded: Installation) -> None:
    """Case 23: an upload and a download go on while nobody new is let in; then the server ends with 0."""
    body, other = Body(6 * MIB, next(seeds)), Body(64 * MIB, next(seeds))
    with embedded.serve(tcp=True) as server, ExitStack() as stack:
        versions = server.create_collection()
        assert server.direct.ask("POST", versions, server.bearer, other).status == 200
        uploading, downloading = (stack.enter_context(server.direct.connected()) for _ in range(2))
        blocks = iter(body)
        send_head(uploading, "POST", versions, server.bearer, blocks)
        for block in itertools.islice(blocks, 3):
            send_chunk(uploading, block)
        send_head(downloading, "GET", f"{versions}/v1", server.bearer)
        assert downloading.sock is not None
        assert downloading.sock.recv(12, socket.MSG_PEEK | socket.MSG_WAITALL) == b"HTTP/1.1 200"
        server.process.terminate()
        eventually(lambda: stops_accepting(server))
        for block in blocks:
            send_chunk(uploading, block)
        uploading.send(b"0\r\n\r\n")
        answer = read_answer(uploading)
        assert (answer.status, answer.json()["version"]["checksum"]["value"]) == (200, body.sha256())
        assert read_answer(downloading).body == other.whole()
        assert server.process.wait() == 0
        assert server.leftovers() == []
    with embedded.serve(tcp=True) as server:
        assert server.direct.fetch(f"{versions}/v2", server.bearer) == (200, body.size, body.sha256())


def test_without_grace_uploads_are_cut_and_leave_nothing(embedded: Installation) -> None:
    """Case 23: neither version nor blob, of a body that is arriving and of a landed one that is being looked at."""
    with embedded.serve("--grace", "0") as server, ExitStack() as stack:
        versions = server.create_collection()
        before = calm(server)
        connection = stack.enter_context(server.direct.connected())
        send_head(connection, "POST", versions, server.bearer, iter(()))
        for block in Body(6 * MIB, next(seeds)):
            send_chunk(connection, block)
        landed = server.incoming / "0000000012"
        with landed.open("wb") as file:
            file.truncate(4 * GIB)
        proxy = stack.enter_context(ThreadPoolExecutor(1))
        named = server.bearer | {"X-Internal-Filename": landed.name}
        looking = proxy.submit(server.direct.ask, "POST", versions, named)
        eventually(lambda: landed.stat().st_nlink > 1 and len(traces(server).unfinished) > 1)
        server.process.terminate()
        assert server.process.wait() == 0
        for answer in (read_answer(connection), looking.result()):
            assert (answer.status, answer.json()["code"], answer.json()["type"]) == (503, 503, "app.fatal-error")
        landed.unlink()
        assert settled(server, before) == before
    assert "Traceback" not in (embedded.root / "server.log").read_text()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_of_several_uploads_those_finish_that_can_within_the_grace_time(embedded: Installation, workers: str) -> None:
    """The others are told so, and leave nothing."""
    bodies = [Body(3 * MIB + number, next(seeds)) for number in range(6)]
    quick, slow = bodies[:3], bodies[3:]
    with embedded.serve("--grace", "10", "--workers", workers) as server, ExitStack() as stack:
        versions = server.create_collection()
        before = calm(server)
        uploads = [(body, stack.enter_context(server.direct.connected())) for body in bodies]
        for body, connection in uploads:
            send_head(connection, "POST", versions, server.bearer, iter(()))
            send_chunk(connection, body.whole()[:MIB])
        eventually(lambda: len(traces(server).unfinished) == len(uploads))
        server.process.terminate()
        eventually(lambda: stops_accepting(server))
        for body, connection in uploads:
            if body in quick:
                send_chunk(connection, body.whole()[MIB:])
                connection.send(b"0\r\n\r\n")
        answers = [read_answer(connection) for _, connection in uploads]
        assert [answer.status for answer in answers] == [200] * len(quick) + [503] * len(slow)
        assert {answer.json()["type"] for answer in answers[len(quick) :]} == {"app.fatal-error"}
        assert server.process.wait() == 0
        after = traces(server)
        assert (len(after.stored - before.stored), after.unfinished) == (len(quick), frozenset())
        assert len(after.records["versions"] - before.records["versions"]) == len(quick)
    with embedded.serve() as server:
        listing = server.direct.ask("GET", versions, server.bearer).json()["versions"]
        stored = {shown["details"]["checksum"]["value"] for shown in listing.values()}
        assert stored == {body.sha256() for body in quick}
    assert "Traceback" not in (embedded.root / "server.log").read_text()
