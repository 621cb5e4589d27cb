"""The sweep beside running uploads and downloads takes nothing that they still need (contract 12)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from world.bodies import Body
from world.instance import Installation, Server
from world.locks import registration_held
from world.traces import calm, settled
from world.waiting import eventually
from world.wire import read_answer, send_chunk, send_head

pytestmark = pytest.mark.timeout(120)
MIB = 1 << 20
seeds = itertools.count(9000)


@pytest.fixture(scope="module")
def running(installation: Installation) -> Iterator[Server]:
    """A server on a Unix socket."""
    with installation.serve() as server:
        yield server


@pytest.fixture(scope="module")
def behind(embedded: Installation) -> Iterator[Server]:
    """The same, for what does not concern the database."""
    with embedded.serve() as server:
        yield server


def sweep(server: Server, *options: str) -> str:
    """Delete every leftover, however young, and return what was said."""
    return server.installation.console("storage", "sweep", "--min-age", "0", *options)


def sweep_meanwhile(server: Server) -> str:
    """The same while registration is held, which on SQLite keeps away every writer: then only say what would go."""
    return sweep(server, *(["--dry-run"] if server.installation.database.startswith("sqlite") else []))


def test_a_blob_that_waits_for_its_row_stays(running: Server) -> None:
    """The upload is between its two durable steps for as long as the database is held."""
    body = Body(3 * MIB, next(seeds))
    versions = running.create_collection()
    before = calm(running)
    with ThreadPoolExecutor(1) as client:
        with registration_held(running.installation.database):
            uploading = client.submit(running.direct.ask, "POST", versions, running.bearer, body)
            eventually(lambda: len(running.blobs()) > len(before.stored))
            assert sweep_meanwhile(running) == ""
            assert len(running.blobs()) == len(before.stored) + 1
        answer = uploading.result()
    assert answer.status == 200, answer.body
    assert running.direct.fetch(f"{versions}/v1", running.bearer) == (200, body.size, body.sha256())


def test_a_body_that_is_arriving_stays(behind: Server) -> None:
    """Neither the staging directory nor what is in it."""
    body = Body(8 * MIB, next(seeds))
    versions = behind.create_collection()
    blocks = iter(body)
    with behind.direct.connected() as connection:
        send_head(connection, "POST", versions, behind.bearer, blocks)
        for block in itertools.islice(blocks, 4):
            send_chunk(connection, block)
        eventually(behind.leftovers)
        assert sweep(behind) == ""
        for block in blocks:
            send_chunk(connection, block)
        connection.send(b"0\r\n\r\n")
        assert read_answer(connection).json()["version"]["checksum"]["value"] == body.sha256()


def test_a_landed_file_that_an_upload_needs_stays(running: Server) -> None:
    """As long as the request lasts; afterwards it is litter, if the proxy has not removed it."""
    versions = running.create_collection()
    landed = running.incoming / "0000000009"
    with landed.open("wb") as file:
        file.truncate(3 * MIB)
    named = running.bearer | {"X-Internal-Filename": landed.name}
    with ThreadPoolExecutor(1) as proxy, registration_held(running.installation.database):
        uploading = proxy.submit(running.direct.ask, "POST", versions, named)
        eventually(lambda: landed.stat().st_nlink > 1)
        assert sweep_meanwhile(running) == ""
        assert landed.exists()
        assert not uploading.done()
    assert uploading.result().status == 200
    assert sweep(running) == f"landed  {landed.name}\n"
    assert not landed.exists()
    shown = running.direct.ask("GET", f"{versions}/v1", running.bearer | {"Range": "bytes=-5"})
    assert (shown.status, shown.body) == (206, bytes(5))


def test_a_body_that_the_proxy_still_writes_stays(behind: Server) -> None:
    """NGINX has it open, and nobody named it yet."""
    landed = behind.incoming / "0000000010"
    with landed.open("wb") as file:
        file.write(b"half of it")
        file.flush()
        assert sweep(behind) == ""
        assert landed.exists()
    assert sweep(behind) == f"landed  {landed.name}\n"


def test_a_download_of_a_deleted_version_runs_to_its_end(behind: Server) -> None:
    """Contract 8.7: deleted and swept after the first bytes went out, which is all that fits into the sockets."""
    body = Body(64 * MIB, next(seeds))
    versions = behind.create_collection()
    assert behind.direct.ask("POST", versions, behind.bearer, body).status == 200
    before = calm(behind)
    with behind.direct.connected() as connection:
        send_head(connection, "GET", f"{versions}/v1", behind.bearer)
        assert connection.sock is not None
        start = connection.sock.recv(1024)
        assert behind.direct.ask("DELETE", f"{versions}/v1", behind.bearer).status == 200
        assert "retired" in sweep(behind)
        assert len(behind.blobs()) == len(before.stored) - 1
        received = bytearray(start)
        while block := connection.sock.recv(MIB):
            received += block
            if len(received) > body.size and received.endswith(body.whole()[-100:]):
                break
    head, _, content = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert content == body.whole()
    assert behind.direct.ask("GET", f"{versions}/v1", behind.bearer).status == 404


def test_the_sweep_says_and_takes_exactly_what_nobody_needs(running: Server) -> None:
    """Retired blobs, blobs without a row, landed files, once they are old enough; with `--dry-run` it only says so."""
    versions = running.create_collection()
    for content in (b"kept", b"deleted"):
        assert running.direct.ask("POST", versions, running.bearer, content).status == 200
    (kept, deleted) = sorted(
        (blob for blob in running.blobs() if blob.read_bytes() in {b"kept", b"deleted"}),
        key=lambda blob: blob.stat().st_size,
    )
    assert running.direct.ask("DELETE", f"{versions}/v2", running.bearer).status == 200
    orphan = running.storage / "ab" / ("ab" * 16)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"without a row")
    foreign = running.storage / "ab" / "notes.txt"
    foreign.write_bytes(b"not ours")
    landed = running.incoming / "0000000011"
    landed.write_bytes(b"of a proxy that died")
    said = f"retired   {deleted.name}\norphaned  {orphan.name}\nlanded    {landed.name}\n"
    before = calm(running)
    assert running.installation.console("storage", "sweep") == ""
    assert running.installation.console("storage", "sweep", "--min-age", "0", "--dry-run") == said
    assert settled(running, before) == before
    assert sweep(running) == said
    assert [kept.exists(), foreign.exists()] == [True, True]
    assert [deleted.exists(), orphan.exists(), landed.exists()] == [False, False, False]
    foreign.unlink()
