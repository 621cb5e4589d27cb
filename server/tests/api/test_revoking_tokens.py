"""R4: a token is switched off (contract 3.7)."""

from __future__ import annotations

import asyncio
import hashlib

from world.answers import NOT_FOUND, denied, refusal
from world.client import ADMINISTRATOR, TENANT, TOKENS, Client, Served

from backup_repository.access.model import Permission

CURRENT = f"{TOKENS}/current-session"


def address(token: Client) -> str:
    return f"{TOKENS}/{hashlib.sha256(token.token.encode()).hexdigest()}"


async def works(token: Client) -> bool:
    answer = await token.delete(f"{TOKENS}/{'0' * 64}")
    if answer.status_code == 404:
        return True
    assert refusal(answer) == denied(40324)
    return False


async def test_everybody_may_log_out(served: Served, admin: Client) -> None:
    """Case 15: login sessions and generated tokens, without any permission."""
    nobody = await served.client()
    generated = await admin.generate("ROLE_USER")
    for token in (nobody, generated):
        answer = await token.delete(CURRENT)
        assert answer.status_code == 200
        assert answer.json() == {"message": "Access was revoked", "status": True}
        assert not await works(token)
        assert refusal(await token.delete(CURRENT)) == denied(40324)
    assert await works(admin)


async def test_the_own_hash_logs_out_as_well(served: Served) -> None:
    nobody = await served.client()
    assert (await nobody.delete(address(nobody))).status_code == 200
    assert not await works(nobody)


async def test_revoking_again_is_fine(admin: Client, alice: Client) -> None:
    """Case 15."""
    for _ in range(2):
        answer = await admin.delete(address(alice))
        assert answer.json() == {"message": "Access was revoked", "status": True}
    assert not await works(alice)


async def test_parallel_revocations_are_all_fine(admin: Client, alice: Client) -> None:
    answers = await asyncio.gather(*(admin.delete(address(alice)) for _ in range(10)))
    assert [answer.status_code for answer in answers] == [200] * 10
    assert not await works(alice)


async def test_an_unknown_hash_is_not_found(admin: Client, alice: Client) -> None:
    """Case 16."""
    cases: list[str] = [
        "0" * 64,
        "f" * 63,
        "f" * 65,
        "g" * 64,
        "x",
        "Current-Session",
        "current_session",
        "%00",
        "%",
        "'",
        "ż",
        " ",
    ]
    for token_hash in cases:
        assert refusal(await admin.delete(f"{TOKENS}/{token_hash}")) == NOT_FOUND
        assert refusal(await alice.delete(f"{TOKENS}/{token_hash}")) == NOT_FOUND


async def test_a_hash_matches_in_any_case(admin: Client, alice: Client) -> None:
    """Contract 13, 3.7."""
    assert (
        await admin.delete(address(alice).rpartition("/")[0] + "/" + address(alice)[-64:].upper())
    ).status_code == 200
    assert not await works(alice)


async def test_another_own_token_needs_a_permission(served: Served) -> None:
    """Case 16."""
    allowed = await served.create_user(*TENANT)
    other = await served.session(allowed)
    assert (await (await served.session(allowed)).delete(address(other))).status_code == 200
    assert not await works(other)
    barred = await served.create_user(
        *(set(Permission) - {Permission.REVOKE_OWN_TOKENS, Permission.REVOKE_ALL_TOKENS, ADMINISTRATOR})
    )
    other = await served.session(barred)
    assert refusal(await (await served.session(barred)).delete(address(other))) == denied(40318)
    assert await works(other)


async def test_the_third_rule_decides_before_the_fourth(served: Served) -> None:
    """The right to revoke other people's tokens is none for one's own."""
    user = await served.create_user(Permission.REVOKE_ALL_TOKENS)
    other = await served.session(user)
    assert refusal(await (await served.session(user)).delete(address(other))) == denied(40318)


async def test_a_token_of_somebody_else_needs_a_permission(served: Served, alice: Client) -> None:
    """Cases 16 and 17."""
    barred = await served.client(*(set(Permission) - {Permission.REVOKE_ALL_TOKENS, ADMINISTRATOR}))
    assert refusal(await barred.delete(address(alice))) == denied(40318)
    assert await works(alice)
    warden = await served.client(Permission.REVOKE_ALL_TOKENS)
    assert (await warden.delete(address(alice))).status_code == 200
    assert not await works(alice)


async def test_tokens_of_administrators_are_for_administrators(served: Served, admin: Client) -> None:
    """Case 17: also a narrow token of an administrator's account."""
    warden = await served.client(Permission.REVOKE_ALL_TOKENS)
    narrow = await admin.generate("upload.all")
    for token in (admin, narrow):
        assert refusal(await warden.delete(address(token))) == denied(40318)
        assert await works(token)
    other_admin = await served.client(ADMINISTRATOR)
    assert (await other_admin.delete(address(admin))).status_code == 200
    assert not await works(admin)


async def test_a_narrow_token_of_an_administrator_revokes_only_itself(admin: Client, alice: Client) -> None:
    narrow = await admin.generate("upload.all")
    assert refusal(await narrow.delete(address(alice))) == denied(40318)
    assert refusal(await narrow.delete(address(admin))) == denied(40318)
    warden = await admin.generate(Permission.REVOKE_ALL_TOKENS, Permission.REVOKE_OWN_TOKENS)
    assert (await warden.delete(address(alice))).status_code == 200
    assert (await warden.delete(address(narrow))).status_code == 200


async def test_simulate_is_not_understood_here(alice: Client) -> None:
    """Contract 2."""
    assert (await alice.delete(CURRENT, params={"simulate": "true"})).status_code == 200
    assert not await works(alice)


async def test_revoking_one_token_leaves_the_others(alice: Client) -> None:
    first, second = await alice.generate(), await alice.generate()
    assert (await first.delete(CURRENT)).status_code == 200
    assert not await works(first)
    assert await works(second)
    assert await works(alice)


async def test_another_tenant_learns_nothing(alice: Client, charlie: Client) -> None:
    answer = await charlie.delete(address(alice))
    assert refusal(answer) == denied(40318)
    assert alice.email not in answer.text
    assert alice.id not in answer.text
    assert await works(alice)
