"""The profile of an account (contract 5.5)."""

from __future__ import annotations

from world.answers import NOT_FOUND, denied, refusal
from world.client import ADMINISTRATOR, USERS, Client, Served

from backup_repository.access.model import Permission

UNKNOWN = "a11ce000-0000-4000-8000-00000000000f"


async def test_a_profile_is_found_by_its_id_in_any_case(served: Served, admin: Client, alice: Client) -> None:
    """Case 31."""
    for user_id in (alice.id, alice.id.upper()):
        answer = await admin.get(f"{USERS}/{user_id}")
        assert answer.status_code == 200
        assert answer.json()["message"] == "User found"
        assert answer.json()["status"] is True
        assert answer.json()["user"]["id"] == alice.id
        assert answer.json()["user"]["email"] == alice.email
    reader = await served.client(Permission.LOOK_UP_USERS)
    assert (await reader.get(f"{USERS}/{alice.id}")).json() == answer.json()


async def test_an_unknown_id_is_not_found(admin: Client) -> None:
    """Case 31."""
    for user_id in (UNKNOWN, "x", "%00", f"{UNKNOWN}%00", f"{admin.id}%0A", "%FF", "%E2%84%AA", f"{{{admin.id}}}"):
        assert refusal(await admin.get(f"{USERS}/{user_id}")) == NOT_FOUND, user_id


async def test_without_permission_not_even_the_own_profile_is_shown(alice: Client, admin: Client) -> None:
    """Case 31; contract 5.5."""
    assert refusal(await alice.get(f"{USERS}/{alice.id}")) == denied(40313)
    scoped = await admin.generate(Permission.SEARCH_USERS)
    assert refusal(await scoped.get(f"{USERS}/{admin.id}")) == denied(40313)


async def test_another_tenant_learns_nothing(guest: Client, alice: Client, charlie: Client) -> None:
    """Case 31: whether an account exists cannot be told from the refusal."""
    answers = [await charlie.get(f"{USERS}/{user_id}") for user_id in (alice.id, UNKNOWN, "x", "%00")]
    assert {refusal(answer) for answer in answers} == {denied(40313)}
    assert len({answer.content for answer in answers}) == 1
    answers = [await guest.get(f"{USERS}/{user_id}") for user_id in (alice.id, UNKNOWN)]
    assert {answer.status_code for answer in answers} == {401}
    assert answers[0].content == answers[1].content


async def test_an_administrator_is_marked_as_one(served: Served, admin: Client) -> None:
    """Contract 5.1: the account counts, whatever the account's state."""
    other = await served.create_user(ADMINISTRATOR, active=False, expires_at=served.clock())
    user = (await admin.get(f"{USERS}/{other.id}")).json()["user"]
    assert (user["is_administrator"], user["active"], user["expired"]) == (True, False, True)
    assert len(user["permissions"]) == 35


async def test_head_answers_without_a_body(admin: Client) -> None:
    answer = await admin.request("HEAD", f"{USERS}/{admin.id}")
    assert (answer.status_code, answer.content) == (200, b"")
