"""R2: a token narrowed to some permissions (contract 3.5, 4.2)."""

from __future__ import annotations

import hashlib
from typing import Any

import httpx
import jwt
from world.answers import NOT_FOUND, against_rules, broken_fields, denied, refusal
from world.client import (
    ADMINISTRATOR,
    COLLECTIONS,
    PER_COLLECTION,
    TENANT,
    TOKENS,
    USERS,
    Client,
    Served,
    collection_fields,
    user_fields,
)

from backup_repository.access.model import Permission

UPLOAD, DOWNLOAD, LIST = Permission.UPLOAD.value, Permission.DOWNLOAD.value, Permission.LIST_VERSIONS.value
TEN_YEARS = 315_360_000


async def ask(somebody: Client, *names: object, **fields: Any) -> httpx.Response:
    return await somebody.post(TOKENS, json={"requestedPermissions": list(names), "ttl": 3600} | fields)


async def entry_of(somebody: Client, token: str) -> dict[str, Any]:
    """Find a token of somebody in the listing."""
    digest = hashlib.sha256(token.encode()).hexdigest()
    entries = (await somebody.get(TOKENS, params={"perPageLimit": 1000})).json()["data"]
    found: dict[str, Any] = next(entry for entry in entries if entry["token_hash"] == digest)
    return found


async def test_the_answer_is_the_token_and_nothing_else(alice: Client) -> None:
    answer = await ask(alice, UPLOAD.replace("collections.upload_to_allowed_collections", "upload.all"))
    assert answer.status_code == 200
    assert list(answer.json()) == ["token"]


async def test_a_generated_token_is_recorded_as_asked(served: Served, alice: Client) -> None:
    """Case 13 for generated tokens."""
    description = 'nightly, "żółw"\n<b>'
    answer = await ask(alice, "collections.create_new", "upload.all", ttl=600, description=description)
    token = answer.json()["token"]
    claims = jwt.decode(token, served.config.jwt_public_key.read_text(), algorithms=["EdDSA"])
    assert claims["exp"] - claims["iat"] == 600
    assert claims["sub"] == alice.id
    assert claims["roles"] == ["upload.all", "collections.create_new"]
    entry = await entry_of(alice, token)
    assert entry["description"] == description
    assert entry["permissions"] == ["upload.all", "collections.create_new"]
    assert (entry["user"], entry["active"], entry["still_valid"]) == (alice.id, True, True)


async def test_ttl_and_permissions_are_required(alice: Client) -> None:
    """Case 18."""
    assert broken_fields(await alice.post(TOKENS, json={"requestedPermissions": []})) == {"ttl": 50002}
    assert broken_fields(await alice.post(TOKENS, json={"ttl": 60})) == {"requestedPermissions": 50002}


async def test_a_lifetime_is_a_minute_to_ten_years(alice: Client) -> None:
    """Case 18."""
    for ttl in (59, 0, -60, TEN_YEARS + 1, "315360001", 2**63 - 1):
        answer = await ask(alice, ttl=ttl)
        assert broken_fields(answer) == {"ttl": 41014}
    for ttl in (60, TEN_YEARS, "60"):
        assert (await ask(alice, ttl=ttl)).status_code == 200


async def test_a_description_has_1024_characters(alice: Client) -> None:
    """Characters, not bytes."""
    assert (await ask(alice, description="ż" * 1024)).status_code == 200
    assert broken_fields(await ask(alice, description="x" * 1025, ttl=1)) == {"description": 40003, "ttl": 41014}


async def test_a_token_ends_with_its_lifetime(served: Served, alice: Client) -> None:
    token = await alice.generate("collections.can_use_listing_endpoint", ttl=60)
    assert (await token.get(COLLECTIONS)).status_code == 200
    served.clock.advance(seconds=60)
    assert (await token.get(COLLECTIONS)).json()["message"] == "Expired JWT Token"
    entry = await entry_of(alice, token.token)
    assert (entry["active"], entry["still_valid"]) == (True, False)


async def test_everything_of_an_administrator_is_an_administrator(admin: Client, alice: Client) -> None:
    """Case 19."""
    collection = await alice.create_collection()
    token = await admin.generate()
    assert (await token.post(USERS, json=user_fields(permissions=[ADMINISTRATOR]))).status_code == 201
    assert (await token.get(f"{COLLECTIONS}/{collection['id']}/access")).status_code == 200
    assert set((await entry_of(admin, token.token))["permissions"]) == {ADMINISTRATOR, *PER_COLLECTION}


