"""A database that goes away during an upload: 503, nothing is lost, nothing needs a restart (contract 1.3 E7, 12)."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from world.bodies import Body
from world.filesystems import small_file_system
from world.instance import Installation, Server
from world.locks import registration_held
from world.postgres import PostgresCluster, postgres_cluster
from world.records import rows
from world.traces import calm, settled, traces
from world.waiting import eventually
from world.wire import Answer, read_answer, send_chunk, send_head

pytestmark = pytest.mark.timeout(180)
MIB = 1 << 20
UNAVAILABLE = (503, 503, "app.fatal-error")
CODE = "health check code"
RESTARTS, CLIENTS = 4, 4
seeds = itertools.count(11_000)


@pytest.fixture(scope="module")
def cluster() -> Iterator[PostgresCluster]:
    """A cluster that may be stopped."""
    with postgres_cluster() as own:
        yield own


@pytest.fixture(scope="module")
def running(cluster: PostgresCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on it."""
    root = tmp_path_factory.mktemp("database-gone")
    settings = {"DATABASE_URL": cluster.create_database(), "HEALTH_CHECK_CODE": CODE}
    with Installation.make(root, **settings).serve() as server:
        yield server


@contextmanager
def stopped(cluster: PostgresCluster) -> Iterator[None]:
    """Stop the cluster as a crash would, for as long as the context lasts."""
    cluster.stop()
    try:
        yield
    finally:
        cluster.start()


def outcome(answer: Answer) -> tuple[int, int, str]:
    return answer.status, answer.json()["code"], answer.json()["type"]


def sweep(server: Server) -> None:
    """Delete every leftover, however young."""
    server.installation.console("storage", "sweep", "--min-age", "0")


def upload(server: Server, versions: str) -> Answer:
    return server.direct.ask("POST", versions, server.bearer, Body(MIB, next(seeds)))


def test_an_upload_that_outlives_its_database_is_refused(running: Server, cluster: PostgresCluster) -> None:
    """Before the blob is finished: nothing is left, and the same server goes on as soon as the database is back."""
    versions = running.create_collection()
    before = calm(running)
    with running.direct.connected() as connection:
        send_head(connection, "POST", versions, running.bearer, iter(()))
        for block in Body(3 * MIB, next(seeds)):
            send_chunk(connection, block)
        eventually(running.leftovers)
        with stopped(cluster):
            connection.send(b"0\r\n\r\n")
            assert outcome(read_answer(connection)) == UNAVAILABLE
            assert outcome(upload(running, versions)) == UNAVAILABLE
            assert outcome(running.direct.ask("GET", versions, running.bearer)) == UNAVAILABLE
            assert running.leftovers() == []
    assert settled(running, before) == before
    assert upload(running, versions).json()["version"]["version"] == 1


def test_a_registration_that_loses_its_database_is_no_version(running: Server, cluster: PostgresCluster) -> None:
    """The blob is finished, its transaction is cut: 503 and, because only the sweep deletes blobs, an orphan."""
    versions = running.create_collection()
    assert upload(running, versions).status == 200
    before = calm(running)
    with ThreadPoolExecutor(1) as client, registration_held(running.installation.database):
        uploading = client.submit(upload, running, versions)
        eventually(lambda: len(running.blobs()) > len(before.stored))
        with stopped(cluster):
            assert outcome(uploading.result()) == UNAVAILABLE
    after = traces(running)
    assert after.records == before.records
    assert len(after.stored) == len(before.stored) + 1
    sweep(running)
    assert settled(running, before) == before
    assert upload(running, versions).json()["version"]["version"] == 2


def health(server: Server) -> tuple[int, bool, bool]:
    """Return the status, and whether the storage and the database work."""
    answer = server.direct.ask("GET", f"/health?code={CODE.replace(' ', '%20')}")
    (parts,) = answer.json()["status"]
    return answer.status, parts["storage"], parts["database"]


def test_a_flapping_database_makes_no_half_versions(running: Server, cluster: PostgresCluster) -> None:
    """Clients upload while it is restarted again and again: 200 or 503, and what is stored is what is registered."""
    versions = running.create_collection()
    flapping = threading.Event()

    def keep_uploading() -> list[tuple[Answer, str]]:
        answers = []
        while not flapping.is_set():
            body = Body(3 * MIB, next(seeds))
            answers.append((running.direct.ask("POST", versions, running.bearer, body), body.sha256()))
        return answers

    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(keep_uploading) for _ in range(CLIENTS)]
        try:
            for count in range(RESTARTS):
                eventually(lambda: upload(running, versions).status == 200)
                with stopped(cluster):
                    assert health(running) == (503, True, False), f"after {count} restarts"
            eventually(lambda: health(running) == (200, True, True))
        finally:
            flapping.set()
        answers = [answer for client in clients for answer in client.result()]
    assert {outcome(answer) for answer, _ in answers if answer.status != 200} == {UNAVAILABLE}
    listing = running.direct.ask("GET", versions, running.bearer).json()["versions"]
    listed = {number: shown["details"]["checksum"]["value"] for number, shown in listing.items()}
    for answer, sha256 in answers:
        if answer.status == 200:
            assert listed[str(answer.json()["version"]["version"])] == sha256
    sweep(running)
    for number, sha256 in listed.items():
        assert running.direct.fetch(f"{versions}/v{number}", running.bearer)[::2] == (200, sha256)
    assert running.installation.console("storage", "check") == ""
    eventually(lambda: running.leftovers() == [])
    named = rows(running.installation.database, "SELECT blob_key FROM versions")
    assert {blob.name for blob in running.blobs()} == {key for (key,) in named}
    assert "Traceback" not in (running.root / "server.log").read_text()


@contextmanager
def filled(place: Path) -> Iterator[None]:
    """Take all the room that is left there."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65_536, 512, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    try:
        yield
    finally:
        filler.unlink()


def test_a_database_without_room_takes_no_version(tmp_path: Path) -> None:
    """SQLite on a full disk of its own; with room again the same server goes on."""
    with small_file_system(tmp_path / "small", 2) as small:
        (tmp_path / "server").mkdir()
        installation = Installation.make(tmp_path / "server", DATABASE_URL=f"sqlite:///{small / 'records.sqlite3'}")
        with installation.serve() as server:
            versions = server.create_collection()
            before = calm(server)
            with filled(small):
                answers = [upload(server, versions) for _ in range(3)]
                assert {outcome(answer) for answer in answers} == {UNAVAILABLE}
            sweep(server)
            assert settled(server, before) == before
            assert upload(server, versions).json()["version"]["version"] == 1
