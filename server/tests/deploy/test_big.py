"""Gigabytes through both NGINX: whole, unchanged, and without memory for them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from urllib.parse import quote

import psutil
import pytest
from world import front, instance
from world.bodies import Body
from world.front import Front
from world.instance import Server
from world.programs import require_program
from world.waiting import eventually
from world.wire import Address

pytestmark = [pytest.mark.xdist_group("big"), pytest.mark.timeout(240)]

GB = 1_000_000_000
CODE = "code of the health endpoint"
MEMORY = 120 * 1_000_000
"""What the server may use at any moment of its life, in bytes."""


@pytest.fixture
def emptied(tmp_path: Path) -> Iterator[tuple[Server, Front]]:
    """A deployment of its own, whose gigabytes are gone when the test is over."""
    require_program("nginx")
    for name in ("served", "fronted"):
        (tmp_path / name).mkdir()
    with (
        instance.server(tmp_path / "served", TRUSTED_PROXIES="127.0.0.1", HEALTH_CHECK_CODE=CODE) as server,
        front.front(tmp_path / "fronted", server) as running,
    ):
        yield server, running
        for blob in server.blobs():
            blob.unlink()


def peak_memory(server: Server) -> int:
    """Return the largest resident size any process of the server ever had, in bytes."""
    process = psutil.Process(server.pid)
    tree = [process, *process.children(recursive=True)]
    return sum(_high_water(one.pid) for one in tree)


def _high_water(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (kilobytes,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(kilobytes) * 1024


@pytest.mark.parametrize("announced", [True, False], ids=["with its length", "chunked"])
def test_two_gigabytes_come_back_as_they_went_in(emptied: tuple[Server, Front], announced: bool) -> None:
    """Cases 61 and 64 at the size of a real backup, through router and application NGINX."""
    server, running = emptied
    body = Body(2 * GB + 1, 21)
    digest = body.sha256()
    versions = server.create_collection()
    length = {"Content-Length": str(body.size)} if announced else {}
    answer = running.public.ask("POST", versions, server.bearer | length, body)
    assert answer.status == 200, answer.body
    assert answer.json()["version"]["checksum"]["value"] == digest
    assert running.public.fetch(f"{versions}/latest", server.bearer) == (200, body.size, digest)
    assert "handed_over=/internal-storage/" in running.application.logged(f"{versions}/latest")
    assert eventually(lambda: server.leftovers() == [])
    assert peak_memory(server) < MEMORY


def test_five_gigabytes_need_no_memory(emptied: tuple[Server, Front]) -> None:
    """The file lands, is hashed and linked, while `/health` answers through both NGINX."""
    server, running = emptied
    body = Body(5 * GB, 22)
    versions = server.create_collection()
    with ThreadPoolExecutor(1) as another:
        done = Event()
        health = another.submit(statuses_until, done, running.public, f"/health?code={quote(CODE)}")
        try:
            answer = running.inner.ask("POST", versions, server.bearer, body)
        finally:
            done.set()
        assert set(health.result()) == {200}
    assert answer.status == 200, answer.body
    assert answer.json()["version"]["file"]["filesize_bytes"] == body.size
    assert eventually(lambda: server.leftovers() == [])
    assert peak_memory(server) < MEMORY


def statuses_until(done: Event, address: Address, path: str) -> list[int]:
    """Ask again and again, at least once."""
    statuses = [address.ask("GET", path).status]
    while not done.wait(0.1):
        statuses.append(address.ask("GET", path).status)
    return statuses
