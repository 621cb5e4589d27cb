"""Running uploads on the first page: what is shown, and to whom."""

from __future__ import annotations

import asyncio
import contextlib
import mmap
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from world.client import ADMINISTRATOR, COLLECTIONS, Client, Serve, Served
from world.statements import heard
from world.visitor import Page, Visitor, signed_in

from backup_repository.access.model import Permission
from backup_repository.metrics.board import Board
from backup_repository.metrics.running import Rows
from backup_repository.web.cookies import IDLE_SECONDS

PANEL = "/overview/uploading"


class Sender:
    """Sends a body as far as the test wants."""

    def __init__(self) -> None:
        self.seen = asyncio.Event()
        self._go_on = asyncio.Event()

    async def chunks(self, first: bytes, rest: bytes) -> AsyncIterator[bytes]:
        yield first
        self.seen.set()  # whoever asks for more has counted the first part
        await self._go_on.wait()
        yield rest

    def go_on(self) -> None:
        self._go_on.set()


class Listening(Rows):
    """Keeps what it is told."""

    def __init__(self, memory: mmap.mmap) -> None:
        super().__init__(memory)
        self.told: list[int] = []
        self.landed: list[bool] = []

    @contextlib.contextmanager
    def upload(
        self, collection_id: str, *, begun_at: datetime, announced: int | None, landed: bool
    ) -> Iterator[Callable[[int], None]]:
        self.landed.append(landed)
        with super().upload(collection_id, begun_at=begun_at, announced=announced, landed=landed) as progress:

            def tell(octets: int) -> None:
                self.told.append(octets)
                progress(octets)

            yield tell


@contextlib.asynccontextmanager
async def uploading(
    client: Client, collection: str, first: bytes = b"x" * 250_000, rest: bytes = b"y" * 750_000, *, said: bool = True
) -> AsyncIterator[asyncio.Task[httpx.Response]]:
    """Upload in two parts; within the context the first one has come."""
    sender = Sender()
    headers = {"Content-Length": str(len(first + rest))} if said else {"Transfer-Encoding": "chunked"}
    task = asyncio.create_task(client.upload(collection, sender.chunks(first, rest), headers=headers))
    await sender.seen.wait()
    try:
        yield task
    finally:
        sender.go_on()
        assert (await task).status_code == 200


def squeezed(html: str) -> str:
    return " ".join(Page(html).words.split())


async def panel(somebody: Visitor) -> str:
    answer = await somebody.get(PANEL)
    assert answer.status_code == 200
    return squeezed(answer.text)


async def test_an_upload_is_shown_with_its_progress_while_it_runs(served: Served, alice: Visitor) -> None:
    collection = await alice.client.create_collection(filename="nightly.tar")
    served.clock.hold()
    async with uploading(alice.client, collection["id"]):
        served.clock.advance(seconds=5)
        words = await panel(alice)
        assert "1 upload is running." in words
        assert "nightly.tar" in words
        assert "250.00kB of 1.00MB" in words
        assert "25%" in words
        assert "50.00kB/s" in words
        assert "1 upload is running." in squeezed((await alice.get("/overview")).text)
        assert f"/backup/collection/{collection['id']}" in Page((await alice.get(PANEL)).text).links
    assert await panel(alice) == "No upload is running."


async def test_an_upload_of_unknown_size_has_no_percentage(alice: Visitor) -> None:
    collection = await alice.client.create_collection()
    async with uploading(alice.client, collection["id"], said=False):
        words = await panel(alice)
    assert "250.00kB of an unknown size" in words
    assert "%" not in words


async def test_uploads_are_shown_to_those_who_may_see_their_collections(
    served: Served, admin: Visitor, alice: Visitor, charlie: Visitor
) -> None:
    hers = await alice.client.create_collection(filename="hers.tar")
    his = await charlie.client.create_collection(filename="his.tar")
    viewer = await signed_in(served, await served.client(Permission.VIEW_ALL_COLLECTIONS))
    async with uploading(alice.client, hers["id"]), uploading(charlie.client, his["id"]):
        for somebody, names in (
            (alice, {"hers"}),
            (charlie, {"his"}),
            (admin, {"hers", "his"}),
            (viewer, {"hers", "his"}),
        ):
            words = await panel(somebody)
            assert {name for name in ("hers", "his") if f"{name}.tar" in words} == names
            assert words.startswith("1 upload is" if len(names) == 1 else "2 uploads are")


