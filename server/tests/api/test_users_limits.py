"""Accounts that may not be used now, from here or with this program (contract 3.4, 5.9)."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import httpx
from world.accounts import edit_fields
from world.answers import denied, refusal
from world.client import LOGIN, PASSWORD, TENANT, TOKENS, USERS, Client, Serve, Served

OUTSIDE = "203.0.113.9"


async def log_in(served: Served, email: str, address: str | None = "198.51.100.7", **headers: str) -> httpx.Response:
    body = {"username": email, "password": PASSWORD}
    return await served.guest(address).post(LOGIN, json=body, headers=headers)


async def edit(admin: Client, client: Client, **changes: Any) -> None:
    assert client.user is not None
    answer = await admin.put(f"{USERS}/{client.id}", json=edit_fields(client.user, **changes))
    assert answer.status_code == 200, answer.text


async def test_an_expired_account_is_closed_until_its_expiry_moves(
    served: Served, admin: Client, alice: Client
) -> None:
    """Case 27: log-in and every token."""
    generated = await alice.generate()
    await edit(admin, alice, expires="-1 day")
    for bearer in (alice, generated):
        assert refusal(await bearer.get(TOKENS)) == denied(40322)
    assert refusal(await log_in(served, alice.email)) == denied(40322)
    assert (await admin.get(f"{USERS}/{alice.id}")).json()["user"]["expired"] is True
    await edit(admin, alice, expires="+1 day")
    for bearer in (alice, generated):
        assert (await bearer.get(TOKENS)).status_code == 200
    assert (await log_in(served, alice.email)).status_code == 200
    assert (await admin.get(f"{USERS}/{alice.id}")).json()["user"]["expired"] is False


async def test_an_account_expires_when_its_moment_comes(served: Served, admin: Client) -> None:
    """Case 27."""
    moment = served.clock() + timedelta(hours=1)
    dora = await served.client(*TENANT, expires_at=moment)
    served.clock.advance(minutes=59)
    assert (await dora.get(TOKENS)).status_code == 200
    served.clock.advance(minutes=1)
    assert refusal(await dora.get(TOKENS)) == denied(40322)
    assert (await admin.get(f"{USERS}/{dora.id}")).json()["user"]["expired"] is True


async def test_a_deactivated_account_is_closed(served: Served, admin: Client, alice: Client) -> None:
    """Case 27."""
    await edit(admin, alice, active=False)
    assert refusal(await alice.get(TOKENS)) == denied(40322)
    assert refusal(await log_in(served, alice.email)) == denied(40322)
    await edit(admin, alice)
    assert refusal(await alice.get(TOKENS)) == denied(40322)
    await edit(admin, alice, active=True)
    assert (await alice.get(TOKENS)).status_code == 200


async def test_a_closed_account_opens_nothing_with_a_wrong_password(served: Served, alice: Client) -> None:
    assert alice.user is not None
    await served.change_user(alice.user, active=False)
    answer = await served.guest().post(LOGIN, json={"username": alice.email, "password": "wrong password!"})
    assert answer.status_code == 401


async def test_an_account_may_be_limited_to_user_agents(served: Served, admin: Client, alice: Client) -> None:
    """Case 48: compared exactly, a missing header is the empty one."""
    await edit(admin, alice, data={"allowedUserAgents": ["backup/1.0", "other"]})
    for agent in ("", "backup", "Backup/1.0", "backup/1.0, other", "wrong"):
        assert refusal(await alice.get(TOKENS, headers={"User-Agent": agent})) == denied(40323), agent
        assert refusal(await log_in(served, alice.email, **{"User-Agent": agent})) == denied(40323), agent
    assert refusal(await without_agent(alice)) == denied(40323)
    for agent in ("backup/1.0", "other"):
        assert (await alice.get(TOKENS, headers={"User-Agent": agent})).status_code == 200
        assert (await log_in(served, alice.email, **{"User-Agent": agent})).status_code == 200


async def without_agent(client: Client) -> httpx.Response:
    request = client.http.build_request("GET", TOKENS, headers={"Authorization": f"Bearer {client.token}"})
    del request.headers["User-Agent"]
    return await client.http.send(request)


async def test_without_limits_no_user_agent_is_needed(admin: Client, alice: Client) -> None:
    """Case 48; an empty entry allows the missing header."""
    assert (await without_agent(alice)).status_code == 200
    await edit(admin, alice, data={"allowedUserAgents": [""]})
    assert (await without_agent(alice)).status_code == 200
    assert refusal(await alice.get(TOKENS)) == denied(40323)


async def test_an_account_may_be_limited_to_addresses(served: Served, admin: Client, alice: Client) -> None:
    """Case 49."""
    await edit(admin, alice, data={"allowedIpAddresses": ["10.0.0.0/8", "2001:db8::/32", "192.0.2.1"]})
    assert alice.user is not None
    inside = ("10.1.2.3", "2001:db8::1", "192.0.2.1", "::ffff:10.1.2.3", "2001:DB8:0:0::5")
    for address in inside:
        assert (await (await served.session(alice.user, address=address)).get(TOKENS)).status_code == 200, address
        assert (await log_in(served, alice.email, address)).status_code == 200, address
    outside = (OUTSIDE, "11.0.0.1", "2001:db9::1", "192.0.2.2", "::ffff:11.0.0.1", None)
    for peer in outside:
        session = await served.session(alice.user, address=peer)
        assert refusal(await session.get(TOKENS)) == denied(40323), peer
        assert refusal(await log_in(served, alice.email, peer)) == denied(40323), peer


async def test_a_forwarded_address_counts_only_from_a_trusted_proxy(serve: Serve, alice: Client) -> None:
    """Case 49."""
    trusting = serve(trusted_proxies=(ip_network("198.51.100.0/24"),))
    assert alice.user is not None
    limited = await trusting.change_user(alice.user, allowed_ip_addresses=("10.0.0.0/8",))
    claimed = {"X-Forwarded-For": "10.1.2.3"}
    stranger = await trusting.session(limited, address=OUTSIDE)
    assert refusal(await stranger.get(TOKENS, headers=claimed)) == denied(40323)
    proxied = await trusting.session(limited, address="198.51.100.7")
    assert (await proxied.get(TOKENS, headers=claimed)).status_code == 200
    assert refusal(await proxied.get(TOKENS)) == denied(40323)


async def test_limits_that_are_lifted_stop_at_once(admin: Client, alice: Client) -> None:
    await edit(admin, alice, data={"allowedIpAddresses": ["10.0.0.0/8"], "allowedUserAgents": ["x"]})
    assert refusal(await alice.get(TOKENS)) == denied(40323)
    await edit(admin, alice, data={"allowedUserAgents": ["x"]})
    assert refusal(await alice.get(TOKENS)) == denied(40323)
    await edit(admin, alice)
    assert (await alice.get(TOKENS)).status_code == 200
