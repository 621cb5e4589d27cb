"""What becomes of a full collection, of repeated contents and of numbers (contract 6.4, 8.4), on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from world.answers import refusal
from world.client import COLLECTIONS, Client, Served, collection_fields

FIFO = {"strategy": "delete_oldest_when_adding_new"}
ALERT = {"strategy": "alert_when_too_many_versions"}
REFUSED = "validation.error"


async def numbers(client: Client, collection_id: str) -> list[int]:
    """List the versions by number."""
    listing = await client.get(f"{COLLECTIONS}/{collection_id}/versions")
    return [int(number) for number in listing.json()["versions"]]


async def uploaded(client: Client, collection_id: str, *contents: bytes) -> dict[str, Any]:
    """Upload contents one after the other and return the last answer."""
    body: dict[str, Any] = {}
    for content in contents:
        answer = await client.upload(collection_id, content)
        assert answer.status_code == 200, answer.text
        body = answer.json()
    return body


async def stored_files(served: Served) -> set[str]:
    return {file.name for file in served.storage.rglob("*") if file.is_file()}


async def test_a_full_collection_that_alerts_refuses_until_one_is_deleted(served: Served, alice: Client) -> None:
    """Case 88."""
    collection = (await alice.create_collection(maxBackupsCount=2, **ALERT))["id"]
    await uploaded(alice, collection, b"one", b"two")
    before = await stored_files(served)
    refused = await alice.upload(collection, b"three")
    assert refusal(refused) == (400, 41012, REFUSED)
    assert refused.json()["error"].startswith("Maximum count of files reached")
    assert await stored_files(served) == before
    assert (await alice.delete(f"{COLLECTIONS}/{collection}/versions/v1")).status_code == 200
    assert (await uploaded(alice, collection, b"three"))["version"]["version"] == 3
    assert await numbers(alice, collection) == [2, 3]


async def test_the_oldest_make_room_and_contents_may_come_back(alice: Client) -> None:
    """Cases 89 and 90."""
    collection = (await alice.create_collection(maxBackupsCount=2, **FIFO))["id"]
    names = [
        (await uploaded(alice, collection, content))["version"]["file"]["filename"] for content in (b"1", b"2", b"3")
    ]
    assert [name[10:] for name in names] == ["db.tar-v1.gz", "db.tar-v2.gz", "db.tar-v3.gz"]
    assert await numbers(alice, collection) == [2, 3]
    repeated = await alice.upload(collection, b"3")
    assert refusal(repeated) == (400, 41011, REFUSED)
    assert repeated.json()["error"].startswith("Content duplication")
    assert (await uploaded(alice, collection, b"1"))["version"]["version"] == 4
    assert (await alice.get(f"{COLLECTIONS}/{collection}/versions/v3")).content == b"3"
    assert await numbers(alice, collection) == [3, 4]


async def test_the_version_about_to_rotate_out_still_counts_as_stored(served: Served, alice: Client) -> None:
    """Contract 8.4."""
    collection = (await alice.create_collection(maxBackupsCount=2, **FIFO))["id"]
    await uploaded(alice, collection, b"oldest", b"newest")
    before = await stored_files(served)
    assert refusal(await alice.upload(collection, b"oldest")) == (400, 41011, REFUSED)
    assert await numbers(alice, collection) == [1, 2]
    assert await stored_files(served) == before


async def test_five_uploads_into_three_places(alice: Client) -> None:
    """Case 91."""
    collection = (await alice.create_collection(maxBackupsCount=3, **FIFO))["id"]
    body = await uploaded(alice, collection, b"1", b"22", b"333", b"4444", b"55555")
    assert (body["collection"]["versions_count"], body["collection"]["used_space_bytes"]) == (3, 12)
    versions = f"{COLLECTIONS}/{collection}/versions"
    found = {number: (await alice.get(f"{versions}/v{number}")).status_code for number in range(1, 7)}
    assert found == {1: 404, 2: 404, 3: 200, 4: 200, 5: 200, 6: 404}


async def test_a_lowered_count_is_caught_up_with(alice: Client) -> None:
    """Case 92."""
    collection = (await alice.create_collection(maxBackupsCount=5, **FIFO))["id"]
    await uploaded(alice, collection, b"1", b"2", b"3", b"4", b"5")
    fields = collection_fields(id=collection, maxBackupsCount=2, **FIFO)
    assert (await alice.put(COLLECTIONS, json=fields)).status_code == 200
    assert await numbers(alice, collection) == [1, 2, 3, 4, 5]
    body = await uploaded(alice, collection, b"6")
    assert body["collection"]["versions_count"] == 2
    assert await numbers(alice, collection) == [5, 6]


async def test_rotation_makes_room_for_the_count_never_for_bytes(served: Served, admin: Client) -> None:
    """Case 93."""
    limits = {"maxBackupsCount": 3, "maxOneVersionSize": 0, "maxCollectionSize": 100}
    collection = (await admin.create_collection(**limits, **FIFO))["id"]
    await uploaded(admin, collection, b"a" * 30, b"b" * 30, b"c" * 30)
    before = await stored_files(served)
    too_much = await admin.upload(collection, b"d" * 41)
    assert refusal(too_much) == (400, 41010, REFUSED)
    assert await numbers(admin, collection) == [1, 2, 3]
    assert await stored_files(served) == before
    body = await uploaded(admin, collection, b"d" * 40)
    assert (body["version"]["version"], body["collection"]["used_space_bytes"]) == (4, 100)
    assert await numbers(admin, collection) == [2, 3, 4]


async def test_a_collection_full_of_bytes_refuses_before_its_count_is_reached(admin: Client) -> None:
    """Contract 8.4, 41010."""
    limits = {"maxBackupsCount": 0, "maxOneVersionSize": 0, "maxCollectionSize": 10}
    for strategy in (FIFO, ALERT):
        collection = (await admin.create_collection(**limits, **strategy))["id"]
        await uploaded(admin, collection, b"123456")
        assert refusal(await admin.upload(collection, b"56789")) == (400, 41010, REFUSED)
        await uploaded(admin, collection, b"6789")
        assert await numbers(admin, collection) == [1, 2]


async def test_no_number_comes_twice(alice: Client) -> None:
    """Case 94; refusals use none up either (contract 8.1)."""
    collection = (await alice.create_collection(maxBackupsCount=2, **ALERT))["id"]
    versions = f"{COLLECTIONS}/{collection}/versions"
    await uploaded(alice, collection, b"1", b"2")
    assert (await alice.delete(f"{versions}/v2")).status_code == 200
    assert refusal(await alice.upload(collection, b"1"))[1] == 41011
    assert refusal(await alice.upload(collection, b""))[1] == 42009
    assert (await uploaded(alice, collection, b"3"))["version"]["version"] == 3
    for number in ("v1", "v3"):
        assert (await alice.delete(f"{versions}/{number}")).status_code == 200
    assert (await uploaded(alice, collection, b"1"))["version"]["version"] == 4


async def test_unlimited_collections_take_any_number(admin: Client) -> None:
    """Cases 55 and 56: more than the instance's maximum of 10."""
    for strategy in (FIFO, ALERT):
        limits = {"maxBackupsCount": 0, "maxOneVersionSize": 0, "maxCollectionSize": 0}
        collection = (await admin.create_collection(**limits, **strategy))["id"]
        await uploaded(admin, collection, *(b"%d" % number for number in range(12)))
        assert await numbers(admin, collection) == list(range(1, 13))


