"""R16 to R18: who has access to a collection, given and withdrawn (contract 7, 4.4)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import pytest
from world.answers import NOT_FOUND, against_rules, broken_fields, denied, refusal
from world.client import COLLECTIONS, PER_COLLECTION, TENANT, Client, Served

from backup_repository.access.model import Permission

MANAGE, LIST_ACCESS = Permission.MANAGE_ACCESS.value, Permission.LIST_ACCESS.value
UPLOAD, DOWNLOAD, VERSIONS = Permission.UPLOAD.value, Permission.DOWNLOAD.value, Permission.LIST_VERSIONS.value


@pytest.fixture
async def collection(alice: Client) -> dict[str, Any]:
    """A collection of Alice's."""
    return await alice.create_collection(description="Alice's dumps")


def access(collection: dict[str, Any]) -> str:
    return f"{COLLECTIONS}/{collection['id']}/access"


async def grant(giver: Client, collection: dict[str, Any], to: Client, *names: str, **options: Any) -> httpx.Response:
    body = {"user": to.id, "permissions": list(names)}
    return await giver.request(options.pop("method", "POST"), access(collection), json=body, **options)


async def withdraw(giver: Client, collection: dict[str, Any], of: Client, **options: Any) -> httpx.Response:
    return await giver.delete(f"{access(collection)}/{of.id}", **options)


async def members(collection: dict[str, Any], seen_by: Client) -> dict[str, list[str]]:
    """Give the permissions of each member, by e-mail, in the order of the answer."""
    answer = await seen_by.get(access(collection))
    assert answer.status_code == 200
    return {user["user_email"]: user["permissions"] for user in answer.json()["users"]}


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_grant_answers_the_change(alice: Client, bob: Client, collection: dict[str, Any], method: str) -> None:
    """Case 68."""
    answer = await grant(alice, collection, bob, UPLOAD, method=method)
    assert answer.status_code == 200
    user = {"id": bob.id, "email": bob.email, "permissions": [name for name in Permission if name in TENANT]}
    assert answer.json() == {
        "message": "OK",
        "status": True,
        "data": {"user": user, "collection": collection, "users_count": 2},
    }
    again = await grant(alice, collection, bob, UPLOAD, DOWNLOAD, method=method)
    assert again.json()["data"]["users_count"] == 2


async def test_a_withdrawal_answers_the_change(alice: Client, bob: Client, collection: dict[str, Any]) -> None:
    """Case 68: also of somebody who was no member."""
    await grant(alice, collection, bob, UPLOAD)
    for _ in range(2):
        answer = await withdraw(alice, collection, bob)
        assert answer.status_code == 200
        document = answer.json()
        assert (document["message"], document["status"]) == ("OK", True)
        assert document["data"]["user"]["id"] == bob.id
        assert document["data"]["collection"] == collection
        assert document["data"]["users_count"] == 1
    assert list(await members(collection, alice)) == [alice.email]


async def test_the_form_of_the_list(alice: Client, bob: Client, collection: dict[str, Any]) -> None:
    """Case 75, contract 13: in the order of contract 4.1, of people by folded e-mail."""
    await grant(alice, collection, bob, DOWNLOAD, UPLOAD, LIST_ACCESS)
    answer = await alice.get(access(collection))
    assert answer.json() == {
        "message": "OK",
        "status": True,
        "users": [
            {
                "user_id": alice.id,
                "user_email": alice.email,
                "permissions": list(PER_COLLECTION),
                "collection_id": collection["id"],
            },
            {
                "user_id": bob.id,
                "user_email": bob.email,
                "permissions": [LIST_ACCESS, UPLOAD, DOWNLOAD],
                "collection_id": collection["id"],
            },
        ],
    }


async def test_members_are_ordered_by_email_in_any_case(
    served: Served, alice: Client, collection: dict[str, Any]
) -> None:
    for email in ("Zoe@example.org", "ZED@example.org", "aaron@example.org", "Bert@example.org", "b_t@example.org"):
        await grant(alice, collection, await served.client(email=email))
    seen = list(await members(collection, alice))
    assert seen == [
        "aaron@example.org",
        "alice@example.org",
        "b_t@example.org",
        "Bert@example.org",
        "ZED@example.org",
        "Zoe@example.org",
    ]


