"""R14 and R15: one collection is looked at, and deleted when it is empty (contract 6.8, 6.9)."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from world.answers import NOT_FOUND, against_rules, denied, refusal
from world.client import COLLECTIONS, PER_COLLECTION, TENANT, Client, Served

from backup_repository.access.model import Permission

NO_IDS = ("x", "0", "%00", "%0A", "c011ec00-0000-4000-8000-00000000000", "c011ec0000004000800000000000000f", "%2e", "ż")


def address(collection: dict[str, str]) -> str:
    return f"{COLLECTIONS}/{collection['id']}"


async def test_the_creator_looks_at_it_without_further_permission(served: Served) -> None:
    """Case 53."""
    creator = await served.client(Permission.CREATE_COLLECTIONS)
    collection = await creator.create_collection(filename="db.tar.gz")
    answer = await creator.get(address(collection))
    assert answer.json() == {"message": "OK", "status": True, "collection": collection}
    assert answer.json()["collection"]["filename"] == "db.tar.gz"


async def test_an_unknown_collection_is_not_found_by_anybody(served: Served, admin: Client, alice: Client) -> None:
    """Case 53, contract 1.4: 404 for every authenticated caller, whatever they may."""
    for somebody in (admin, alice, await served.client()):
        for collection_id in (str(uuid4()), *NO_IDS):
            for method in ("GET", "DELETE"):
                assert refusal(await somebody.request(method, f"{COLLECTIONS}/{collection_id}")) == NOT_FOUND


async def test_an_id_matches_in_any_case(alice: Client) -> None:
    """Contract 13."""
    collection = await alice.create_collection()
    answer = await alice.get(f"{COLLECTIONS}/{collection['id'].upper()}")
    assert answer.json()["collection"] == collection
    assert (await alice.delete(f"{COLLECTIONS}/{collection['id'].upper()}")).status_code == 200


async def test_who_may_look(served: Served, alice: Client, bob: Client, admin: Client) -> None:
    """Case 53; case 73: an empty entry still allows viewing."""
    collection = await alice.create_collection()
    everything_else = set(Permission) - {Permission.VIEW_ALL_COLLECTIONS, Permission.ADMINISTRATOR}
    assert refusal(await (await served.client(*everything_else)).get(address(collection))) == denied(40302)
    assert refusal(await bob.get(address(collection))) == denied(40302)
    viewer = await served.client(Permission.VIEW_ALL_COLLECTIONS)
    for somebody in (viewer, admin):
        assert (await somebody.get(address(collection))).json()["collection"] == collection
    await alice.grant(collection["id"], bob)
    assert (await bob.get(address(collection))).json()["collection"] == collection


async def test_the_numbers_follow_the_versions(alice: Client) -> None:
    """Case 54."""
    collection = await alice.create_collection()
    for content in (b"a" * 1000, b"b" * 24):
        assert (await alice.upload(collection["id"], content)).status_code == 200
    seen = (await alice.get(address(collection))).json()["collection"]
    assert seen == collection | {"used_space": "1.02kB", "used_space_bytes": 1024, "versions_count": 2}
    assert (await alice.delete(f"{address(collection)}/versions/latest")).status_code == 200
    seen = (await alice.get(address(collection))).json()["collection"]
    assert seen == collection | {"used_space": "1.00kB", "used_space_bytes": 1000, "versions_count": 1}


async def test_a_deleted_collection_is_answered_as_it_was_and_gone(alice: Client, admin: Client) -> None:
    """Case 52."""
    collection = await alice.create_collection()
    answer = await alice.delete(address(collection))
    assert answer.json() == {"message": "OK, collection was deleted", "status": True, "collection": collection}
    for somebody in (alice, admin):
        assert refusal(await somebody.get(address(collection))) == NOT_FOUND
        assert refusal(await somebody.delete(address(collection))) == NOT_FOUND
        assert (await somebody.get(COLLECTIONS)).json()["elements"] == []


async def test_a_collection_with_versions_stays(alice: Client, admin: Client) -> None:
    """Case 66."""
    collection = await alice.create_collection()
    await alice.upload(collection["id"], b"abc")
    for somebody in (alice, admin):
        assert refusal(await somebody.delete(address(collection))) == against_rules(40108)
    assert (await alice.get(address(collection))).json()["collection"]["versions_count"] == 1
    await alice.delete(f"{address(collection)}/versions/v1")
    assert (await alice.delete(address(collection))).status_code == 200


async def test_who_may_delete(served: Served, alice: Client, bob: Client, admin: Client) -> None:
    """Contract 4.4: the right and membership, or any collection."""
    collection = await alice.create_collection()
    holder = await served.client(*TENANT, Permission.DELETE_COLLECTION, Permission.VIEW_ALL_COLLECTIONS)
    assert refusal(await bob.delete(address(collection))) == denied(40303)
    assert refusal(await holder.delete(address(collection))) == denied(40303)
    await alice.grant(collection["id"], bob, *(set(PER_COLLECTION) - {Permission.DELETE_COLLECTION}))
    assert refusal(await bob.delete(address(collection))) == denied(40303)
    await alice.grant(collection["id"], bob, Permission.DELETE_COLLECTION)
    assert (await bob.delete(address(collection))).status_code == 200
    for somebody in (admin, await served.client(Permission.MODIFY_ANY_COLLECTION)):
        collection = await alice.create_collection()
        assert (await somebody.delete(address(collection))).status_code == 200
    collection = await alice.create_collection()
    await alice.grant(collection["id"], holder)
    assert (await holder.delete(address(collection))).status_code == 200


async def test_the_permission_comes_before_the_versions(alice: Client, charlie: Client) -> None:
    collection = await alice.create_collection()
    await alice.upload(collection["id"], b"abc")
    assert refusal(await charlie.delete(address(collection))) == denied(40303)


async def test_access_goes_with_the_collection(served: Served, alice: Client, bob: Client) -> None:
    """Contract 6.9: an entry gives nothing afterwards, not even to a collection of the same id."""
    chooser = await served.client(*TENANT, Permission.CHOOSE_COLLECTION_IDS)
    collection = await alice.create_collection()
    await alice.grant(collection["id"], bob, Permission.UPLOAD)
    assert (await alice.delete(address(collection))).status_code == 200
    await chooser.create_collection(id=collection["id"])
    for somebody in (alice, bob):
        assert refusal(await somebody.get(address(collection))) == denied(40302)
    owned = {"requestedPermissions": [Permission.UPLOAD], "ttl": 60}
    assert refusal(await bob.post("/api/stable/auth/token", json=owned)) == denied(40316)


async def test_simulation_checks_everything_and_deletes_nothing(alice: Client, charlie: Client) -> None:
    """Case 63."""
    collection = await alice.create_collection()
    query = {"simulate": "true"}
    answer = await alice.delete(address(collection), params=query)
    assert answer.json() == {"message": "OK, collection was deleted", "status": True, "collection": collection}
    assert (await alice.get(address(collection))).json()["collection"] == collection
    assert refusal(await charlie.delete(address(collection), params=query)) == denied(40303)
    await alice.upload(collection["id"], b"abc")
    assert refusal(await alice.delete(address(collection), params=query)) == against_rules(40108)
    assert refusal(await alice.delete(f"{COLLECTIONS}/{uuid4()}", params=query)) == NOT_FOUND


async def test_of_parallel_deletions_one_succeeds(alice: Client) -> None:
    collection = await alice.create_collection()
    answers = await asyncio.gather(*(alice.delete(address(collection)) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [404] * 9


async def test_another_tenant_learns_nothing(alice: Client, charlie: Client) -> None:
    collection = await alice.create_collection(description="secret plan", filename="secret.name")
    for method in ("GET", "HEAD", "DELETE"):
        answer = await charlie.request(method, address(collection))
        assert answer.status_code == 403
        assert "secret" not in answer.text
        assert alice.id not in answer.text
    assert (await alice.get(address(collection))).json()["collection"] == collection
