"""R3: the tokens of an account (contract 3.6)."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from world.answers import NOT_FOUND, denied, refusal
from world.client import ADMINISTRATOR, TENANT, TOKENS, Client, Served

from backup_repository.access.model import Permission

NOBODY = "00000000-0000-4000-8000-000000000000"


async def listed(somebody: Client, **query: object) -> dict[str, Any]:
    answer = await somebody.get(TOKENS, params=query)
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    return document


async def test_the_form_of_a_listing(alice: Client) -> None:
    """Case 26."""
    generated = await alice.generate("upload.all", ttl=60, description="nightly")
    document = await listed(alice)
    assert list(document) == ["message", "status", "data", "context"]
    assert (document["message"], document["status"]) == ("Matches found", True)
    assert document["context"] == {"pagination": {"page": 1, "per_page_limit": 20, "max_pages": 1}}
    newest = document["data"][0]
    assert set(newest) == {
        "event_id",
        "generated_at",
        "user",
        "token_hash",
        "token_shortcut",
        "permissions",
        "active",
        "expiration",
        "still_valid",
        "description",
    }
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", newest["event_id"])
    assert newest["token_hash"] == hashlib.sha256(generated.token.encode()).hexdigest()
    assert newest["description"] == "nightly"


async def test_permissions_are_those_recorded_in_their_order(served: Served) -> None:
    """Contract 13, 3.6: not expanded."""
    admin = await served.client(ADMINISTRATOR, "upload.only_once_successful", Permission.DOWNLOAD)
    (entry,) = (await listed(admin))["data"]
    assert entry["permissions"] == ["upload.only_once_successful", ADMINISTRATOR, Permission.DOWNLOAD]


async def test_still_valid_tokens_come_first_then_the_newest(served: Served, alice: Client) -> None:
    """Case 26."""
    for description in ("first", "short", "revoked", "last"):
        served.clock.advance(seconds=1)
        token = await alice.generate(ttl=60 if description == "short" else 3600, description=description)
        if description == "revoked":
            assert (await token.delete(f"{TOKENS}/current-session")).status_code == 200
    served.clock.advance(seconds=100)
    entries = (await listed(alice))["data"]
    assert [entry["description"] for entry in entries] == ["last", "first", "Login", "revoked", "short"]
    assert [entry["still_valid"] for entry in entries] == [True, True, True, False, False]
    assert [entry["active"] for entry in entries] == [True, True, True, False, True]


async def test_pages_are_echoed_and_complete(alice: Client) -> None:
    """Case 26."""
    for number in range(4):
        await alice.generate(description=f"{number}")
    seen = []
    for page in (1, 2, 3, 4):
        document = await listed(alice, page=page, perPageLimit=2)
        assert document["context"]["pagination"] == {"page": page, "per_page_limit": 2, "max_pages": 3}
        assert document["message"] == ("Matches found" if page < 4 else "No matches found")
        seen += [entry["event_id"] for entry in document["data"]]
    whole = (await listed(alice))["data"]
    assert seen == [entry["event_id"] for entry in whole]
    assert len(set(seen)) == 5


async def test_no_text_of_a_token_is_ever_shown(alice: Client) -> None:
    generated = await alice.generate()
    text = (await alice.get(TOKENS)).text
    for token in (alice.token, generated.token):
        assert token not in text
        assert token.rpartition(".")[2] not in text


async def test_the_own_listing_needs_one_of_two_permissions(served: Served) -> None:
    nothing = await served.client(
        *(set(Permission) - {Permission.SEE_OWN_TOKENS, Permission.SEE_ALL_TOKENS, ADMINISTRATOR})
    )
    assert refusal(await nothing.get(TOKENS)) == denied(40317)
    assert refusal(await nothing.get(TOKENS, params={"user": nothing.id})) == denied(40317)
    for permission in (Permission.SEE_OWN_TOKENS, Permission.SEE_ALL_TOKENS):
        user = await served.client(permission)
        for query in ({}, {"user": ""}, {"user": user.id}, {"user": user.id.upper()}):
            assert [entry["user"] for entry in (await listed(user, **query))["data"]] == [user.id]


async def test_somebody_elses_listing_needs_its_own_permission(served: Served, alice: Client) -> None:
    """Case 26."""
    auditor = await served.client(Permission.SEE_ALL_TOKENS)
    assert [entry["user"] for entry in (await listed(auditor, user=alice.id))["data"]] == [alice.id]
    curious = await served.client(*(set(Permission) - {Permission.SEE_ALL_TOKENS, ADMINISTRATOR}))
    assert refusal(await curious.get(TOKENS, params={"user": alice.id})) == denied(40317)


async def test_an_unknown_user_is_not_found(admin: Client, alice: Client) -> None:
    """Case 26; the permission is looked at first."""
    cases: list[str] = [NOBODY, "x", "alice@example.org", "%", "a\0b", "\0", "żółw", "x" * 5000, " "]
    for user in cases:
        assert refusal(await admin.get(TOKENS, params={"user": user})) == NOT_FOUND
        assert refusal(await alice.get(TOKENS, params={"user": user})) == denied(40317)


async def test_paging_is_looked_at_after_the_permission(alice: Client, bob: Client) -> None:
    query = {"user": bob.id, "page": "x"}
    assert refusal(await alice.get(TOKENS, params=query)) == denied(40317)


async def test_an_account_without_tokens_has_no_matches(served: Served, admin: Client) -> None:
    user = await served.create_user(*TENANT)
    document = await listed(admin, user=user.id)
    assert (document["message"], document["data"]) == ("No matches found", [])
    assert document["context"]["pagination"]["max_pages"] == 1


async def test_another_tenant_learns_nothing(alice: Client, charlie: Client) -> None:
    await alice.generate(description="secret plan")
    refused = await charlie.get(TOKENS, params={"user": alice.id})
    unknown = await charlie.get(TOKENS, params={"user": NOBODY})
    assert refusal(refused) == denied(40317)
    assert refused.content == unknown.content
    own = await charlie.get(TOKENS)
    assert "secret plan" not in own.text
    assert alice.id not in own.text
