"""Which permissions exist (contract 4.1, 4.5)."""

from __future__ import annotations

from typing import Any

from world.answers import denied, refusal
from world.client import API, PER_COLLECTION, STRANGER, TENANT, Client, Served

from backup_repository.access.model import DESCRIPTIONS, RESTRICTIONS, Permission

PERMISSIONS = f"{API}/auth/permissions"
ALL = [name.value for name in Permission]
LISTER = (Permission.LIST_PERMISSIONS, Permission.ROLE_USER)


async def shown(client: Client, limits: str | None = None) -> list[str]:
    """Ask for the listing and give the names under `permissions`."""
    answer = await client.get(PERMISSIONS, params={} if limits is None else {"limits": limits})
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert list(document) == ["message", "status", "permissions", "all_permissions"]
    assert (document["message"], document["status"]) == ("", True)
    assert document["all_permissions"] == {name: DESCRIPTIONS[Permission(name)] for name in ALL}
    assert list(document["all_permissions"]) == ALL
    permissions: dict[str, str] = document["permissions"]
    assert permissions.items() <= document["all_permissions"].items()
    return list(permissions)


async def test_all_37_names_stand_in_declaration_order(admin: Client) -> None:
    """Case 50."""
    assert await shown(admin) == ALL
    assert len(ALL) == 37
    answer = await admin.get(PERMISSIONS)
    assert answer.json()["all_permissions"]["upload.all"] == (
        "[Uploads] Send file content to this server; every upload needs it in addition to the right on the collection"
    )


async def test_without_permission_nothing_is_listed(alice: Client, charlie: Client, guest: Client) -> None:
    """Case 50; another tenant learns nothing."""
    for somebody in (alice, charlie):
        for limits in ("", "auth", "collection", "auth,collection", "\0"):
            assert refusal(await somebody.get(PERMISSIONS, params={"limits": limits})) == denied(40321)
    assert (await guest.get(PERMISSIONS)).status_code == 401


async def test_the_limit_collection_keeps_the_eight(served: Served, admin: Client) -> None:
    """Case 51."""
    for somebody in (admin, await served.client(*LISTER)):
        assert await shown(somebody, "collection") == list(PER_COLLECTION)


async def test_the_limit_auth_keeps_what_the_session_owns(served: Served, admin: Client) -> None:
    """Case 51; administrators also keep the two restrictions."""
    held = (*LISTER, Permission.VIEW_METRICS, Permission.UPLOAD_ONCE)
    somebody = await served.client(*held)
    assert await shown(somebody, "auth") == [name for name in ALL if name in held]
    assert await shown(admin, "auth") == ALL


async def test_the_limits_are_applied_one_after_the_other(served: Served, admin: Client) -> None:
    """Case 51."""
    some = (Permission.UPLOAD, Permission.DOWNLOAD)
    somebody = await served.client(*LISTER, *some)
    for limits in ("auth,collection", "collection,auth", " auth , collection ", "x,auth,,collection,auth"):
        assert await shown(somebody, limits) == [name.value for name in some]
        assert await shown(admin, limits) == list(PER_COLLECTION)


async def test_nothing_left_is_an_empty_object(served: Served) -> None:
    """Case 51."""
    answer = await (await served.client(*LISTER)).get(PERMISSIONS, params={"limits": "auth,collection"})
    assert answer.json()["permissions"] == {}


async def test_unknown_words_are_ignored(served: Served) -> None:
    somebody = await served.client(*LISTER)
    ignored: tuple[str | None, ...] = (None, "", ",", "x", "AUTH", "auth collection", "authcollection", "\0", "auth\0")
    for limits in ignored:
        assert await shown(somebody, limits) == ALL


async def test_permissions_of_access_lists_are_owned_too(served: Served, alice: Client) -> None:
    """Contract 4.2."""
    somebody = await served.client(*LISTER)
    collection = await alice.create_collection()
    await alice.grant(collection["id"], somebody, Permission.LIST_VERSIONS)
    assert await shown(somebody, "auth,collection") == [Permission.LIST_VERSIONS.value]
    assert await shown(somebody, "auth") == [name for name in ALL if name in {*LISTER, Permission.LIST_VERSIONS}]


async def test_a_scope_narrows_what_is_owned(served: Served, admin: Client) -> None:
    """Contract 4.2: a scoped token of an administrator's account is no administrator."""
    scope = (Permission.LIST_PERMISSIONS, Permission.UPLOAD, Permission.UPLOAD_ONCE)
    assert set(await shown(await admin.generate(*scope), "auth")) == set(scope) - RESTRICTIONS
    tenant = await served.client(*STRANGER, *LISTER)
    assert await shown(await tenant.generate(*scope), "auth,collection") == [Permission.UPLOAD.value]
    whole = await tenant.generate()
    assert set(await shown(whole, "auth")) == {*STRANGER, *LISTER}


async def test_the_listing_follows_the_account_at_once(served: Served) -> None:
    somebody = await served.client(*LISTER)
    assert somebody.user is not None
    more: Any = frozenset(name.value for name in (*LISTER, *TENANT))
    await served.change_user(somebody.user, permissions=more)
    assert set(await shown(somebody, "auth")) == more
