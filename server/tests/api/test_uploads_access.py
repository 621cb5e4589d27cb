"""Who may upload, and what their accounts and tokens add to it (contract 4.3, 4.4, 8.4), on both databases."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select
from world.answers import refusal
from world.client import (
    ADMINISTRATOR,
    API,
    COLLECTIONS,
    PER_COLLECTION,
    TENANT,
    TOKENS,
    Client,
    Served,
)

from backup_repository.access.model import Permission
from backup_repository.database.tables import tokens, version_tags, versions

UPLOAD = Permission.UPLOAD.value
ONCE = Permission.UPLOAD_ONCE
TAGS = Permission.ENFORCE_TAGS
UNKNOWN = "00000000-0000-4000-8000-000000000000"
FORBIDDEN = "request.auth-error"


def files(directory: Path) -> set[str]:
    return {str(file) for file in directory.rglob("*") if file.is_file()}


async def is_active(served: Served, client: Client) -> bool:
    """Look at the record of a client's token."""
    token_hash = hashlib.sha256(client.token.encode()).hexdigest()
    async with served.instance.database.reading() as tx:
        query = select(tokens.c.active).where(tokens.c.token_hash == token_hash)
        return bool((await tx.execute(query)).scalar_one())


async def tags_of(served: Served) -> dict[int, list[str]]:
    """Give the tags of each version by its number, in order."""
    query = (
        select(versions.c.number, version_tags.c.tag)
        .join(version_tags, version_tags.c.file_id == versions.c.file_id)
        .order_by(versions.c.number, version_tags.c.position)
    )
    found: dict[int, list[str]] = {}
    async with served.instance.database.reading() as tx:
        for number, tag in await tx.execute(query):
            found.setdefault(number, []).append(tag)
    return found


async def test_an_unknown_collection_is_not_found_by_anybody_who_is_somebody(
    alice: Client, admin: Client, guest: Client
) -> None:
    """Case 100; a path that is no UUID likewise."""
    for collection in (UNKNOWN, "x", "%00", f"{UNKNOWN}0"):
        path = f"{COLLECTIONS}/{collection}/versions"
        for somebody in (alice, admin):
            assert refusal(await somebody.post(path, content=b"x")) == (404, 404, "app.not-found")
        assert (await guest.post(path, content=b"x")).status_code == 401


async def test_another_tenant_can_neither_upload_nor_learn_from_trying(
    served: Served, alice: Client, charlie: Client, guest: Client
) -> None:
    """Case 100: the refusal is the same whether the bytes are stored there or not, and leaves nothing."""
    collection = (await alice.create_collection(maxBackupsCount=1, strategy="alert_when_too_many_versions"))["id"]
    assert (await alice.upload(collection, b"secret")).status_code == 200
    before = files(served.storage)
    answers = [await charlie.upload(collection, content) for content in (b"secret", b"another", b"")]
    assert {refusal(answer) for answer in answers} == {(403, 40308, FORBIDDEN)}
    assert len({answer.text for answer in answers}) == 1
    assert (await guest.upload(collection, b"secret")).status_code == 401
    assert files(served.storage) == before


async def test_a_granted_upload_works_until_the_grant_is_withdrawn(alice: Client, bob: Client) -> None:
    """Cases 72 and 73."""
    collection, empty = [(await alice.create_collection())["id"] for _ in range(2)]
    await alice.grant(collection, bob, UPLOAD)
    await alice.grant(empty, bob)
    assert (await bob.upload(collection, b"of bob")).json()["message"] == "File was uploaded"
    assert refusal(await bob.upload(empty, b"of bob")) == (403, 40308, FORBIDDEN)
    assert (await bob.get(f"{COLLECTIONS}/{empty}")).status_code == 200
    assert (await alice.delete(f"{COLLECTIONS}/{collection}/access/{bob.id}")).status_code == 200
    assert refusal(await bob.upload(collection, b"of bob, again")) == (403, 40308, FORBIDDEN)


async def test_every_upload_needs_the_right_to_upload_at_all(served: Served, alice: Client) -> None:
    """Case 76."""
    without = await served.client(*(name for name in TENANT if name is not Permission.UPLOAD_ALL))
    collection = (await alice.create_collection())["id"]
    await alice.grant(collection, without, *PER_COLLECTION)
    assert refusal(await without.upload(collection, b"x")) == (403, 40308, FORBIDDEN)


async def test_modifying_any_collection_uploads_without_membership(served: Served, alice: Client) -> None:
    """Case 77: but does not download."""
    collection = (await alice.create_collection())["id"]
    roaming = await served.client(Permission.UPLOAD_ALL, Permission.MODIFY_ANY_COLLECTION, Permission.UPLOAD)
    assert (await roaming.upload(collection, b"x")).status_code == 200
    assert refusal(await roaming.get(f"{COLLECTIONS}/{collection}/versions/v1")) == (403, 40310, FORBIDDEN)


async def test_a_scoped_token_uploads_and_does_no_more(alice: Client) -> None:
    """Case 22."""
    collection = (await alice.create_collection())["id"]
    scoped = await alice.generate(UPLOAD, Permission.UPLOAD_ALL)
    assert (await scoped.upload(collection, b"x")).status_code == 200
    assert refusal(await scoped.get(f"{COLLECTIONS}/{collection}/versions/v1")) == (403, 40310, FORBIDDEN)
    downloading = await alice.generate(Permission.DOWNLOAD)
    assert refusal(await downloading.upload(collection, b"y")) == (403, 40308, FORBIDDEN)


