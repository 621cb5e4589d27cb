"""Which of several reasons for a refusal is given (contract 1.4)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from world.answers import NO_JSON, NOT_FOUND, READ_ONLY, Refusal, against_rules, broken_fields, denied, refusal
from world.client import COLLECTIONS, TOKENS, USERS, Client, Serve, Served, collection_fields, user_fields

UNKNOWN = "00000000-0000-4000-8000-000000000000"
NO_TOKEN = (401, 401, "request.auth-error")
NOT_OFFERED = (405, 405, "app.fatal-error")


@pytest.fixture
async def collection(alice: Client) -> dict[str, Any]:
    """A collection of Alice's."""
    return await alice.create_collection()


async def test_path_and_method_come_before_the_token(guest: Client, alice: Client) -> None:
    """Step 1."""
    for somebody in (guest, guest.bearing("damaged"), alice):
        assert refusal(await somebody.post("/api/stable/unknown", content=b"{")) == NOT_FOUND
        assert refusal(await somebody.request("PATCH", COLLECTIONS, content=b"{")) == NOT_OFFERED


async def test_the_token_comes_before_everything_else(guest: Client, serve: Serve) -> None:
    """Step 2 before 3 and 4, whatever is addressed."""
    for somebody in (guest, guest.bearing("damaged"), serve(read_only=True).guest()):
        for path in (COLLECTIONS, USERS, TOKENS, f"{COLLECTIONS}/{UNKNOWN}/access"):
            assert refusal(await somebody.post(path, content=b"{")) == NO_TOKEN


async def test_read_only_comes_before_the_body(serve: Serve, alice: Client, charlie: Client) -> None:
    """Step 3 before 4 and 5."""
    read_only = serve(read_only=True)
    for somebody in (alice, charlie):
        bearer = read_only.guest().bearing(somebody.token)
        for path in (COLLECTIONS, USERS, TOKENS, f"{COLLECTIONS}/{UNKNOWN}/access"):
            assert refusal(await bearer.post(path, content=b"{")) == READ_ONLY


async def test_json_comes_before_permissions_and_existence(served: Served, collection: dict[str, Any]) -> None:
    """Step 4 before 5, 6 and 7."""
    nobody = await served.client()
    addresses = [f"{COLLECTIONS}/{known}/access" for known in (collection["id"], UNKNOWN)]
    requests = [("POST", path) for path in (USERS, TOKENS, COLLECTIONS, *addresses)]
    requests += [("PUT", path) for path in (COLLECTIONS, *addresses, f"{USERS}/{UNKNOWN}")]
    for method, path in requests:
        for body in (b"", b"{", b"[]"):
            assert refusal(await nobody.request(method, path, content=body)) == NO_JSON, (method, path)


async def test_general_permissions_come_before_the_object(served: Served, alice: Client) -> None:
    """Step 5 before 6: to list somebody's tokens, to look at or delete an account."""
    nobody = await served.client()
    for method, path, code in (
        ("GET", f"{TOKENS}?user={{}}", 40317),
        ("GET", f"{USERS}/{{}}", 40313),
        ("DELETE", f"{USERS}/{{}}", 40303),
    ):
        for user in (alice.id, UNKNOWN, "x"):
            assert refusal(await nobody.request(method, path.format(user))) == denied(code)


async def test_general_permissions_come_before_the_fields(served: Served) -> None:
    """Step 5 before 8."""
    nobody = await served.client()
    for path, code in ((USERS, 40300), (TOKENS, 40316), (COLLECTIONS, 40306)):
        assert refusal(await nobody.post(path, json={"id": 5})) == denied(code)


async def test_existence_comes_before_the_permission_on_the_object(
    served: Served, alice: Client, charlie: Client, admin: Client, collection: dict[str, Any]
) -> None:
    """Step 6 before 7: an unknown collection is 404 for everybody, one that is somebody else's 403."""
    routes: list[tuple[str, str, object, int]] = [
        ("GET", "", None, 40302),
        ("DELETE", "", None, 40303),
        ("GET", "/access", None, 40307),
        ("POST", "/access", {}, 40308),
        ("PUT", "/access", {}, 40308),
        ("DELETE", f"/access/{alice.id}", None, 40308),
        ("DELETE", f"/access/{UNKNOWN}", None, 40308),
        ("GET", "/versions", None, 40311),
        ("GET", "/versions/latest", None, 40310),
        ("DELETE", "/versions/latest", None, 40309),
    ]
    for method, path, body, code in routes:
        for somebody in (charlie, await served.client()):
            answer = await somebody.request(method, f"{COLLECTIONS}/{collection['id']}{path}", json=body)
            assert refusal(answer) == denied(code), (method, path)
        for somebody in (charlie, alice, admin, await served.client()):
            answer = await somebody.request(method, f"{COLLECTIONS}/{uuid4()}{path}", json=body)
            assert refusal(answer) == NOT_FOUND, (method, path)


