"""Uploads to an object store through the real server: cut, stopped and finished ones leave what they should."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPConnection

import pytest
from world.bodies import Body
from world.buckets import S3Bucket, moto
from world.instance import Installation, Server
from world.memory import peak_memory
from world.waiting import eventually
from world.wire import read_answer, send_chunk, send_head

from backup_repository.storage.multiparts import Multiparts

pytestmark = pytest.mark.timeout(300)
MIB = 1 << 20
PREFIX = "instance"
seeds = itertools.count(50_000)


@pytest.fixture
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Bucket]:
    with moto(tmp_path_factory.mktemp("bucket")) as running:
        yield running


@pytest.fixture
def place(bucket: S3Bucket, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return Installation.make(tmp_path_factory.mktemp("instance"), **bucket.environment(PREFIX))


@contextmanager
def half_an_upload(
    server: Server, bucket: S3Bucket, versions: str
) -> Iterator[tuple[HTTPConnection, Iterator[memoryview]]]:
    """Send enough of a body for parts to be on the store, and give what is left of it.

    Their time is all that tells how old an upload is: moto says of each that it was begun in 2010.
    """
    blocks = iter(Body(40 * MIB, next(seeds)))
    with server.direct.connected() as connection:
        send_head(connection, "POST", versions, server.bearer, blocks)
        for block in itertools.islice(blocks, 24):
            send_chunk(connection, block)
        eventually(lambda: bucket.parts(PREFIX) > 0)
        yield connection, blocks


def ended_well(server: Server) -> bool:
    """Whether the server's end was its own decision, and its log has no word of a crash."""
    said = (server.root / "server.log").read_text()
    return server.process.wait() == 0 and not any(
        word in said for word in ("Traceback", "panicked", "Fatal Python error", "core dumped", "Task was destroyed")
    )


def test_a_client_that_goes_away_leaves_no_parts(place: Installation, bucket: S3Bucket) -> None:
    with place.serve() as server:
        versions = server.create_collection()
        with half_an_upload(server, bucket, versions):
            pass
        eventually(lambda: bucket.uploads(PREFIX) == [])
        assert bucket.objects(PREFIX) == {}
        assert server.direct.ask("GET", versions, server.bearer).json()["versions"] == {}


def test_a_server_that_is_stopped_leaves_no_parts(place: Installation, bucket: S3Bucket) -> None:
    """Case 23 on an object store."""
    with place.serve("--grace", "0") as server:
        versions = server.create_collection()
        with half_an_upload(server, bucket, versions) as (connection, _rest):
            server.process.terminate()
            assert ended_well(server)
            answer = read_answer(connection)
        assert (answer.status, answer.json()["code"]) == (503, 503)
    assert bucket.uploads(PREFIX) == []
    assert bucket.objects(PREFIX) == {}


async def test_what_a_killed_server_leaves_is_aborted_after_a_day(place: Installation, bucket: S3Bucket) -> None:
    """Its sweep at the next start leaves it alone, for another instance might still be at it."""
    with place.serve() as server:
        versions = server.create_collection()
        with half_an_upload(server, bucket, versions):
            server.process.kill()
            server.process.wait()
    assert bucket.objects(PREFIX) == {}
    with place.serve() as server:
        assert place.console("storage", "sweep", "--min-age", "0") == ""
        assert len(bucket.uploads(PREFIX)) == 1
        settings = replace(bucket.settings(), prefix=PREFIX)
        assert await Multiparts(settings, lambda: time.time() + 25 * 3600).clear(0) == 1
        assert bucket.uploads(PREFIX) == []
        assert server.direct.ask("POST", versions, server.bearer, Body(12 * MIB, next(seeds))).status == 200


def test_a_running_upload_ends_within_the_grace_time(place: Installation, bucket: S3Bucket) -> None:
    with place.serve() as server:
        versions = server.create_collection()
        with half_an_upload(server, bucket, versions) as (connection, rest):
            server.process.terminate()
            for block in rest:
                send_chunk(connection, block)
            connection.send(b"0\r\n\r\n")
            assert read_answer(connection).status == 200
        assert ended_well(server)
    assert list(bucket.objects(PREFIX).values()) == [40 * MIB]


def test_a_server_ends_well_after_transfers(place: Installation, bucket: S3Bucket) -> None:
    with place.serve() as server:
        versions = server.create_collection()
        body = Body(12 * MIB, next(seeds))
        assert server.direct.ask("POST", versions, server.bearer, body).status == 200
        assert server.direct.fetch(f"{versions}/v1", server.bearer) == (200, body.size, body.sha256())
        server.process.terminate()
        assert ended_well(server)
    assert list(bucket.objects(PREFIX).values()) == [body.size]


def test_large_transfers_take_a_bounded_amount_of_memory(place: Installation) -> None:
    with place.serve() as server:
        versions = server.create_collection()
        body = Body(300 * MIB, next(seeds))
        assert server.direct.ask("POST", versions, server.bearer, body).status == 200
        assert server.direct.fetch(f"{versions}/v1", server.bearer) == (200, body.size, body.sha256())
        assert peak_memory(server.pid) < 200 * MIB


def test_refused_uploads_leave_no_object(place: Installation, bucket: S3Bucket) -> None:
    """What was read to its end and turned out wrong vanishes with its parts."""
    with place.serve() as server:
        versions = server.create_collection()
        body = Body(12 * MIB, next(seeds))
        wrong = server.bearer | {"X-Checksum-Sha256": "0" * 64}
        answer = server.direct.ask("POST", versions, wrong, body)
        assert (answer.status, answer.json()["code"]) == (400, 42024)
        assert bucket.uploads(PREFIX) == []
        assert bucket.objects(PREFIX) == {}
