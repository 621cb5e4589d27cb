"""Landed files on their way to an object store: through router and application NGINX, the real server, a real store."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from world import front
from world.bodies import Body
from world.buckets import S3Bucket, moto
from world.front import Front
from world.instance import Installation, Server
from world.programs import require_program
from world.waiting import eventually
from world.wire import send_chunk, send_head

MIB = 1 << 20
PREFIX = "instance"
seeds = itertools.count(60_000)

Place = tuple[S3Bucket, Server, Front]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The store, a server that keeps its blobs there, and both NGINX in front."""
    require_program("nginx")
    directories: Iterator[Path] = map(tmp_path_factory.mktemp, ("bucket", "served", "fronted"))
    with ExitStack() as stack:
        bucket = stack.enter_context(moto(next(directories)))
        settings = bucket.environment(PREFIX) | {"TRUSTED_PROXIES": "127.0.0.1"}
        server = stack.enter_context(Installation.make(next(directories), **settings).serve())
        yield bucket, server, stack.enter_context(front.front(next(directories), server))


def nothing_is_left(server: Server) -> bool:
    return server.leftovers() == []


@pytest.mark.parametrize("size", [1, 100_161, 23 * MIB + 1])
def test_a_landed_file_goes_to_the_store_and_vanishes(place: Place, size: int) -> None:
    bucket, server, fronted = place
    body = Body(size, next(seeds))
    versions = server.create_collection()
    before = bucket.objects(PREFIX)
    answer = fronted.public.ask("POST", versions, server.bearer, body)
    assert answer.status == 200, answer.body
    assert answer.json()["version"]["checksum"]["value"] == body.sha256()
    (new,) = bucket.objects(PREFIX).items() - before.items()
    assert new[1] == size
    assert bucket.uploads(PREFIX) == []
    assert eventually(lambda: nothing_is_left(server))
    assert server.blobs() == []
    assert fronted.public.fetch(f"{versions}/latest", server.bearer) == (200, size, body.sha256())
    part = fronted.public.ask("GET", f"{versions}/latest", server.bearer | {"Range": "bytes=-1"})
    assert (part.status, part.body) == (206, body.whole()[-1:])


def test_a_client_that_hangs_up_in_the_middle_leaves_nothing(place: Place) -> None:
    bucket, server, fronted = place
    versions = server.create_collection()
    before = bucket.objects(PREFIX)
    with fronted.public.connected() as connection:
        send_head(connection, "POST", versions, server.bearer, iter(()))
        for block in Body(12 * MIB, next(seeds)):
            send_chunk(connection, block)
        eventually(server.leftovers)
    assert eventually(lambda: nothing_is_left(server))
    assert bucket.uploads(PREFIX) == []
    assert bucket.objects(PREFIX) == before


def test_a_refused_landed_file_leaves_nothing(place: Place) -> None:
    bucket, server, fronted = place
    versions = server.create_collection()
    before = bucket.objects(PREFIX)
    wrong = server.bearer | {"X-Checksum-Sha256": "0" * 64}
    answer = fronted.public.ask("POST", versions, wrong, Body(12 * MIB, next(seeds)))
    assert (answer.status, answer.json()["code"]) == (400, 42024)
    assert eventually(lambda: nothing_is_left(server))
    assert bucket.uploads(PREFIX) == []
    assert bucket.objects(PREFIX) == before
