"""Guessing of passwords is throttled (contract 3.3, case 12)."""

from __future__ import annotations

import asyncio

import httpx
from sqlalchemy import text
from world.client import LOGIN, PASSWORD, TENANT, USERS, Client, Served

from backup_repository.access.throttle import LIMIT, WINDOW


async def attempt(client: Client, email: str, password: str = PASSWORD) -> httpx.Response:
    return await client.post(LOGIN, json={"username": email, "password": password})


async def fail(client: Client, email: str, times: int) -> None:
    for _ in range(times):
        assert (await attempt(client, email, "wrong password!")).status_code == 401


async def test_ten_failures_close_the_pair_even_for_the_right_password(served: Served, alice: Client) -> None:
    """Case 12."""
    guest = served.guest()
    await fail(guest, alice.email, LIMIT)
    refused = await attempt(guest, alice.email.upper())
    assert refused.status_code == 429
    assert refused.json()["code"] == 40325
    assert refused.json()["type"] == "request.auth-error"
    assert 0 < int(refused.headers["retry-after"]) <= WINDOW.total_seconds()


async def test_other_addresses_and_other_accounts_are_not_affected(served: Served, alice: Client, bob: Client) -> None:
    """Case 12."""
    await fail(served.guest(), alice.email, LIMIT)
    assert (await attempt(served.guest(), bob.email)).status_code == 200
    assert (await attempt(served.guest("203.0.113.9"), alice.email)).status_code == 200


async def test_accounts_that_do_not_exist_are_throttled_alike(served: Served) -> None:
    guest = served.guest()
    await fail(guest, "nobody@example.org", LIMIT)
    assert (await attempt(guest, "nobody@example.org")).status_code == 429


async def test_the_pair_opens_when_the_oldest_failure_leaves_the_window(served: Served, alice: Client) -> None:
    guest = served.guest()
    await fail(guest, alice.email, 1)
    served.clock.advance(minutes=10)
    await fail(guest, alice.email, LIMIT - 1)
    refused = await attempt(guest, alice.email)
    assert refused.status_code == 429
    served.clock.advance(seconds=int(refused.headers["retry-after"]))
    assert (await attempt(guest, alice.email)).status_code == 200


async def test_a_success_clears_the_count(served: Served, alice: Client) -> None:
    guest = served.guest()
    await fail(guest, alice.email, LIMIT - 1)
    assert (await attempt(guest, alice.email)).status_code == 200
    await fail(guest, alice.email, LIMIT - 1)
    assert (await attempt(guest, alice.email)).status_code == 200


async def test_a_login_that_the_account_forbids_neither_counts_nor_clears(served: Served, alice: Client) -> None:
    """Fine print 3.3."""
    guest = served.guest()
    assert alice.user is not None
    await fail(guest, alice.email, LIMIT - 1)
    await served.change_user(alice.user, active=False)
    for _ in range(3):
        assert (await attempt(guest, alice.email)).json()["code"] == 40322
    await served.change_user(alice.user, active=True)
    await fail(guest, alice.email, 1)
    assert (await attempt(guest, alice.email)).status_code == 429


async def test_guessing_in_parallel_gains_nothing(served: Served, alice: Client) -> None:
    guest = served.guest()
    answers = await asyncio.gather(*(attempt(guest, alice.email, f"wrong {n}!") for n in range(3 * LIMIT)))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(401) == LIMIT
    assert statuses.count(429) == 2 * LIMIT


async def test_right_passwords_in_parallel_do_not_count_against_each_other(served: Served, alice: Client) -> None:
    guest = served.guest()
    answers = await asyncio.gather(*(attempt(guest, alice.email) for _ in range(2 * LIMIT)))
    assert [answer.status_code for answer in answers] == [200] * 2 * LIMIT


async def test_a_wrong_current_password_counts_as_a_failed_login(served: Served) -> None:
    dora = await served.client(*TENANT, email="dora@example.org")
    body = {
        "permissions": list(TENANT),
        "data": {},
        "organization": "",
        "about": "",
        "password": "another password!",
        "repeatPassword": "another password!",
    }
    for _ in range(LIMIT):
        wrong = await dora.put(f"{USERS}/{dora.id}", json=body | {"currentPassword": "wrong password!"})
        assert wrong.json()["code"] == 40319
    throttled = await dora.put(f"{USERS}/{dora.id}", json=body | {"currentPassword": PASSWORD})
    assert (throttled.status_code, throttled.json()["code"]) == (429, 40325)
    assert (await attempt(served.guest(), dora.email)).status_code == 429
    served.clock.advance(seconds=WINDOW.total_seconds())
    assert (await dora.put(f"{USERS}/{dora.id}", json=body | {"currentPassword": PASSWORD})).status_code == 200


async def test_no_email_and_no_address_is_kept(served: Served) -> None:
    await fail(served.guest("203.0.113.9"), "nobody@example.org", 1)
    async with served.instance.database.reading() as tx:
        rows = (await tx.execute(text("SELECT pair FROM login_failures"))).scalars().all()
    assert len(rows) == 1
    assert len(rows[0]) == 64
    assert "nobody" not in rows[0]
