"""R1: e-mail and password become a login session (contract 3.2)."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from sqlalchemy import text
from world.answers import denied, refusal, steady_headers
from world.client import ADMINISTRATOR, LOGIN, PASSWORD, TENANT, TOKENS, Client, Serve, Served

BAD_CREDENTIALS = (401, 401, "request.auth-error")
WRONG = "wrong horse battery!"


async def attempt(somebody: Client, username: object, password: object = PASSWORD, **options: Any) -> httpx.Response:
    return await somebody.post(LOGIN, json={"username": username, "password": password}, **options)


async def test_a_login_answers_a_token_and_nothing_else(guest: Client, alice: Client) -> None:
    answer = await attempt(guest, alice.email)
    assert answer.status_code == 200
    assert list(answer.json()) == ["token"]
    session = guest.bearing(answer.json()["token"])
    assert (await session.get(TOKENS)).status_code == 200


async def test_the_claims_of_a_login_token(served: Served, guest: Client, alice: Client) -> None:
    """Case 13."""
    before = int(served.clock().timestamp())
    token = (await guest.log_in(alice.email)).token
    public = served.config.jwt_public_key.read_text()
    claims = jwt.decode(token, public, algorithms=["EdDSA"])
    assert set(claims) == {"iat", "exp", "jti", "sub", "email", "roles"}
    assert (claims["sub"], claims["email"]) == (alice.id, alice.email)
    assert claims["roles"] == [permission.value for permission in type(ADMINISTRATOR) if permission in TENANT]
    assert type(claims["iat"]) is type(claims["exp"]) is int
    assert before <= claims["iat"] <= int(served.clock().timestamp())
    assert claims["exp"] - claims["iat"] == 7200
    assert claims["jti"] != jwt.decode(alice.token, public, algorithms=["EdDSA"])["jti"]


async def test_a_login_is_recorded(guest: Client, served: Served) -> None:
    """Case 13."""
    user = await served.create_user(*TENANT)
    session = await guest.log_in(user.email)
    (entry,) = (await session.get(TOKENS)).json()["data"]
    digest = hashlib.sha256(session.token.encode()).hexdigest()
    assert entry["token_hash"] == digest
    assert entry["token_shortcut"] == f"{digest[:16]}...{digest[-16:]}"
    assert re.fullmatch(r"[0-9a-f]{16}\.\.\.[0-9a-f]{16}", entry["token_shortcut"])
    assert (entry["description"], entry["user"], entry["active"], entry["still_valid"]) == (
        "Login",
        user.id,
        True,
        True,
    )
    assert session.token not in str(entry)


async def test_the_case_of_the_email_does_not_matter(guest: Client, alice: Client) -> None:
    """Case 11."""
    cases: list[str] = ["ALICE@EXAMPLE.ORG", "Alice@example.org"]
    for email in cases:
        session = await guest.log_in(email)
        assert {entry["user"] for entry in (await session.get(TOKENS)).json()["data"]} == {alice.id}


async def test_wrong_password_and_unknown_email_answer_alike(guest: Client, alice: Client) -> None:
    """Case 10."""
    unknown = await attempt(guest, "nobody@example.org")
    wrong = await attempt(guest, alice.email, WRONG)
    assert refusal(unknown) == BAD_CREDENTIALS
    assert unknown.json()["message"] == unknown.json()["error"] == "Invalid credentials."
    assert unknown.content == wrong.content
    assert steady_headers(unknown) == steady_headers(wrong)
    assert unknown.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("password", ["", " ", PASSWORD + " ", PASSWORD.upper(), PASSWORD[:-1], "x" * 100_000])
async def test_no_other_password_opens_the_account(guest: Client, alice: Client, password: str) -> None:
    assert refusal(await attempt(guest, alice.email, password)) == BAD_CREDENTIALS


async def test_no_other_name_opens_the_account(guest: Client, alice: Client) -> None:
    cases: list[str] = ["", "alice", "alice@example.org ", "alice@example.or%", "a'; DROP TABLE users;--"]
    for username in cases:
        assert refusal(await attempt(guest, username)) == BAD_CREDENTIALS
        assert (await attempt(guest, alice.email)).status_code == 200


async def test_an_id_is_no_name(guest: Client, alice: Client) -> None:
    assert refusal(await attempt(guest, alice.id)) == BAD_CREDENTIALS


async def test_a_deactivated_account_cannot_log_in(served: Served, guest: Client, alice: Client) -> None:
    """Case 27; only the right password learns that."""
    assert alice.user is not None
    await served.change_user(alice.user, active=False)
    assert refusal(await attempt(guest, alice.email)) == denied(40322)
    assert refusal(await attempt(guest, alice.email, WRONG)) == BAD_CREDENTIALS


async def test_an_expired_account_cannot_log_in_until_it_is_prolonged(served: Served, guest: Client) -> None:
    """Case 27."""
    yesterday, tomorrow = (served.clock() + timedelta(days=days) for days in (-1, 1))
    user = await served.create_user(*TENANT, expires_at=yesterday)
    assert refusal(await attempt(guest, user.email)) == denied(40322)
    await served.change_user(user, expires_at=tomorrow)
    assert (await attempt(guest, user.email)).status_code == 200


async def test_a_wrong_address_or_user_agent_cannot_log_in(served: Served) -> None:
    """Cases 48 and 49; only the right password learns that."""
    limits = {"allowed_ip_addresses": ("192.0.2.0/24",), "allowed_user_agents": ("Backup-Client/1.0",)}
    user = await served.create_user(*TENANT, **limits)
    inside, outside = served.guest("192.0.2.9"), served.guest("192.0.3.9")
    right, wrong = {"User-Agent": "Backup-Client/1.0"}, {"User-Agent": "curl"}
    assert (await attempt(inside, user.email, headers=right)).status_code == 200
    assert refusal(await attempt(inside, user.email, headers=wrong)) == denied(40323)
    assert refusal(await attempt(outside, user.email, headers=right)) == denied(40323)
    assert refusal(await attempt(outside, user.email, WRONG, headers=wrong)) == BAD_CREDENTIALS
    await served.change_user(user, active=False)
    assert refusal(await attempt(outside, user.email, headers=wrong)) == denied(40322)


async def test_sessions_live_as_long_as_configured(serve: Serve) -> None:
    served = serve(jwt_lifetime=60)
    user = await served.create_user(*TENANT)
    session = await served.guest().log_in(user.email)
    assert (await session.get(TOKENS)).status_code == 200
    served.clock.advance(seconds=60)
    assert (await session.get(TOKENS)).json()["message"] == "Expired JWT Token"


async def test_a_token_does_not_matter_for_a_login(alice: Client, guest: Client) -> None:
    assert (await attempt(guest.bearing("damaged"), alice.email)).status_code == 200
    assert refusal(await attempt(alice, alice.email, WRONG)) == BAD_CREDENTIALS


async def test_the_real_work_of_a_password_is_done(served: Served, admin: Client, guest: Client) -> None:
    """An account made through the route logs in; every other test shortens the hash."""
    answer = await admin.post(
        "/api/stable/auth/user",
        json={
            "email": "dora@example.org",
            "password": PASSWORD,
            "permissions": [],
            "data": {},
        },
    )
    assert answer.status_code == 201
    assert (await attempt(guest, "dora@example.org")).status_code == 200
    async with served.instance.database.reading() as tx:
        rows = await tx.execute(text("SELECT password_hash FROM users WHERE email = 'dora@example.org'"))
        assert rows.scalar_one().startswith("$argon2id$")


async def test_another_tenant_learns_nothing(guest: Client, alice: Client, charlie: Client) -> None:
    session = await guest.log_in(charlie.email)
    assert refusal(await session.get(TOKENS, params={"user": alice.id})) == denied(40317)
    assert {entry["user"] for entry in (await session.get(TOKENS)).json()["data"]} == {charlie.id}