async def test_a_read_only_instance_takes_no_upload(
    served: Served, alice: Client, serve: Callable[..., Served]
) -> None:
    """Case 9: 503 before anything is looked at, also before the collection; reading works."""
    collection = (await alice.create_collection())["id"]
    assert (await alice.upload(collection, b"x")).status_code == 200
    reader = serve(read_only=True).guest().bearing(alice.token)
    before = files(served.storage)
    versions_path = f"{COLLECTIONS}/{collection}/versions"
    for path in (versions_path, f"{COLLECTIONS}/{UNKNOWN}/versions"):
        assert refusal(await reader.post(path, content=b"y")) == (503, 42005, "app.fatal-error")
    for query in ("", "?simulate=true"):
        answer = await reader.delete(f"{versions_path}/v1{query}")
        assert refusal(answer) == (503, 42005, "app.fatal-error")
    assert (await reader.get(f"{versions_path}/v1")).content == b"x"
    assert list((await reader.get(versions_path)).json()["versions"]) == ["1"]
    assert files(served.storage) == before


async def test_a_once_only_token_is_used_up_by_its_first_version(served: Served, alice: Client) -> None:
    """Case 97: not by a refusal or a broken body."""
    collection = (await alice.create_collection())["id"]
    assert (await alice.upload(collection, b"stored already")).status_code == 200
    once = await alice.generate(ONCE, UPLOAD, Permission.UPLOAD_ALL)
    assert refusal(await once.upload(collection, b"stored already"))[1] == 41011
    assert refusal(await once.upload(collection, b""))[1] == 42009
    assert refusal(await once.upload(collection, b"x", headers={"X-Checksum-Sha256": "0" * 64}))[1] == 42024
    assert await is_active(served, once)
    assert (await once.upload(collection, b"new")).json()["version"]["version"] == 2
    assert not await is_active(served, once)
    for answer in (await once.upload(collection, b"newer"), await once.get(TOKENS)):
        assert refusal(answer) == (403, 40324, FORBIDDEN)
    assert await is_active(served, alice)


async def test_an_account_may_be_once_only_in_every_session(served: Served, alice: Client) -> None:
    """Contract 4.3: the restriction of the account switches the login session off, and a new one begins anew."""
    collection = (await alice.create_collection())["id"]
    bob = await served.client(*TENANT, ONCE)
    await alice.grant(collection, bob, UPLOAD)
    assert (await bob.upload(collection, b"first")).status_code == 200
    assert refusal(await bob.upload(collection, b"second")) == (403, 40324, FORBIDDEN)
    assert bob.user is not None
    again = await served.session(bob.user)
    assert (await again.upload(collection, b"second")).status_code == 200


@pytest.mark.parametrize("places", [1, 2], ids=["one collection", "two collections"])
async def test_of_parallel_uploads_with_a_once_only_token_one_is_registered(
    served: Served, alice: Client, places: int
) -> None:
    """Case 97; a token does not belong to one collection, so its lock cannot be the collection's."""
    collections = [(await alice.create_collection())["id"] for _ in range(places)]
    for attempt in range(5):
        once = await alice.generate(ONCE, UPLOAD, Permission.UPLOAD_ALL)
        uploads = (once.upload(collections[part % places], b"%d %d" % (attempt, part)) for part in range(4))
        answers = await asyncio.gather(*uploads)
        assert sorted(answer.status_code for answer in answers) == [200, 403, 403, 403]
        assert {refusal(answer) for answer in answers if answer.status_code == 403} == {(403, 40324, FORBIDDEN)}
        assert not await is_active(served, once)
    counts = [(await alice.get(f"{COLLECTIONS}/{collection}")).json()["collection"] for collection in collections]
    assert sum(count["versions_count"] for count in counts) == 5


async def test_enforced_tags_are_those_of_the_account(served: Served, alice: Client, admin: Client) -> None:
    """Case 98: an ordinary upload of a tagged account carries none, not even an administrator's."""
    collection = (await alice.create_collection())["id"]
    labels = ("nightly", "paid", "ünïcode")
    enforced = await served.client(*TENANT, TAGS, tags=labels)
    ordinary = await served.client(*TENANT, tags=labels)
    administrator = await served.client(ADMINISTRATOR, tags=labels)
    for member in (enforced, ordinary, administrator):
        await admin.grant(collection, member, UPLOAD)
    assert (await enforced.upload(collection, b"1")).status_code == 200
    assert (await ordinary.upload(collection, b"2")).status_code == 200
    assert (await administrator.upload(collection, b"3")).status_code == 200
    restricted = await ordinary.generate(UPLOAD, Permission.UPLOAD_ALL, TAGS)
    assert (await restricted.upload(collection, b"4")).status_code == 200
    assert await tags_of(served) == {1: list(labels), 4: list(labels)}
    assert (await alice.delete(f"{COLLECTIONS}/{collection}/versions/v1")).status_code == 200
    assert await tags_of(served) == {4: list(labels)}


async def test_without_a_good_token_nothing_is_said(served: Served, alice: Client, guest: Client) -> None:
    """Case 2, for the routes of versions."""
    collection = (await alice.create_collection())["id"]
    assert (await alice.upload(collection, b"x")).status_code == 200
    before = files(served.storage)
    versions_path = f"{COLLECTIONS}/{collection}/versions"
    for bearer, message in ((guest, "JWT Token not found"), (guest.bearing("damaged"), "Invalid JWT Token")):
        for method, path in (
            ("POST", versions_path),
            ("GET", versions_path),
            ("GET", f"{versions_path}/v1"),
            ("DELETE", f"{versions_path}/v1"),
            ("GET", f"{API}/repository/file/x"),
        ):
            answer = await bearer.request(method, path, content=b"y" if method == "POST" else None)
            assert (answer.status_code, answer.json()["message"]) == (401, message)
            assert answer.headers["www-authenticate"] == "Bearer"
    assert files(served.storage) == before
