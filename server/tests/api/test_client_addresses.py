"""Where a request comes from, and what proxies may say about it (contract 1.7, 5.9)."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from world.answers import broken_fields, denied, refusal
from world.client import COLLECTIONS, LOGIN, PASSWORD, TENANT, USERS, Client, Serve, Served, user_fields

from backup_repository.users.model import User

PROXIES = tuple(ip_network(text) for text in ("10.0.0.0/8", "192.0.2.5/32", "2001:db8:aaaa::/48"))
"""Trusted in these tests; 203.0.113.7 is the address that gets in."""
HOME = "203.0.113.7"
NAMES = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP", "Client-IP", "True-Client-IP", "CF-Connecting-IP")


async def is_let_in(served: Served, user: User, peer: str | None, forwarded: str | list[str] | None = None) -> bool:
    """Ask for a listing as an account limited to HOME (or as its limits say); tell whether the address was right."""
    session = await served.session(user, address=peer)
    values = [forwarded] if isinstance(forwarded, str) else forwarded or []
    answer = await session.get(COLLECTIONS, headers=[("X-Forwarded-For", value) for value in values])
    if answer.status_code != 200:
        assert refusal(answer) == denied(40323)
    return answer.status_code == 200


@pytest.fixture
def behind_proxies(serve: Serve) -> Served:
    """An instance that trusts PROXIES."""
    return serve(trusted_proxies=PROXIES)


@pytest.fixture
async def limited(served: Served) -> User:
    """An account that may be used from HOME alone."""
    return await served.create_user(*TENANT, allowed_ip_addresses=(HOME,))


async def test_an_account_is_limited_to_its_addresses(served: Served) -> None:
    """Case 49."""
    user = await served.create_user(*TENANT, allowed_ip_addresses=("10.0.0.0/8", "2001:db8::/32", "192.0.2.77"))
    for inside in (
        "10.0.0.0",
        "10.255.255.255",
        "2001:db8::1",
        "2001:db8:ffff:ffff::",
        "192.0.2.77",
        "::ffff:10.1.2.3",
    ):
        assert await is_let_in(served, user, inside), inside
    for outside in ("11.0.0.1", "9.255.255.255", "2001:db9::1", "192.0.2.78", "::1", "127.0.0.1", "::10.0.0.1", None):
        assert not await is_let_in(served, user, outside), outside


async def test_a_mapped_address_of_the_account_counts_as_ipv4(served: Served) -> None:
    """Contract 1.7."""
    user = await served.create_user(*TENANT, allowed_ip_addresses=("::ffff:192.0.2.1", "::ffff:10.0.0.0/104"))
    for inside in ("192.0.2.1", "::ffff:192.0.2.1", "10.9.9.9"):
        assert await is_let_in(served, user, inside), inside
    assert not await is_let_in(served, user, "192.0.2.2")


async def test_networks_may_have_host_bits_and_are_echoed_as_sent(served: Served, admin: Client) -> None:
    """Contract 13."""
    addresses = ["10.1.2.3/8", "2001:DB8::1", "::ffff:1.2.3.4"]
    answer = await admin.post(USERS, json=user_fields(data={"allowedIpAddresses": addresses}))
    created = answer.json()["user"]
    assert created["data"]["allowed_ip_addresses"] == addresses
    for peer, status in (("10.200.0.1", 200), ("2001:db8::1", 200), ("1.2.3.4", 200), ("11.0.0.1", 403)):
        body = {"username": created["email"], "password": PASSWORD}
        assert (await served.guest(peer).post(LOGIN, json=body)).status_code == status


async def test_what_is_no_address_cannot_be_allowed(admin: Client) -> None:
    """Case 49."""
    for wrong in (
        "300.1.1.1",
        "10.0.0.0/33",
        "localhost",
        "",
        "10.0.0.0/255.0.0.0",
        "fe80::1%eth0",
        "10.0.0",
        "1.2.3.4:80",
    ):
        answer = await admin.post(USERS, json=user_fields(data={"allowedIpAddresses": ["10.0.0.1", wrong]}))
        assert broken_fields(answer) == {"data.allowedIpAddresses": 50002}, wrong


async def test_no_header_of_an_untrusted_peer_changes_the_address(
    served: Served, behind_proxies: Served, limited: User
) -> None:
    """Case 49."""
    for instance in (served, behind_proxies):
        for peer, expected in (("198.51.100.7", 403), ("192.0.2.6", 403), (HOME, 200)):
            session = await instance.session(limited, address=peer)
            for value in (HOME, "10.0.0.1", f"{HOME}, 10.0.0.1", f"for={HOME}", "evil"):
                answer = await session.get(COLLECTIONS, headers=dict.fromkeys(NAMES, value))
                assert answer.status_code == expected


async def test_a_trusted_peer_says_where_the_request_comes_from(behind_proxies: Served, limited: User) -> None:
    for peer in ("10.1.2.3", "192.0.2.5", "2001:db8:aaaa::9", "::ffff:10.1.2.3", None):
        assert await is_let_in(behind_proxies, limited, peer, HOME), peer
        assert not await is_let_in(behind_proxies, limited, peer, "198.51.100.7"), peer


async def test_only_x_forwarded_for_is_believed(behind_proxies: Served, limited: User) -> None:
    session = await behind_proxies.session(limited, address="10.0.0.1")
    for name in NAMES[1:]:
        assert refusal(await session.get(COLLECTIONS, headers={name: HOME})) == denied(40323)


async def test_the_right_most_untrusted_entry_is_the_client(behind_proxies: Served, limited: User) -> None:
    """What stands further left is the client's own invention."""
    for right in (
        HOME,
        f" {HOME} ",
        f"198.51.100.7, {HOME}",
        f"198.51.100.7,{HOME},10.0.0.1",
        f"evil, {HOME}, 192.0.2.5, 10.0.0.1",
        f"10.0.0.1, {HOME}, 2001:db8:aaaa::1",
        f"::ffff:{HOME}",
        f"{HOME}, ::ffff:10.0.0.9",
    ):
        assert await is_let_in(behind_proxies, limited, "10.0.0.2", right), right
    for wrong in (
        f"{HOME}, 198.51.100.7",
        f"{HOME}, 198.51.100.7, 10.0.0.1",
        f"{HOME}, 192.0.2.6",
        "198.51.100.7",
        "10.0.0.1",
    ):
        assert not await is_let_in(behind_proxies, limited, "10.0.0.2", wrong), wrong


