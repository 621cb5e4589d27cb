"""R12: everything that people decide about a collection is replaced (contract 6.3, 6.6)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import pytest
from world.answers import NOT_FOUND, against_rules, broken_fields, denied, refusal
from world.client import COLLECTIONS, PER_COLLECTION, TENANT, Client, Served, collection_fields

from backup_repository.access.model import Permission

OLDEST, ALERT = "delete_oldest_when_adding_new", "alert_when_too_many_versions"
MODIFY_ANY = Permission.MODIFY_ANY_COLLECTION


async def edit(somebody: Client, collection_id: object, **fields: Any) -> httpx.Response:
    return await somebody.put(COLLECTIONS, json=collection_fields(id=collection_id, **fields))


async def read(somebody: Client, collection_id: str) -> dict[str, Any]:
    collection: dict[str, Any] = (await somebody.get(f"{COLLECTIONS}/{collection_id}")).json()["collection"]
    return collection


async def test_the_life_of_a_collection(alice: Client) -> None:
    """Case 52."""
    collection = await alice.create_collection(maxBackupsCount=4)
    answer = await edit(alice, collection["id"], maxBackupsCount=5)
    assert answer.status_code == 200
    assert answer.json() == {"message": "OK", "status": True, "collection": collection | {"max_backups_count": 5}}
    refused = await edit(alice, collection["id"], maxBackupsCount=99999)
    assert refusal(refused) == against_rules(40102)
    deleted = await alice.delete(f"{COLLECTIONS}/{collection['id']}")
    assert deleted.json()["message"] == "OK, collection was deleted"
    assert refusal(await edit(alice, collection["id"])) == NOT_FOUND


async def test_all_fields_are_replaced(alice: Client) -> None:
    """Case 8: but the moment of creation."""
    collection = await alice.create_collection(description="old", filename="old.gz")
    fields = {
        "maxBackupsCount": "3",
        "maxOneVersionSize": "2MB",
        "maxCollectionSize": "6MB",
        "strategy": ALERT,
        "filename": "new",
        "description": ...,
    }
    answer = await edit(alice, collection["id"], **fields)
    assert answer.json()["collection"] == collection | {
        "max_backups_count": 3,
        "max_one_backup_version_size": "2.00MB",
        "max_one_backup_version_size_bytes": 2_000_000,
        "max_collection_size": "6.00MB",
        "max_collection_size_bytes": 6_000_000,
        "strategy": ALERT,
        "filename": "new",
        "description": "",
    }
    assert await read(alice, collection["id"]) == answer.json()["collection"]


async def test_the_id_comes_as_id_or_as_collection(alice: Client) -> None:
    """Contract 6.6: `id` wins."""
    first, second = await alice.create_collection(), await alice.create_collection()
    body = collection_fields(description="edited")
    for names in ({"collection": first["id"]}, {"collection": first["id"], "id": ""}, {"id": first["id"].upper()}):
        assert (await alice.put(COLLECTIONS, json=body | names)).json()["collection"]["id"] == first["id"]
    both = {"id": second["id"], "collection": first["id"]}
    assert (await alice.put(COLLECTIONS, json=body | both)).json()["collection"]["id"] == second["id"]
    unusable = {"id": "unknown", "collection": first["id"]}
    assert refusal(await alice.put(COLLECTIONS, json=body | unusable)) == NOT_FOUND


async def test_a_missing_id_is_a_broken_field_before_anything_else(alice: Client) -> None:
    """Contract 6.6, 13."""
    cases: list[object] = [..., "", None, 5, True, [], {}, ["x"]]
    for collection_id in cases:
        assert broken_fields(await edit(alice, collection_id, filename="")) == {"id": 50002}


async def test_an_unknown_id_is_not_found_by_anybody(admin: Client, alice: Client, served: Served) -> None:
    """Contract 13, before the fields are looked at."""
    for somebody in (admin, alice, await served.client()):
        for unknown in (str(uuid4()), "x", "no uuid", "%", "../", "1", "current"):
            assert refusal(await edit(somebody, unknown, filename="")) == NOT_FOUND


async def test_who_may_edit(served: Served, alice: Client, bob: Client, admin: Client) -> None:
    """Contract 4.4: the right and membership, or any collection."""
    collection = await alice.create_collection()

    async def outcome(somebody: Client) -> object:
        answer = await edit(somebody, collection["id"], description=somebody.email)
        return answer.status_code if answer.status_code == 200 else refusal(answer)

    anybody = await served.client(MODIFY_ANY)
    holder = await served.client(*TENANT, Permission.EDIT_COLLECTION)
    viewer = await served.client(*TENANT, Permission.VIEW_ALL_COLLECTIONS)
    assert [await outcome(somebody) for somebody in (alice, admin, anybody)] == [200, 200, 200]
    assert [await outcome(somebody) for somebody in (bob, holder, viewer)] == [denied(40307)] * 3
    await alice.grant(collection["id"], bob, *(set(PER_COLLECTION) - {Permission.EDIT_COLLECTION}))
    await alice.grant(collection["id"], holder)
    assert await outcome(bob) == denied(40307)
    assert await outcome(holder) == 200
    await alice.grant(collection["id"], bob, Permission.EDIT_COLLECTION)
    assert await outcome(bob) == 200


async def test_the_permission_comes_before_the_fields(alice: Client, charlie: Client) -> None:
    """Contract 6.6."""
    collection = await alice.create_collection()
    assert refusal(await edit(charlie, collection["id"], filename="", maxBackupsCount="x")) == denied(40307)


async def test_fields_and_limits_are_judged_as_on_creation(alice: Client) -> None:
    collection = await alice.create_collection()
    answer = await edit(alice, collection["id"], maxBackupsCount=-5, maxOneVersionSize="x", strategy="y", filename="/")
    assert broken_fields(answer) == {
        "maxBackupsCount": 42016,
        "maxOneVersionSize": 42010,
        "strategy": 42021,
        "filename": 42012,
    }
    for fields, code in (
        ({"maxBackupsCount": 11}, 40102),
        ({"maxOneVersionSize": "50GB"}, 40103),
        ({"maxCollectionSize": "150TB"}, 40104),
        ({"maxOneVersionSize": "11MB"}, 40105),
        ({"maxOneVersionSize": "5MB"}, 40106),
    ):
        assert refusal(await edit(alice, collection["id"], **fields)) == against_rules(code)
    assert await read(alice, collection["id"]) == collection


@pytest.mark.parametrize("field", ["maxBackupsCount", "maxOneVersionSize", "maxCollectionSize"])
async def test_opening_a_limit_needs_a_permission_keeping_it_open_none(
    alice: Client, admin: Client, field: str
) -> None:
    """Case 57."""
    collection = await alice.create_collection()
    assert refusal(await edit(alice, collection["id"], **{field: 0})) == denied(40306)
    assert (await edit(admin, collection["id"], **{field: 0})).status_code == 200
    answer = await edit(alice, collection["id"], description="still open", **{field: "0"})
    assert answer.json()["collection"]["description"] == "still open"
    others = {"maxBackupsCount", "maxOneVersionSize", "maxCollectionSize"} - {field}
    for other in others:
        assert refusal(await edit(alice, collection["id"], **{field: 0, other: 0})) == denied(40306)
    assert (await edit(alice, collection["id"])).status_code == 200  # closed again
    assert refusal(await edit(alice, collection["id"], **{field: 0})) == denied(40306)


async def test_limits_stay_above_what_is_stored(alice: Client) -> None:
    """Case 67: the sum and the largest version."""
    collection = await alice.create_collection()
    for content in (b"a" * 600, b"b" * 900):
        assert (await alice.upload(collection["id"], content)).status_code == 200
    small = {"maxBackupsCount": 1, "maxOneVersionSize": 900}
    assert refusal(await edit(alice, collection["id"], **small, maxCollectionSize=1499)) == against_rules(40107)
    assert (await edit(alice, collection["id"], **small, maxCollectionSize=1500)).status_code == 200
    smaller = {"maxBackupsCount": 1, "maxOneVersionSize": 899, "maxCollectionSize": 1500}
    assert refusal(await edit(alice, collection["id"], **smaller)) == against_rules(40107)


async def test_a_count_below_what_is_stored_depends_on_the_new_strategy(alice: Client) -> None:
    """Case 67, contract 13."""
    collection = await alice.create_collection(strategy=ALERT)
    for content in (b"a", b"b"):
        await alice.upload(collection["id"], content)
    refused = await edit(alice, collection["id"], maxBackupsCount=1, strategy=ALERT)
    assert refusal(refused) == against_rules(40107)
    accepted = await edit(alice, collection["id"], maxBackupsCount=1, strategy=OLDEST)
    # lowered limits delete nothing by themselves
    assert accepted.json()["collection"]["versions_count"] == 2
    refused = await edit(alice, collection["id"], maxBackupsCount=1, strategy=ALERT)
    assert refusal(refused) == against_rules(40107)
    assert (await edit(alice, collection["id"], maxBackupsCount=2, strategy=ALERT)).status_code == 200


async def test_an_open_limit_is_above_everything_stored(alice: Client, admin: Client) -> None:
    collection = await alice.create_collection(strategy=ALERT)
    for content in (b"a", b"b"):
        await alice.upload(collection["id"], content)
    opened = await edit(admin, collection["id"], maxBackupsCount=0, maxOneVersionSize=0, maxCollectionSize=0)
    assert opened.json()["collection"]["used_space_bytes"] == 2


async def test_simulation_checks_everything_and_changes_nothing(alice: Client, charlie: Client) -> None:
    """Case 63."""
    collection = await alice.create_collection()

    async def simulate(somebody: Client, **fields: Any) -> httpx.Response:
        body = collection_fields(id=collection["id"], **fields)
        return await somebody.put(COLLECTIONS, params={"simulate": "1"}, json=body)

    answer = await simulate(alice, description="edited")
    assert answer.json() == {"message": "OK", "status": True, "collection": collection | {"description": "edited"}}
    assert await read(alice, collection["id"]) == collection
    assert refusal(await simulate(alice, maxBackupsCount=11)) == against_rules(40102)
    assert refusal(await simulate(charlie)) == denied(40307)


async def test_another_tenant_learns_nothing(alice: Client, charlie: Client) -> None:
    collection = await alice.create_collection(description="secret plan")
    await charlie.create_collection()
    answer = await edit(charlie, collection["id"], description="mine")
    assert refusal(answer) == denied(40307)
    assert "secret plan" not in answer.text
    assert await read(alice, collection["id"]) == collection
