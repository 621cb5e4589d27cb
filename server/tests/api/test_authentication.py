"""Who a request is from, in the order of checks of contract 3.4."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
from world.answers import denied, refusal
from world.client import ADMINISTRATOR, COLLECTIONS, TENANT, TOKENS, USERS, Client, Serve, Served

UNAUTHENTICATED = (401, 401, "request.auth-error")


async def message(somebody: Client, **options: Any) -> str:
    """Give the words of a refused token; empty when it was let in."""
    answer = await somebody.get(TOKENS, **options)
    if answer.status_code == 200:
        return ""
    assert refusal(answer) == UNAUTHENTICATED
    assert answer.headers["www-authenticate"] == "Bearer"
    words: str = answer.json()["message"]
    assert answer.json()["error"] == words
    return words


def signed(served: Served, **claims: Any) -> str:
    """Sign claims with the right key."""
    key = served.config.jwt_secret_key.read_text()
    now = int(served.clock().timestamp())
    return jwt.encode({"iat": now, "exp": now + 600, "jti": "x", "email": "", "roles": []} | claims, key, "EdDSA")


def assembled(header: dict[str, Any] | bytes, claims: dict[str, Any] | bytes, key: bytes = b"") -> str:
    """Put a token together by hand, signed by HMAC or not at all."""

    def part(content: dict[str, Any] | bytes) -> bytes:
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        return base64.urlsafe_b64encode(raw).rstrip(b"=")

    text = part(header) + b"." + part(claims)
    signature = part(hmac.digest(key, text, hashlib.sha256)) if key else b""
    return (text + b"." + signature).decode()


async def test_a_header_that_is_not_bearer_and_one_token_holds_no_token(alice: Client) -> None:
    """Case 2."""
    cases: list[str] = [
        "",
        "TOKEN",
        "Bearer",
        "Bearer ",
        "BearerTOKEN",
        "Bearer  TOKEN",
        " Bearer TOKEN more",
        "Bearer TOKEN more",
        "Bearer\tTOKEN",
        "Basic TOKEN",
        "Token TOKEN",
        "Bearer,TOKEN",
    ]
    for header in cases:
        sent = {"Authorization": header.replace("TOKEN", alice.token)}
        assert await message(alice, headers=sent) == "JWT Token not found"


async def test_the_scheme_matches_in_any_case(alice: Client) -> None:
    cases: list[str] = ["Bearer", "bearer", "BEARER", "bEARER"]
    for scheme in cases:
        assert await message(alice, headers={"Authorization": f"{scheme} {alice.token}"}) == ""


async def test_two_authorization_headers_hold_no_token(alice: Client, guest: Client) -> None:
    """Contract 13, 3.4."""
    for second in (f"Bearer {alice.token}", "Basic eDp5", ""):
        for pair in ((f"Bearer {alice.token}", second), (second, f"Bearer {alice.token}")):
            headers = [("Authorization", value) for value in pair]
            assert await message(guest, headers=headers) == "JWT Token not found"


async def test_a_token_is_taken_from_the_header_alone(alice: Client, guest: Client) -> None:
    for query in ("token", "access_token", "jwt", "bearer", "_token"):
        assert await message(guest, params={query: alice.token}) == "JWT Token not found"
    assert await message(guest, headers={"Cookie": f"token={alice.token}"}) == "JWT Token not found"


async def test_a_damaged_token_is_invalid(alice: Client) -> None:
    """Case 2."""
    head, claims, signature = alice.token.split(".")
    other = "A" if signature[0] != "A" else "B"
    for token in (
        "x",
        "..",
        "a.b.c",
        f"{head}.{claims}",
        f"{head}.{claims}.",
        f"{head}.{claims}.{other}{signature[1:]}",
        f"{head}.{claims[:-4]}.{signature}",
        f"{alice.token}.x",
        alice.token.swapcase(),
        "żółw.ą.ę",
        "\u00ff" * 10,
    ):
        headers = [("Authorization", f"Bearer {token}".encode())]
        assert await message(alice, headers=headers) == "Invalid JWT Token", token


async def test_a_token_whose_claims_were_changed_is_invalid(alice: Client, bob: Client) -> None:
    head, _claims, signature = alice.token.split(".")
    other_claims = bob.token.split(".")[1]
    assert await message(alice.bearing(f"{head}.{other_claims}.{signature}")) == "Invalid JWT Token"


async def test_another_algorithm_than_the_keys_is_invalid(served: Served, alice: Client) -> None:
    """Case 14: also no signature at all, and HMAC keyed with the public key."""
    cases: list[str] = ["none", "None", "NONE", "", "HS256", "HS512", "RS256", "ES256", "eddsa"]
    for algorithm in cases:
        claims = jwt.decode(alice.token, options={"verify_signature": False})
        public = served.config.jwt_public_key.read_bytes()
        header = {"typ": "JWT", "alg": algorithm}
        for key in (b"", public, public.strip(), b"secret"):
            assert await message(alice.bearing(assembled(header, claims, key))) == "Invalid JWT Token"


async def test_headers_of_tokens_made_to_hurt_are_invalid(alice: Client) -> None:
    claims = jwt.decode(alice.token, options={"verify_signature": False})
    deep = b"[" * 20_000
    for header in (deep, b'{"alg":' + deep, b'{"alg": "EdDSA", "crit": ["x"]}', b'{"alg": ["EdDSA"]}', b'{"alg": {}}'):
        assert await message(alice.bearing(assembled(header, claims))) == "Invalid JWT Token"
    for header in (b"null", b"5", b"[]", b'{"alg": "EdDSA", "kid": 5}', b'{"alg": "EdDSA", "b64": false}', b"\xff"):
        assert await message(alice.bearing(assembled(header, claims))) == "Invalid JWT Token"
    for claims_text in (deep, b"", b"[]", b'{"sub": 5}', b"\xff"):
        assert await message(alice.bearing(assembled({"alg": "EdDSA"}, claims_text, b"x"))) == "Invalid JWT Token"


async def test_a_token_of_another_key_is_invalid(serve: Serve, alice: Client, tmp_path: Path) -> None:
    other = serve(jwt_secret_key=tmp_path / "other.pem", jwt_public_key=tmp_path / "other.pub")
    assert alice.user is not None
    foreign = await other.session(alice.user)
    assert await message(foreign) == ""
    assert await message(alice.bearing(foreign.token)) == "Invalid JWT Token"


async def test_a_token_without_its_claims_is_invalid(served: Served, alice: Client) -> None:
    now = int(served.clock().timestamp())
    for claims in ({"sub": None}, {"sub": 5}, {"sub": alice.id, "exp": None}, {"sub": alice.id, "exp": "soon"}):
        assert await message(alice.bearing(signed(served, **claims))) == "Invalid JWT Token"
    key = served.config.jwt_secret_key.read_text()
    for claims in ({"sub": alice.id}, {"exp": now + 600}):
        assert await message(alice.bearing(jwt.encode(claims, key, "EdDSA"))) == "Invalid JWT Token"


async def test_a_token_past_its_expiry_is_expired(served: Served, admin: Client) -> None:
    """Case 2; at its very moment, without allowance (contract 3.1)."""
    served.clock.hold()
    session = await served.session(await served.create_user(*TENANT), seconds=100)
    served.clock.advance(seconds=100, microseconds=-1)
    assert await message(session) == ""
    served.clock.advance(microseconds=1)
    assert await message(session) == "Expired JWT Token"
    assert await message(admin) == ""


async def test_signature_comes_before_expiry_and_expiry_before_the_account(served: Served, alice: Client) -> None:
    assert alice.user is not None
    past = int((served.clock() - timedelta(days=1)).timestamp())
    stranger = signed(served, sub="00000000-0000-4000-8000-000000000000", exp=past)
    assert await message(alice.bearing(stranger)) == "Expired JWT Token"
    head, claims, signature = stranger.split(".")
    assert await message(alice.bearing(f"{head}.{claims}.{signature[::-1]}")) == "Invalid JWT Token"
    await served.change_user(alice.user, active=False)
    assert await message(alice.bearing(signed(served, sub=alice.id, exp=past))) == "Expired JWT Token"


async def test_what_changes_after_a_token_was_believed_counts_at_once(served: Served, admin: Client) -> None:
    """However often it was let in before: expiry, the account and the revocation are looked at every time."""

    async def let_in() -> Client:
        session = await served.client(*TENANT)
        assert [await message(session) for _ in range(3)] == ["", "", ""]
        return session

    revoked, off, deleted, expired = [await let_in() for _ in range(4)]
    assert (await revoked.delete(f"{TOKENS}/current-session")).status_code == 200
    assert refusal(await revoked.get(TOKENS)) == denied(40324)
    assert off.user is not None
    await served.change_user(off.user, active=False)
    assert refusal(await off.get(TOKENS)) == denied(40322)
    assert (await admin.delete(f"{USERS}/{deleted.id}")).status_code == 200
    assert await message(deleted) == "Invalid JWT Token"
    assert await message(expired) == ""
    served.clock.advance(hours=3)
    assert await message(expired) == "Expired JWT Token"


async def test_a_token_of_no_account_is_invalid(served: Served, alice: Client) -> None:
    """Case 28, first half: as after a deletion."""
    for subject in ("00000000-0000-4000-8000-000000000000", "", "x", alice.email):
        assert await message(alice.bearing(signed(served, sub=subject))) == "Invalid JWT Token", subject


async def test_a_deactivated_account_is_refused(served: Served, alice: Client) -> None:
    """Case 27."""
    assert alice.user is not None
    generated = await alice.generate()
    await served.change_user(alice.user, active=False)
    assert refusal(await alice.get(TOKENS)) == refusal(await generated.get(TOKENS)) == denied(40322)
    await served.change_user(alice.user, active=True)
    assert await message(alice) == await message(generated) == ""


async def test_an_expired_account_is_refused_until_it_is_prolonged(served: Served, alice: Client) -> None:
    """Case 27."""
    assert alice.user is not None
    generated = await alice.generate()
    expiring = await served.change_user(alice.user, expires_at=served.clock() + timedelta(minutes=1))
    assert await message(alice) == await message(generated) == ""
    served.clock.advance(minutes=1)
    assert refusal(await alice.get(TOKENS)) == refusal(await generated.get(TOKENS)) == denied(40322)
    await served.change_user(expiring, expires_at=served.clock() + timedelta(days=1))
    assert await message(alice) == await message(generated) == ""


async def test_the_account_comes_before_the_address_and_the_address_before_the_record(
    served: Served, alice: Client
) -> None:
    assert alice.user is not None
    unrecorded = alice.bearing(signed(served, sub=alice.id))
    assert refusal(await unrecorded.get(TOKENS)) == denied(40324)
    elsewhere = await served.change_user(alice.user, allowed_ip_addresses=("192.0.2.1",))
    assert refusal(await unrecorded.get(TOKENS)) == denied(40323)
    await served.change_user(elsewhere, active=False)
    assert refusal(await unrecorded.get(TOKENS)) == denied(40322)


async def test_a_token_that_was_never_recorded_is_refused(served: Served, admin: Client) -> None:
    """Case 14."""
    assert refusal(await admin.bearing(signed(served, sub=admin.id)).get(TOKENS)) == denied(40324)


async def test_a_token_speaks_for_its_own_account_whoever_sends_it(alice: Client, bob: Client) -> None:
    generated = await bob.generate()
    assert await message(generated) == ""
    assert await message(alice.bearing(generated.token)) == ""
    assert {entry["user"] for entry in (await alice.bearing(generated.token).get(TOKENS)).json()["data"]} == {bob.id}


async def test_the_claims_decide_nothing(served: Served, alice: Client) -> None:
    """Contract 3.1: `roles` is information for the client."""
    text = signed(served, sub=alice.id, roles=[ADMINISTRATOR.value], email="admin@example.org")
    assert refusal(await alice.bearing(text).get(TOKENS)) == denied(40324)


async def test_a_user_agent_must_be_one_of_the_accounts(served: Served) -> None:
    """Case 48, for the routes of tokens and collections."""
    cases: list[str | None] = [None, "", "curl/8.0", "Backup-Client/1.0 ", "backup-client/1.0"]
    for user_agent in cases:
        limited = await served.client(*TENANT, allowed_user_agents=("Backup-Client/1.0", "Other"))
        if user_agent is None:
            del limited.http.headers["user-agent"]
        else:
            limited.http.headers["user-agent"] = user_agent
        assert refusal(await limited.get(COLLECTIONS)) == denied(40323)
        for right in ("Backup-Client/1.0", "Other"):
            limited.http.headers["user-agent"] = right
            assert (await limited.get(COLLECTIONS)).status_code == 200


async def test_an_unlimited_account_needs_no_user_agent(alice: Client) -> None:
    """Case 48."""
    del alice.http.headers["user-agent"]
    assert (await alice.get(COLLECTIONS)).status_code == 200


async def test_an_empty_user_agent_can_be_allowed(served: Served) -> None:
    limited = await served.client(*TENANT, allowed_user_agents=("",))
    del limited.http.headers["user-agent"]
    assert (await limited.get(COLLECTIONS)).status_code == 200
    limited.http.headers["user-agent"] = "curl"
    assert refusal(await limited.get(COLLECTIONS)) == denied(40323)