async def test_several_headers_are_one_list(behind_proxies: Served, limited: User) -> None:
    assert await is_let_in(behind_proxies, limited, "10.0.0.2", ["198.51.100.7", HOME])
    assert await is_let_in(behind_proxies, limited, "10.0.0.2", ["198.51.100.7", f"{HOME}, 10.0.0.1", "10.0.0.3"])
    assert not await is_let_in(behind_proxies, limited, "10.0.0.2", [HOME, "198.51.100.7"])


async def test_reading_stops_at_what_is_no_address(serve: Serve) -> None:
    """Contract 13, 1.7: the last good entry counts, and without one the peer."""
    served = serve(trusted_proxies=PROXIES)
    from_proxy = await served.create_user(*TENANT, allowed_ip_addresses=("10.0.0.1",))
    from_peer = await served.create_user(*TENANT, allowed_ip_addresses=("10.0.0.2",))
    from_home = await served.create_user(*TENANT, allowed_ip_addresses=(HOME,))
    for bad in ("evil", "", "unknown", f"{HOME}:80", f"[{HOME}]", "300.1.1.1", "_hidden", f"{HOME}/32", "9" * 5000):
        assert await is_let_in(served, from_proxy, "10.0.0.2", f"{HOME}, {bad}, 10.0.0.1"), bad
        assert await is_let_in(served, from_peer, "10.0.0.2", f"{HOME}, {bad}"), bad
        assert await is_let_in(served, from_home, "10.0.0.2", f"{bad}, {HOME}"), bad
    assert await is_let_in(served, from_peer, "10.0.0.2", None)


async def test_when_all_are_trusted_the_left_most_counts(behind_proxies: Served, served: Served) -> None:
    user = await served.create_user(*TENANT, allowed_ip_addresses=("10.0.0.9",))
    assert await is_let_in(behind_proxies, user, "10.0.0.1", "10.0.0.9, 10.0.0.8, 10.0.0.7")
    assert not await is_let_in(behind_proxies, user, "10.0.0.9", "10.0.0.8")


async def test_a_unix_socket_is_a_trusted_peer(served: Served, limited: User) -> None:
    """Also when no proxy is configured."""
    assert await is_let_in(served, limited, None, HOME)
    assert not await is_let_in(served, limited, None, f"{HOME}, 10.0.0.1")
    assert not await is_let_in(served, limited, None)


async def test_the_address_counts_at_login_too(behind_proxies: Served, limited: User) -> None:
    body = {"username": limited.email, "password": PASSWORD}
    for peer, forwarded, status in (
        ("10.0.0.1", HOME, 200),
        ("10.0.0.1", "198.51.100.7", 403),
        ("198.51.100.7", HOME, 403),
    ):
        answer = await behind_proxies.guest(peer).post(LOGIN, json=body, headers={"X-Forwarded-For": forwarded})
        assert answer.status_code == status


async def test_another_tenant_learns_nothing(behind_proxies: Served, limited: User, charlie: Client) -> None:
    """A good token of a limited account is worth nothing elsewhere, whoever holds it."""
    stolen = charlie.bearing((await behind_proxies.session(limited)).token)
    answer = await stolen.get(COLLECTIONS, headers={"X-Forwarded-For": HOME})
    assert refusal(answer) == denied(40323)
    assert HOME not in answer.text