async def test_everybody_can_be_withdrawn(alice: Client, admin: Client, collection: dict[str, Any]) -> None:
    """Also the owner, by herself; an empty list is `[]`."""
    assert (await withdraw(alice, collection, alice)).json()["data"]["users_count"] == 0
    assert refusal(await alice.get(access(collection))) == denied(40307)
    answer = await admin.get(access(collection))
    assert '"users": []' in answer.text


async def test_who_may_list(served: Served, alice: Client, bob: Client, collection: dict[str, Any]) -> None:
    """Case 75: membership and the right; modifying any collection is no way in."""
    for permissions in (TENANT, [*TENANT, LIST_ACCESS], [Permission.MODIFY_ANY_COLLECTION, LIST_ACCESS]):
        outsider = await served.client(*permissions)
        assert refusal(await outsider.get(access(collection))) == denied(40307)
    await grant(alice, collection, bob, *(set(PER_COLLECTION) - {LIST_ACCESS}))
    assert refusal(await bob.get(access(collection))) == denied(40307)
    await grant(alice, collection, bob, LIST_ACCESS)
    assert (await bob.get(access(collection))).status_code == 200
    holder = await served.client(*TENANT, LIST_ACCESS)
    await grant(alice, collection, holder)
    assert (await holder.get(access(collection))).status_code == 200


async def test_who_may_give_and_withdraw(
    served: Served, alice: Client, bob: Client, admin: Client, collection: dict[str, Any]
) -> None:
    """Case 69: the right, and membership or any collection."""
    target = await served.client()

    async def outcomes(somebody: Client) -> set[object]:
        answers = (
            await grant(somebody, collection, target),
            await grant(somebody, collection, target, method="PUT"),
            await withdraw(somebody, collection, target),
        )
        return {answer.status_code if answer.status_code == 200 else refusal(answer) for answer in answers}

    assert await outcomes(bob) == {denied(40308)}
    await grant(alice, collection, bob, *(set(PER_COLLECTION) - {MANAGE}))
    assert await outcomes(bob) == {denied(40308)}
    await grant(alice, collection, bob, MANAGE)
    assert await outcomes(bob) == {200}
    for permissions, outcome in (
        ([MANAGE], denied(40308)),
        ([Permission.MODIFY_ANY_COLLECTION], denied(40308)),
        ([Permission.MODIFY_ANY_COLLECTION, MANAGE], 200),
    ):
        assert await outcomes(await served.client(*permissions)) == {outcome}
    assert await outcomes(admin) == {200}


async def test_nobody_gives_what_they_lack(
    served: Served, alice: Client, bob: Client, collection: dict[str, Any]
) -> None:
    """Case 70."""
    await grant(alice, collection, bob, MANAGE, UPLOAD)
    target = await served.client()
    assert refusal(await grant(bob, collection, target, UPLOAD, DOWNLOAD)) == denied(40315)
    assert target.email not in await members(collection, alice)
    assert (await grant(bob, collection, target, UPLOAD)).status_code == 200
    # a right of the account counts as well as one of the list
    downloader = await served.client(*TENANT, DOWNLOAD)
    await grant(alice, collection, downloader, MANAGE)
    assert (await grant(downloader, collection, target, DOWNLOAD, MANAGE)).status_code == 200
    assert refusal(await grant(downloader, collection, target, UPLOAD)) == denied(40315)


async def test_nobody_raises_themselves(alice: Client, bob: Client, collection: dict[str, Any]) -> None:
    await grant(alice, collection, bob, MANAGE)
    assert refusal(await grant(bob, collection, bob, MANAGE, UPLOAD)) == denied(40315)
    assert (await members(collection, alice))[bob.email] == [MANAGE]


