"""Servers killed at any moment: what was acknowledged is there, everything else goes (contract 12, issue point 5)."""

from __future__ import annotations

import itertools
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from world.bodies import Body
from world.instance import Installation, Server
from world.locks import registration_held
from world.records import rows
from world.traces import settled, traces
from world.waiting import eventually
from world.wire import send_chunk, send_head

pytestmark = pytest.mark.timeout(180)
MIB = 1 << 20
GIB = 1 << 30
seeds = itertools.count(8000)


def kill(server: Server) -> None:
    """End a server as a power cut would."""
    os.kill(server.pid, signal.SIGKILL)
    server.process.wait()


class Acknowledged:
    """A version whose upload was answered, and everything there was then."""

    def __init__(self, server: Server) -> None:
        self.versions = server.create_collection()
        self.body = Body(2 * MIB + 17, next(seeds))
        answer = server.direct.ask("POST", self.versions, server.bearer, self.body)
        assert answer.status == 200, answer.body
        self.traces = traces(server)

    def is_whole(self, server: Server) -> bool:
        """Whether the version comes back unchanged, and is the only one."""
        expected = (200, self.body.size, self.body.sha256())
        listed = list(server.direct.ask("GET", self.versions, server.bearer).json()["versions"])
        return server.direct.fetch(f"{self.versions}/v1", server.bearer) == expected and listed == ["1"]


def sweep(installation: Installation) -> None:
    """Delete every leftover, however young."""
    installation.console("storage", "sweep", "--min-age", "0")


def unfinished(server: Server) -> int:
    """Count the bytes of unfinished uploads."""
    return sum(file.stat().st_size for file in server.staging.rglob("*") if file.is_file())


def test_killed_while_bodies_arrive(embedded: Installation) -> None:
    """Nothing was acknowledged, and with the next start and a sweep nothing is there, wherever each upload was."""
    body = Body(10 * MIB, next(seeds)).whole()
    moments = (0, 1, MIB, 9 * MIB, 10 * MIB)
    with embedded.serve(tcp=True) as doomed, ExitStack() as clients:
        before = Acknowledged(doomed)
        for sent in moments:
            connection = clients.enter_context(doomed.direct.connected())
            send_head(connection, "POST", before.versions, doomed.bearer, iter(()))
            if sent:
                send_chunk(connection, body[:sent])
        # what each has stored by then may lag behind by two blocks
        eventually(lambda: unfinished(doomed) >= sum(moments) - len(moments) * 2 * MIB)
        kill(doomed)
        assert len(traces(doomed).unfinished) == len(moments)
    with embedded.serve(tcp=True) as server:
        sweep(embedded)
        assert settled(server, before.traces) == before.traces
        assert before.is_whole(server)
        assert server.direct.ask("POST", before.versions, server.bearer, body).json()["version"]["version"] == 2


@pytest.mark.parametrize("moment", ["acknowledged", "registered"])
def test_killed_right_after_the_version_exists(installation: Installation, moment: str) -> None:
    """It is there, byte by byte, whether the answer reached anybody or not."""
    body = Body(5 * MIB + 3, next(seeds))
    with installation.serve(tcp=True) as doomed, ThreadPoolExecutor(1) as client:
        versions = doomed.create_collection()
        collection = versions.split("/")[-2]
        registered = f"SELECT number FROM versions WHERE collection_id = '{collection}'"
        uploading = client.submit(doomed.direct.ask, "POST", versions, doomed.bearer, body)
        if moment == "acknowledged":
            assert uploading.result().status == 200
        else:
            eventually(lambda: rows(installation.database, registered))
        kill(doomed)
        uploading.exception()
    with installation.serve(tcp=True) as server:
        sweep(installation)
        assert server.direct.fetch(f"{versions}/v1", server.bearer) == (200, body.size, body.sha256())
        assert server.leftovers() == []


def test_killed_between_the_blob_and_the_version(installation: Installation) -> None:
    """The blob is whole and durable, its row is not: litter, which the sweep takes and the start does not."""
    with installation.serve(tcp=True) as doomed, ThreadPoolExecutor(1) as client:
        before = Acknowledged(doomed)
        with registration_held(installation.database):
            uploading = client.submit(
                doomed.direct.ask, "POST", before.versions, doomed.bearer, Body(3 * MIB, next(seeds))
            )
            eventually(lambda: len(doomed.blobs()) > len(before.traces.stored))
            kill(doomed)
            assert uploading.exception() is not None
    with installation.serve(tcp=True) as server:
        assert len(server.blobs()) == len(before.traces.stored) + 1
        sweep(installation)
        assert settled(server, before.traces) == before.traces
        assert before.is_whole(server)


def test_killed_while_it_looks_at_a_landed_file(embedded: Installation) -> None:
    """Four gigabytes of nothing take a while; the proxy's name for them goes with the sweep, ours with the start."""
    with embedded.serve() as doomed, ThreadPoolExecutor(1) as proxy:
        before = Acknowledged(doomed)
        landed = doomed.incoming / "0000000007"
        with landed.open("wb") as file:
            file.truncate(4 * GIB)
        named = doomed.bearer | {"X-Internal-Filename": landed.name}
        uploading = proxy.submit(doomed.direct.ask, "POST", before.versions, named)
        eventually(lambda: landed.stat().st_nlink > 1)
        kill(doomed)
        assert uploading.exception() is not None
        assert traces(doomed).unfinished != frozenset()
    with embedded.serve() as server:
        assert landed.stat().st_nlink == 1
        sweep(embedded)
        assert settled(server, before.traces) == before.traces
        assert before.is_whole(server)


def test_killed_right_after_a_landed_file_became_a_version(embedded: Installation) -> None:
    """The version has bytes of its own by then; the proxy's name is litter."""
    body = Body(5 * MIB + 3, next(seeds))
    with embedded.serve() as doomed:
        versions = doomed.create_collection()
        landed = doomed.incoming / "0000000008"
        landed.write_bytes(body.whole())
        answer = doomed.direct.ask("POST", versions, doomed.bearer | {"X-Internal-Filename": landed.name})
        assert answer.status == 200, answer.body
        kill(doomed)
    with embedded.serve() as server:
        sweep(embedded)
        assert not landed.exists()
        assert server.direct.fetch(f"{versions}/v1", server.bearer) == (200, body.size, body.sha256())
        assert server.leftovers() == []


def test_a_killed_sweep_is_finished_by_the_next(embedded: Installation) -> None:
    """Deletion comes before forgetting, so that a blob which is gone already is fine."""
    with embedded.serve(tcp=True) as server:
        before = Acknowledged(server)
        answer = server.direct.ask("POST", before.versions, server.bearer, b"to be deleted")
        assert server.direct.ask("DELETE", f"{before.versions}/v2", server.bearer).status == 200
        (gone,) = [blob for blob in server.blobs() if blob.read_bytes() == b"to be deleted"]
        gone.unlink()
        assert answer.status == 200
        sweep(embedded)
        after = traces(server)
        assert (after.stored, after.records["blobs"]) == (before.traces.stored, before.traces.records["blobs"])