async def test_uploads_that_end_badly_are_shown_no_more(alice: Visitor) -> None:
    collection = await alice.client.create_collection()

    async def breaks() -> AsyncIterator[bytes]:
        yield b"x" * 100_000
        raise httpx.ReadError("gone")

    with contextlib.suppress(httpx.ReadError):
        await alice.client.upload(collection["id"], breaks())
    await alice.client.upload(collection["id"], b"")
    assert await panel(alice) == "No upload is running."


async def test_what_lies_with_the_proxy_is_told_to_those_who_see_the_server(
    serve: Serve, tmp_path: Path, admin: Visitor, alice: Visitor
) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    (landing / "0000000001").write_bytes(b"x" * 1500)
    beside = serve(revproxy_storage_dir=landing)
    operator, customer = await signed_in(beside, admin.client), await signed_in(beside, alice.client)
    assert "The proxy holds 1 body of uploads with 1.50kB so far" in await panel(operator)
    assert "proxy" not in await panel(customer)
    assert "appears when it has arrived whole" in squeezed((await customer.get("/overview")).text)
    assert "appears when it has arrived whole" not in squeezed((await alice.get("/overview")).text)
    (landing / "0000000001").unlink()
    landing.rmdir()
    assert await panel(operator) == "No upload is running."


async def test_a_landed_upload_is_shown_as_being_checked(serve: Serve, admin: Visitor) -> None:
    beside = serve()
    collection = await admin.client.create_collection(filename="landed.tar")
    rows = beside.instance.counters.rows
    begun = beside.clock() - timedelta(seconds=10)
    with rows.upload(collection["id"], begun_at=begun, announced=1_000_000, landed=True) as progress:
        progress(400_000)
        words = await panel(await signed_in(beside, admin.client))
    assert "all 1.00MB, being checked" in words
    assert "40%" in words


@pytest.mark.parametrize("landed", [True, False])
async def test_both_ways_of_receiving_tell_how_far_they_are(serve: Serve, tmp_path: Path, landed: bool) -> None:
    landing = tmp_path / "storage" / "landing"
    landing.mkdir()
    served = serve(revproxy_storage_dir=landing)
    rows = served.instance.counters.rows = Listening(Board().memory)
    maker = await served.client(ADMINISTRATOR)
    proxy = await served.session(maker.user, address=None) if maker.user else maker
    collection = await maker.create_collection()
    if landed:
        (landing / "0000000007").write_bytes(b"z" * 300_000)
        path = f"{COLLECTIONS}/{collection['id']}/versions"
        answer = await proxy.post(path, headers={"X-Internal-Filename": "0000000007"})
    else:
        answer = await proxy.upload(collection["id"], b"z" * 300_000)
    assert answer.status_code == 200
    assert rows.landed == [landed]
    assert rows.told == sorted(rows.told)
    assert rows.told[-1] == 300_000


async def test_looking_again_and_again_does_not_keep_a_session_alive(served: Served, alice: Visitor) -> None:
    for _ in range(10):
        served.clock.advance(seconds=IDLE_SECONDS // 10 + 1)
        answer = await alice.get(PANEL)
        assert "session" not in answer.headers.get("set-cookie", "") or answer.is_redirect
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert (await alice.page("/login")).said == ["Signed out, because nothing was done for a while"]


async def test_looking_takes_no_statement_while_nothing_runs_and_one_for_any_number(
    served: Served, alice: Visitor
) -> None:
    with heard(served.instance.database) as idle:
        await alice.get(PANEL)
    collections = [await alice.client.create_collection() for _ in range(3)]
    async with contextlib.AsyncExitStack() as stack:
        for collection in collections:
            await stack.enter_async_context(uploading(alice.client, collection["id"]))
        with heard(served.instance.database) as busy:
            assert "3 uploads are running." in await panel(alice)
    assert len(busy) == len(idle) + 1


async def test_guests_see_nothing(guest: Visitor) -> None:
    answer = await guest.get(PANEL)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
