"""The public address of the instance, as version listings and the metrics line name it (contract 1.7, 13)."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network

import pytest
from world.client import COLLECTIONS, METRICS, Client, Serve, Served

PROXY = "10.0.0.1"
FORWARDED = {
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "backups.example.org",
    "X-Forwarded-Port": "8443",
    "X-Forwarded-Prefix": "/backups",
}


async def named(somebody: Client, headers: Mapping[str, str]) -> str:
    """Give the base URL that the metrics line names."""
    answer = await somebody.get(METRICS, params={"code": "metrics secret"}, headers=headers)
    assert answer.status_code == 200, answer.text
    tag, _, rest = answer.text.removeprefix("backup_repository_report,base_url=").partition(",app_env=")
    assert rest.startswith("test ")
    return tag.replace("\\", "")


@pytest.fixture
def unnamed(serve: Serve) -> Served:
    """An instance without BASE_URL that trusts one proxy."""
    return serve(base_url="", trusted_proxies=(ip_network("10.0.0.1/32"),))


async def test_a_configured_address_is_always_the_one(serve: Serve) -> None:
    """Case 101."""
    served = serve(base_url="https://configured.example/prefix", trusted_proxies=(ip_network("10.0.0.1/32"),))
    for peer in (PROXY, "198.51.100.7", None):
        assert await named(served.guest(peer), FORWARDED | {"Host": "other"}) == "https://configured.example/prefix"


async def test_without_one_it_is_what_the_request_says(unnamed: Served) -> None:
    """Case 101; a port in `Host` is kept."""
    for url in ("http://testserver", "https://testserver", "http://[::1]:8000", "http://10.9.8.7:80"):
        guest = unnamed.guest(url=url)
        for host in ("testserver", "testserver:8080", "EXAMPLE.org", "[::1]:8000", "10.9.8.7:80"):
            assert await named(guest, {"Host": host}) == f"{url.split(':')[0]}://{host}"


async def test_forwarded_values_of_a_stranger_are_not_believed(unnamed: Served) -> None:
    assert await named(unnamed.guest(), FORWARDED) == "http://testserver"


async def test_forwarded_values_of_a_trusted_peer_are_believed(unnamed: Served) -> None:
    """Case 101."""
    cases: list[tuple[dict[str, str], str]] = [
        ({}, "http://testserver"),
        (FORWARDED, "https://backups.example.org:8443/backups"),
        ({"X-Forwarded-Proto": "https"}, "https://testserver"),
        ({"X-Forwarded-Proto": "HTTPS"}, "https://testserver"),
        ({"X-Forwarded-Proto": "javascript"}, "http://testserver"),
        ({"X-Forwarded-Host": "backups.example.org"}, "http://backups.example.org"),
        ({"X-Forwarded-Host": "backups.example.org:8080"}, "http://backups.example.org:8080"),
        ({"X-Forwarded-Host": "backups.example.org:8080", "X-Forwarded-Port": "9"}, "http://backups.example.org:9"),
        ({"X-Forwarded-Port": "8080"}, "http://testserver:8080"),
        ({"X-Forwarded-Port": "80"}, "http://testserver"),
        ({"X-Forwarded-Port": "443"}, "http://testserver:443"),
        ({"X-Forwarded-Port": "443", "X-Forwarded-Proto": "https"}, "https://testserver"),
        ({"X-Forwarded-Port": "80", "Host": "testserver:8080"}, "http://testserver"),
        ({"X-Forwarded-Port": "x", "Host": "testserver:8080"}, "http://testserver:8080"),
        ({"X-Forwarded-Port": ""}, "http://testserver"),
        ({"X-Forwarded-Port": "9" * 5000}, "http://testserver"),
        ({"X-Forwarded-Port": "8443", "X-Forwarded-Host": "[2001:db8::1]"}, "http://[2001:db8::1]:8443"),
        ({"X-Forwarded-Prefix": "/a/b/"}, "http://testserver/a/b"),
        ({"X-Forwarded-Prefix": "a"}, "http://testserver/a"),
        ({"X-Forwarded-Prefix": "/"}, "http://testserver"),
        ({"X-Forwarded-Host": "first.example, second.example"}, "http://first.example"),
        ({"Host": "[", "X-Forwarded-Port": "8080"}, "http://[:8080"),
    ]
    for headers, expected in cases:
        for peer in (PROXY, None):
            assert await named(unnamed.guest(peer), headers) == expected


async def test_a_host_that_is_none_harms_nobody(unnamed: Served) -> None:
    for host in ("", "[", "[::1", "a b", "x:y:z", "]", "#", "?", "@"):
        assert await named(unnamed.guest(), {"Host": host}) == f"http://{host}"


async def test_version_listings_name_it(unnamed: Served, alice: Client) -> None:
    """Case 101."""
    collection = await alice.create_collection(filename="db dump[1].gz")
    versions = f"{COLLECTIONS}/{collection['id']}/versions"
    stored = (await alice.upload(collection["id"], b"abc")).json()["version"]["file"]["filename"]
    assert alice.user is not None
    encoded = stored.replace(" ", "%20").replace("[", "%5B").replace("]", "%5D")
    path = f"/api/stable/repository/file/{encoded}"
    for peer, base in ((PROXY, "https://backups.example.org:8443/backups"), ("198.51.100.7", "http://testserver")):
        session = await unnamed.session(alice.user, address=peer)
        (entry,) = (await session.get(versions, headers=FORWARDED)).json()["versions"].values()
        assert entry["url"] == base + path
    (entry,) = (await alice.get(versions, headers=FORWARDED)).json()["versions"].values()
    assert entry["url"] == "http://server" + path