@pytest.mark.parametrize("strategy", [FIFO, ALERT])
async def test_refusals_come_in_the_order_of_the_contract(admin: Client, strategy: dict[str, str]) -> None:
    """Contract 8.4: size, count, duplicate, bytes."""
    limits = {"maxBackupsCount": 2, "maxOneVersionSize": 10, "maxCollectionSize": 20}
    collection = (await admin.create_collection(**limits, **strategy))["id"]
    await uploaded(admin, collection, b"1111111111", b"2222222222")
    full = 41012 if strategy is ALERT else 41011
    assert refusal(await admin.upload(collection, b"2" * 11))[1] == 40109
    assert refusal(await admin.upload(collection, b"2222222222"))[1] == full


async def test_the_same_content_in_two_collections_is_two_versions(alice: Client) -> None:
    """Case 99: deleting one by its UUID leaves the other."""
    one, other = [(await alice.create_collection())["id"] for _ in range(2)]
    first = (await uploaded(alice, one, b"shared"))["version"]
    second = (await uploaded(alice, other, b"shared"))["version"]
    assert first["checksum"] == second["checksum"]
    assert (first["id"] != second["id"], first["file"]["id"] != second["file"]["id"]) == (True, True)
    assert (await alice.delete(f"{COLLECTIONS}/{one}/versions/{first['id']}")).status_code == 200
    assert (await alice.get(f"{COLLECTIONS}/{other}/versions/latest")).content == b"shared"
    assert await numbers(alice, one) == []