async def test_permission_on_the_object_comes_before_the_fields(charlie: Client, collection: dict[str, Any]) -> None:
    """Step 7 before 8."""
    address = f"{COLLECTIONS}/{collection['id']}/access"
    assert refusal(await charlie.post(address, json={"user": 5})) == denied(40308)
    assert refusal(await charlie.put(COLLECTIONS, json={"id": collection["id"]})) == denied(40307)


async def test_fields_come_before_rules_and_all_at_once(alice: Client, served: Served) -> None:
    """Step 8 before 9."""
    answer = await alice.post(COLLECTIONS, json=collection_fields(maxBackupsCount=99, filename="/", strategy="x"))
    assert broken_fields(answer) == {"filename": 42012, "strategy": 42021}
    creator = await served.client("security.create_unlimited_accounts")
    fields = user_fields(permissions=["nothing", "security.administrator"], email="x", password="x")
    assert broken_fields(await creator.post(USERS, json=fields)) == {"email": 40005, "password": 40006}
    token = {"requestedPermissions": ["nothing"], "ttl": 1}
    assert broken_fields(await alice.post(TOKENS, json=token)) == {"ttl": 41014}


async def test_rules_are_answered_in_their_order(served: Served, alice: Client) -> None:
    """Step 9: 40010, 40315 and the taken e-mail of an account; 40010 and 40316 of a token."""
    creator = await served.client("security.create_unlimited_accounts")
    steps: list[tuple[list[str], Refusal | None]] = [
        (["nothing", "security.administrator"], against_rules(40010)),
        (["security.administrator"], denied(40315)),
        ([], None),
    ]
    for permissions, expected in steps:
        answer = await creator.post(USERS, json=user_fields(permissions=permissions, email=alice.email))
        assert (broken_fields(answer) == {"id": 40001}) if expected is None else (refusal(answer) == expected)
    token = {"requestedPermissions": ["security.delete_users", "nothing"], "ttl": 60}
    assert refusal(await alice.post(TOKENS, json=token)) == against_rules(40010)
    token = {"requestedPermissions": ["security.delete_users"], "ttl": 60}
    assert refusal(await alice.post(TOKENS, json=token)) == denied(40316)


async def test_a_refused_request_changes_nothing(
    admin: Client, alice: Client, bob: Client, charlie: Client, collection: dict[str, Any]
) -> None:
    """Contract 1.4: at whatever step."""
    await alice.grant(collection["id"], bob)
    address = f"{COLLECTIONS}/{collection['id']}"
    paths = (COLLECTIONS, address, f"{address}/access", USERS, f"{TOKENS}?user={alice.id}")
    before = [(await admin.get(path)).json() for path in paths]
    for somebody, method, path, body in (
        (alice, "POST", COLLECTIONS, collection_fields(maxBackupsCount=99)),
        (alice, "PUT", COLLECTIONS, collection_fields(id=collection["id"], description="new", maxBackupsCount=99)),
        (charlie, "PUT", COLLECTIONS, collection_fields(id=collection["id"], description="new")),
        (alice, "POST", f"{address}/access", {"user": bob.id, "permissions": ["nothing"]}),
        (bob, "POST", f"{address}/access", {"user": bob.id, "permissions": []}),
        (charlie, "DELETE", f"{address}/access/{bob.id}", None),
        (charlie, "DELETE", address, None),
        (admin, "POST", USERS, user_fields(email="ALICE@example.org")),
        (alice, "POST", USERS, user_fields()),
        (alice, "POST", TOKENS, {"requestedPermissions": ["security.delete_users"], "ttl": 60}),
    ):
        assert (await somebody.request(method, path, json=body)).status_code in (400, 403)
    assert [(await admin.get(path)).json() for path in paths] == before