async def test_a_scope_narrows_what_can_be_given(alice: Client, bob: Client, collection: dict[str, Any]) -> None:
    token = await alice.generate(MANAGE, UPLOAD)
    assert refusal(await grant(token, collection, bob, DOWNLOAD)) == denied(40315)
    assert (await grant(token, collection, bob, UPLOAD)).status_code == 200
    powerless = await alice.generate(UPLOAD)
    assert refusal(await grant(powerless, collection, bob, UPLOAD)) == denied(40308)


async def test_an_administrator_gives_any_of_the_eight(admin: Client, bob: Client, collection: dict[str, Any]) -> None:
    """Contract 4.4, without being a member."""
    assert (await grant(admin, collection, bob, *PER_COLLECTION)).status_code == 200
    assert (await members(collection, admin))[bob.email] == list(PER_COLLECTION)


async def test_a_grant_replaces_the_whole_list(alice: Client, bob: Client, collection: dict[str, Any]) -> None:
    """Case 71: and works at once."""
    versions = f"{COLLECTIONS}/{collection['id']}/versions"
    await grant(alice, collection, bob, UPLOAD)
    assert refusal(await bob.get(versions)) == denied(40311)
    await grant(alice, collection, bob, VERSIONS, VERSIONS)
    assert (await bob.get(versions)).json()["versions"] == {}
    assert (await members(collection, alice))[bob.email] == [VERSIONS]
    assert refusal(await bob.upload(collection["id"], b"abc")) == denied(40308)


async def test_a_grant_lasts_until_it_is_withdrawn(alice: Client, bob: Client, collection: dict[str, Any]) -> None:
    """Case 72."""
    assert refusal(await bob.upload(collection["id"], b"early")) == denied(40308)
    await grant(alice, collection, bob, UPLOAD)
    answer = await bob.upload(collection["id"], b"in time")
    assert answer.json()["message"] == "File was uploaded"
    await withdraw(alice, collection, bob)
    assert refusal(await bob.upload(collection["id"], b"late")) == denied(40308)
    assert refusal(await bob.get(f"{COLLECTIONS}/{collection['id']}")) == denied(40302)


async def test_a_grant_is_for_one_collection(alice: Client, bob: Client, collection: dict[str, Any]) -> None:
    """Case 73."""
    other = await alice.create_collection()
    await grant(alice, collection, bob, UPLOAD)
    await grant(alice, other, bob)
    assert (await bob.upload(collection["id"], b"abc")).status_code == 200
    assert refusal(await bob.upload(other["id"], b"abc")) == denied(40308)
    assert (await bob.get(f"{COLLECTIONS}/{other['id']}")).status_code == 200


async def test_only_the_eight_can_be_given(admin: Client, bob: Client, collection: dict[str, Any]) -> None:
    """Case 74."""
    for name in (
        "upload.all",
        Permission.ADMINISTRATOR,
        "collections.create_new",
        "nothing",
        "",
        "{x}",
        UPLOAD.upper(),
    ):
        answer = await grant(admin, collection, bob, UPLOAD, name)
        assert refusal(answer) == against_rules(40010)
        assert answer.json()["error"].startswith("Invalid permission selected")
        assert all(known in answer.json()["error"] for known in PER_COLLECTION)
        assert ("security.administrator" in answer.json()["error"]) == (name == Permission.ADMINISTRATOR)
    assert bob.email not in await members(collection, admin)


async def test_the_fields_of_a_grant(alice: Client, bob: Client, collection: dict[str, Any]) -> None:
    """Case 74."""
    assert broken_fields(await alice.post(access(collection), json={"permissions": []})) == {"user": 50002}
    others: list[object] = [None, 5, True, [], {}, "a\0b"]
    for user in others:
        assert broken_fields(await alice.post(access(collection), json={"user": user})) == {"user": 50002}
    assert (await alice.post(access(collection), json={"user": bob.id.upper()})).status_code == 200
    assert (await members(collection, alice))[bob.email] == []


