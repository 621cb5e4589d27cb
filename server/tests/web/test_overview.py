"""Are we safe? What the first page answers, and to whom."""

from __future__ import annotations

from pathlib import Path

import pytest
from world.client import COLLECTIONS, Served
from world.visitor import Visitor, signed_in

from backup_repository.access.model import Actor, Permission
from backup_repository.health import survey

pytestmark = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


async def test_it_says_first_that_everything_is_as_usual(alice: Visitor) -> None:
    assert "No collections yet" in (await alice.page("/overview")).words
    collection = await alice.client.create_collection()
    await alice.client.upload(collection["id"], b"bytes")
    assert "The collection is backed up as usual" in (await alice.page("/overview")).words


async def test_it_names_what_needs_attention_and_why(served: Served, alice: Visitor) -> None:
    user = alice.client.user
    assert user is not None
    nightly = await alice.client.create_collection(filename="nightly")
    blocked = await alice.client.create_collection(
        filename="blocked", maxBackupsCount=1, strategy="alert_when_too_many_versions"
    )
    await alice.client.create_collection(filename="forgotten")
    client = alice.client
    for day in range(4):
        client = await served.session(user)
        await client.upload(nightly["id"], f"night {day}".encode())
        served.clock.advance(days=1)
    client = await served.session(user)
    await client.upload(blocked["id"], b"bytes")
    served.clock.advance(days=1, seconds=1)
    words = (await (await signed_in(served, await served.session(user))).page("/overview")).words
    assert "3 of 3 collections need attention" in words
    assert "A new version usually comes every day" in words
    assert "Full with 1 of 1 versions: every upload is refused until one is deleted" in words
    assert "No version has ever been stored" in words
    assert words.index("blocked") < words.index("forgotten") < words.index("nightly")


async def test_what_was_deleted_tells_nothing_of_what_is_usual(served: Served, alice: Visitor) -> None:
    """Three nightly versions are late after two more days; two of them tell nothing."""
    user = alice.client.user
    assert user is not None
    nightly = await alice.client.create_collection(filename="nightly")
    for day in range(3):
        client = await served.session(user)
        await client.upload(nightly["id"], f"night {day}".encode())
        served.clock.advance(days=1)
    served.clock.advance(days=2)
    client = await served.session(user)
    reader = await signed_in(served, client)
    assert "1 of 1 collection needs attention" in (await reader.page("/overview")).words
    answer = await client.delete(f"{COLLECTIONS}/{nightly['id']}/versions/v2")
    assert answer.status_code == 200
    assert "The collection is backed up as usual" in (await reader.page("/overview")).words


async def test_everybody_sees_only_their_own(admin: Visitor, alice: Visitor, charlie: Visitor) -> None:
    await alice.client.create_collection(filename="hers")
    assert "1 of 1 collection needs attention" in (await admin.page("/overview")).words
    assert "1 of 1 collection needs attention" in (await alice.page("/overview")).words
    assert "No collections yet" in (await charlie.page("/overview")).words


async def test_the_numbers_of_the_server_are_for_those_who_may_see_them(
    served: Served, admin: Visitor, alice: Visitor
) -> None:
    collection = await alice.client.create_collection()
    await alice.client.upload(collection["id"], b"x" * 1500)
    assert "Used space" not in (await alice.page("/overview")).words
    viewer = await signed_in(served, await served.client(Permission.VIEW_METRICS))
    for somebody in (admin, viewer):
        words = " ".join((await somebody.page("/overview")).words.split())
        assert "Used space1.50kB of 10.00MB declared" in words
        assert "Storage: works" in words
        assert "Uploads per day" in words


async def test_uploads_and_growth_are_counted_by_day(served: Served, admin: Visitor) -> None:
    user = admin.client.user
    assert user is not None
    collection = await admin.client.create_collection(maxBackupsCount=2)
    served.clock.hold()
    for size in (100, 200, 300):
        client = await served.session(user)
        await client.upload(collection["id"], b"x" * size)
        served.clock.advance(days=1)
    again = await served.session(user)
    days = await served.instance.surveys.days(await actor_of(served, again.token))
    assert [day.uploads for day in days] == [0] * 10 + [1, 1, 1, 0]
    assert [day.stored for day in days[-4:]] == [0, 200, 500, 500]


async def test_very_many_uploads_are_not_counted_anew_for_each_reader(
    served: Served, admin: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "_MANY_UPLOADS", 1)
    collection = await admin.client.create_collection()
    reader = await actor_of(served, admin.client.token)
    served.clock.hold()

    async def counted() -> int:
        return (await served.instance.surveys.days(reader))[-1].uploads

    for number, expected in enumerate((1, 2, 2)):  # with more than one they are kept
        await admin.client.upload(collection["id"], f"upload {number}".encode())
        assert await counted() == expected
    served.clock.advance(seconds=60)
    assert await counted() == 3


async def actor_of(served: Served, token: str) -> Actor:
    return await served.instance.sessions.identify(token, address="198.51.100.7", user_agent="")


async def test_a_broken_storage_is_seen_and_the_page_still_comes(served: Served, admin: Visitor) -> None:
    Path(served.storage).rename(served.storage.with_name("unplugged"))
    page = await admin.page("/overview")
    assert "Storage: works" not in page.words
    assert "Database: works" in page.words