async def test_everything_of_a_user_is_what_the_user_can_also_later(alice: Client, bob: Client) -> None:
    """Case 19."""
    token = await bob.generate()
    assert (await token.post(COLLECTIONS, json=collection_fields())).status_code == 201
    assert refusal(await token.post(USERS, json=user_fields())) == denied(40300)
    collection = await alice.create_collection()
    address = f"{COLLECTIONS}/{collection['id']}"
    assert refusal(await token.get(address)) == denied(40302)
    await alice.grant(collection["id"], bob, *PER_COLLECTION)
    assert (await token.get(f"{address}/versions")).status_code == 200
    assert (await token.get(f"{address}/access")).status_code == 200
    assert (await token.upload(collection["id"], b"abc")).status_code == 200


async def test_a_token_names_only_what_its_maker_owns(served: Served, alice: Client, admin: Client) -> None:
    """Case 20."""
    assert refusal(await ask(alice, "security.delete_users")) == denied(40316)
    assert refusal(await ask(alice, ADMINISTRATOR)) == denied(40316)
    assert refusal(await ask(alice, "upload.all", UPLOAD)) == denied(40316)
    generator = await served.client(Permission.GENERATE_TOKENS)
    assert refusal(await ask(generator, "ROLE_USER")) == denied(40316)
    assert (await ask(admin, *Permission)).status_code == 200


async def test_only_who_may_generate_tokens_does(served: Served) -> None:
    """Case 20; before the fields are looked at."""
    user = await served.client(*(set(Permission) - {Permission.GENERATE_TOKENS, ADMINISTRATOR}))
    assert refusal(await ask(user)) == denied(40316)
    assert refusal(await user.post(TOKENS, json={"ttl": "x"})) == denied(40316)


async def test_an_unknown_name_is_a_broken_rule_for_everybody(alice: Client, admin: Client) -> None:
    """Case 20; before ownership is looked at."""
    cases: list[str] = ["upload.none", "", "UPLOAD.ALL", "upload.all ", "role_user", "{0}", "żółw"]
    for name in cases:
        for somebody in (alice, admin):
            answer = await ask(somebody, "security.delete_users", name)
            assert refusal(answer) == against_rules(40010)
            assert answer.json()["error"].startswith("Invalid permission selected")
            assert all(permission.value in answer.json()["error"] for permission in Permission)
            assert name in answer.json()["error"]


async def test_a_right_of_one_collection_can_be_put_into_a_token(alice: Client, bob: Client) -> None:
    """Case 21."""
    assert refusal(await ask(bob, UPLOAD)) == denied(40316)
    collection = await alice.create_collection()
    await alice.grant(collection["id"], bob, UPLOAD)
    answer = await ask(bob, UPLOAD, "upload.all")
    assert answer.status_code == 200
    assert (await bob.bearing(answer.json()["token"]).upload(collection["id"], b"abc")).status_code == 200
    assert refusal(await ask(bob, DOWNLOAD)) == denied(40316)


async def test_a_token_for_uploads_does_not_download(alice: Client, bob: Client) -> None:
    """Case 22."""
    collection = await alice.create_collection()
    await alice.grant(collection["id"], bob, UPLOAD, DOWNLOAD)
    token = await bob.generate(UPLOAD, "upload.all")
    assert (await token.upload(collection["id"], b"abc")).status_code == 200
    latest = f"{COLLECTIONS}/{collection['id']}/versions/latest"
    assert refusal(await token.get(latest)) == denied(40310)
    assert (await bob.get(latest)).content == b"abc"


async def test_a_scoped_token_of_an_administrator_is_no_administrator(admin: Client, alice: Client) -> None:
    """Case 23."""
    collection = await alice.create_collection()
    token = await admin.generate("security.search_for_users", "security.authentication_lookup")
    assert (await token.get(USERS)).status_code == 200
    assert refusal(await token.post(USERS, json=user_fields())) == denied(40300)
    assert refusal(await token.get(TOKENS, params={"user": alice.id})) == denied(40317)
    assert refusal(await token.get(TOKENS)) == denied(40317)
    assert refusal(await token.get(f"{COLLECTIONS}/{collection['id']}")) == denied(40302)
    assert refusal(await token.post(COLLECTIONS, json=collection_fields())) == denied(40306)
    assert refusal(await ask(token)) == denied(40316)


async def test_a_token_that_names_administration_is_an_administrator(admin: Client) -> None:
    token = await admin.generate(ADMINISTRATOR)
    assert (await token.post(USERS, json=user_fields())).status_code == 201


async def test_a_permission_taken_from_the_account_stops_working_in_its_tokens(served: Served, alice: Client) -> None:
    """Case 24."""
    assert alice.user is not None
    token = await alice.generate("collections.create_new")
    everything = await alice.generate()
    for bearer in (token, everything, alice):
        assert (await bearer.post(COLLECTIONS, json=collection_fields())).status_code == 201
    fewer = alice.user.permissions - {"collections.create_new"}
    await served.change_user(alice.user, permissions=fewer)
    for bearer in (token, everything, alice):
        assert refusal(await bearer.post(COLLECTIONS, json=collection_fields())) == denied(40306)