async def test_the_order_of_refusals_of_a_grant(served: Served, alice: Client, collection: dict[str, Any]) -> None:
    """Contract 7: 404 collection, 40308, E1, 404 user, 40010, 40315."""
    bob = await served.client(*TENANT)
    nobody = {"user": str(uuid4()), "permissions": ["nothing"]}
    unknown = f"{COLLECTIONS}/{uuid4()}/access"
    assert refusal(await bob.post(unknown, json={"user": 5})) == NOT_FOUND
    assert refusal(await bob.post(access(collection), json={"user": 5})) == denied(40308)
    await grant(alice, collection, bob, MANAGE)
    assert broken_fields(await bob.post(access(collection), json={"user": 5, "permissions": 5})) == {
        "user": 50002,
        "permissions": 50002,
    }
    assert refusal(await bob.post(access(collection), json=nobody)) == NOT_FOUND
    assert refusal(await grant(bob, collection, alice, UPLOAD, "nothing")) == against_rules(40010)
    assert refusal(await grant(bob, collection, alice, UPLOAD)) == denied(40315)


async def test_an_unknown_user_is_not_found(alice: Client, charlie: Client, collection: dict[str, Any]) -> None:
    """Case 74; the permission comes first."""
    for user in (str(uuid4()), "x", "", "alice@example.org", "%"):
        assert refusal(await alice.post(access(collection), json={"user": user})) == NOT_FOUND
    for user in (str(uuid4()), "x", "%00", "a%00b", "%25", "alice@example.org"):
        assert refusal(await alice.delete(f"{access(collection)}/{user}")) == NOT_FOUND
        assert refusal(await charlie.delete(f"{access(collection)}/{user}")) == denied(40308)


async def test_an_unknown_collection_is_not_found_by_anybody(served: Served, admin: Client, alice: Client) -> None:
    """Case 74."""
    for somebody in (admin, alice, await served.client()):
        for unknown in (str(uuid4()), "x", "%00"):
            path = f"{COLLECTIONS}/{unknown}/access"
            assert refusal(await somebody.get(path)) == NOT_FOUND
            assert refusal(await somebody.post(path, json={})) == NOT_FOUND
            assert refusal(await somebody.put(path, json={})) == NOT_FOUND
            assert refusal(await somebody.delete(f"{path}/{alice.id}")) == NOT_FOUND


async def test_simulation_checks_everything_and_changes_nothing(
    alice: Client, bob: Client, charlie: Client, collection: dict[str, Any]
) -> None:
    """Case 63."""
    query = {"simulate": "true"}
    answer = await grant(alice, collection, bob, UPLOAD, params=query)
    assert answer.json()["data"]["users_count"] == 2
    assert list(await members(collection, alice)) == [alice.email]
    await grant(alice, collection, bob, UPLOAD)
    answer = await grant(alice, collection, bob, DOWNLOAD, params=query)
    assert answer.json()["data"]["users_count"] == 2
    assert (await withdraw(alice, collection, bob, params=query)).json()["data"]["users_count"] == 1
    assert (await members(collection, alice))[bob.email] == [UPLOAD]
    assert refusal(await grant(charlie, collection, bob, params=query)) == denied(40308)
    assert refusal(await withdraw(charlie, collection, bob, params=query)) == denied(40308)
    assert refusal(await grant(alice, collection, bob, "nothing", params=query)) == against_rules(40010)


async def test_another_tenant_learns_nothing(
    alice: Client, bob: Client, charlie: Client, collection: dict[str, Any]
) -> None:
    await grant(alice, collection, bob, UPLOAD)
    answers = [
        await charlie.get(access(collection)),
        await grant(charlie, collection, charlie, *PER_COLLECTION),
        await grant(charlie, collection, bob, method="PUT"),
        await withdraw(charlie, collection, bob),
        await withdraw(charlie, collection, charlie),
    ]
    assert [refusal(answer) for answer in answers] == [denied(40307), *[denied(40308)] * 4]
    for answer in answers:
        assert not [word for word in (alice.email, bob.email, bob.id, "dumps") if word in answer.text]
    assert await members(collection, alice) == {alice.email: list(PER_COLLECTION), bob.email: [UPLOAD]}