async def test_a_permission_added_to_the_account_works_for_login_sessions_only(served: Served, alice: Client) -> None:
    """Contract 4.2."""
    assert alice.user is not None
    token = await alice.generate()
    more = alice.user.permissions | {"security.create_unlimited_accounts"}
    await served.change_user(alice.user, permissions=more)
    assert (await alice.post(USERS, json=user_fields())).status_code == 201
    assert refusal(await token.post(USERS, json=user_fields())) == denied(40300)


async def test_a_right_withdrawn_in_a_collection_stops_working_in_tokens(alice: Client, bob: Client) -> None:
    collection = await alice.create_collection()
    await alice.grant(collection["id"], bob, UPLOAD, LIST)
    token = await bob.generate(UPLOAD, LIST, "upload.all")
    versions = f"{COLLECTIONS}/{collection['id']}/versions"
    assert (await token.get(versions)).status_code == 200
    await alice.grant(collection["id"], bob, UPLOAD)
    assert refusal(await token.get(versions)) == denied(40311)
    assert (await token.upload(collection["id"], b"abc")).status_code == 200


async def test_a_scope_does_not_narrow_membership(alice: Client) -> None:
    """Contract 4.2."""
    collection = await alice.create_collection()
    token = await alice.generate("ROLE_USER")
    assert (await token.get(f"{COLLECTIONS}/{collection['id']}")).status_code == 200
    assert refusal(await token.get(f"{COLLECTIONS}/{collection['id']}/versions")) == denied(40311)
    assert refusal(await token.delete(f"{COLLECTIONS}/{collection['id']}")) == denied(40303)


async def test_a_token_without_the_right_generates_none(alice: Client) -> None:
    """Case 25."""
    token = await alice.generate("collections.can_use_listing_endpoint")
    assert refusal(await ask(token)) == denied(40316)


async def test_a_token_makes_narrower_tokens_only(alice: Client) -> None:
    token = await alice.generate(Permission.GENERATE_TOKENS, "upload.all")
    assert refusal(await ask(token, "collections.create_new")) == denied(40316)
    same = await token.generate()
    assert (await entry_of(alice, same.token))["permissions"] == ["upload.all", "security.can_generate_custom_jwt"]
    assert refusal(await same.post(COLLECTIONS, json=collection_fields())) == denied(40306)


async def test_a_restriction_of_the_session_is_carried_on(served: Served) -> None:
    """Case 25."""
    once = "upload.only_once_successful"
    restricted = await served.client(*TENANT, once)
    for names in ([], ["upload.all"], [once]):
        token = await restricted.generate(*names)
        assert once in (await entry_of(restricted, token.token))["permissions"]


async def test_a_restriction_of_a_token_is_carried_on(alice: Client) -> None:
    """Case 25."""
    once = "upload.only_once_successful"
    token = await alice.generate(
        once, Permission.GENERATE_TOKENS, "upload.all"
    )  # a restriction may be asked for by anybody
    for names in ([], ["upload.all"]):
        narrower = await token.generate(*names)
        assert once in (await entry_of(alice, narrower.token))["permissions"]


async def test_names_may_be_repeated(alice: Client) -> None:
    token = await alice.generate("upload.all", "upload.all")
    assert (await entry_of(alice, token.token))["permissions"] == ["upload.all"]


async def test_a_refused_request_records_no_token(alice: Client) -> None:
    before = (await alice.get(TOKENS)).json()
    for names, fields in ((["nothing"], {}), (["security.delete_users"], {}), ([], {"ttl": 1})):
        assert (await ask(alice, *names, **fields)).status_code in (400, 403)
    assert (await alice.get(TOKENS)).json() == before


async def test_another_tenant_learns_nothing(alice: Client, charlie: Client) -> None:
    """A tenant's widest token reaches nothing of another tenant."""
    collection = await alice.create_collection()
    token = await charlie.generate()
    address = f"{COLLECTIONS}/{collection['id']}"
    assert refusal(await token.get(address)) == denied(40302)
    assert refusal(await token.get(f"{address}/access")) == denied(40307)
    assert refusal(await token.get(f"{address}/versions")) == denied(40311)
    assert refusal(await token.upload(collection["id"], b"abc")) == denied(40308)
    assert (await token.get(COLLECTIONS)).json()["elements"] == []
    hash_of_alices = hashlib.sha256(alice.token.encode()).hexdigest()
    assert refusal(await token.delete(f"{TOKENS}/{hash_of_alices}")) == denied(40318)
    assert refusal(await token.delete(f"{TOKENS}/{'0' * 64}")) == NOT_FOUND
