"""The server's own numbers as JSON (contract 10.2)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from world.answers import denied, refusal
from world.client import API, METRICS, TENANT, TOKENS, Client, Serve, Served

from backup_repository.access.model import Permission

REPORT = f"{API}/metrics"
LINE = re.compile(
    r"backup_repository_report,base_url=http://server,app_env=test "
    r"storage_declared_space=\d+,storage_used_space=\d+,users_active_accounts=\d+,users_active_jwt_keys=\d+,"
    r"backup_versions=\d+,backup_collections=\d+,resources_tags=\d+ \d{19}\n",
    re.ASCII,
)


async def report(client: Client) -> dict[str, Any]:
    answer = await client.get(REPORT)
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] is True
    assert list(answer.json()) == ["status", "data"]
    data: dict[str, Any] = answer.json()["data"]
    return data


async def recent(client: Client) -> list[str]:
    """Give the ids of the versions that somebody is shown."""
    return [version["id"] for version in (await report(client))["backup"]["recent_versions"]]


async def upload(client: Client, collection: str, content: bytes) -> dict[str, Any]:
    version: dict[str, Any] = (await client.upload(collection, content)).json()["version"]
    return version


async def test_without_the_permission_every_number_is_null(alice: Client) -> None:
    """Case 115."""
    assert await report(alice) == {
        "storage": {"declared_space": None, "used_space": None},
        "users": {"active_accounts": None, "active_jwt_keys": None},
        "backup": {"versions": None, "collections": None, "recent_versions": []},
        "resources": {"tags": None},
    }


async def test_an_empty_server_has_numbers_that_are_zero(served: Served) -> None:
    """Case 115: zero is no null."""
    viewer = await served.client(Permission.VIEW_METRICS)
    assert await report(viewer) == {
        "storage": {"declared_space": "0B", "used_space": "0B"},
        "users": {"active_accounts": 1, "active_jwt_keys": 1},
        "backup": {"versions": 0, "collections": 0, "recent_versions": []},
        "resources": {"tags": 0},
    }


async def test_the_numbers_add_up_the_whole_server(served: Served, admin: Client, alice: Client) -> None:
    """Case 115; unlimited collections declare nothing."""
    dora = await served.client(*TENANT, Permission.ENFORCE_TAGS, tags=("red", "blue"))
    emil = await served.client(*TENANT, Permission.ENFORCE_TAGS, tags=("blue",))
    for client, size in ((alice, "10MB"), (dora, "1.99GB"), (emil, "5MB"), (admin, 0)):
        collection = await client.create_collection(maxCollectionSize=size)
        for content in (b"a" * 700, b"b" * 324):
            await upload(client, collection["id"], content)
    data = await report(admin)
    assert data["storage"] == {"declared_space": "2.01GB", "used_space": "4.10kB"}
    assert data["users"] == {"active_accounts": 4, "active_jwt_keys": 4}
    assert (data["backup"]["versions"], data["backup"]["collections"]) == (8, 4)
    assert data["resources"] == {"tags": 2}
    viewer = await served.client(Permission.VIEW_METRICS)
    assert (await report(viewer))["backup"] == {"versions": 8, "collections": 4, "recent_versions": []}


async def test_numbers_follow_deletions(admin: Client, alice: Client) -> None:
    collection = (await alice.create_collection())["id"]
    path = f"{API}/repository/collection/{collection}"
    await upload(alice, collection, b"abc")
    assert (await alice.delete(f"{path}/versions/latest")).status_code == 200
    data = await report(admin)
    assert (data["storage"]["used_space"], data["backup"]["versions"]) == ("0B", 0)
    assert (await alice.delete(path)).status_code == 200
    data = await report(admin)
    assert (data["storage"]["declared_space"], data["backup"]["collections"]) == ("0B", 0)


async def test_active_accounts_can_log_in_now(served: Served, admin: Client) -> None:
    """Case 115: never-expiring accounts are counted."""
    now = served.clock()
    await served.create_user()
    await served.create_user(expires_at=now + timedelta(hours=1))
    await served.create_user(active=False)
    await served.create_user(expires_at=now - timedelta(seconds=1))
    assert (await report(admin))["users"]["active_accounts"] == 3
    served.clock.advance(hours=1)
    assert (await report(admin))["users"]["active_accounts"] == 2


async def test_active_keys_are_neither_revoked_nor_expired(served: Served, admin: Client, alice: Client) -> None:
    """Contract 10.2."""
    assert (await report(admin))["users"]["active_jwt_keys"] == 2
    generated = await alice.generate(ttl=60)
    await alice.generate(ttl=600)
    assert (await report(admin))["users"]["active_jwt_keys"] == 4
    assert (await generated.delete(f"{TOKENS}/current-session")).status_code == 200
    assert (await report(admin))["users"]["active_jwt_keys"] == 3
    await alice.generate(ttl=60)
    served.clock.advance(seconds=61)
    assert (await report(admin))["users"]["active_jwt_keys"] == 3


async def test_the_newest_versions_of_visible_collections_are_shown(
    served: Served, admin: Client, alice: Client, bob: Client, charlie: Client
) -> None:
    """Case 115; an empty entry makes a member; another tenant learns nothing."""
    first, second = [(await alice.create_collection())["id"] for _ in range(2)]
    own = (await charlie.create_collection())["id"]
    versions = [
        await upload(client, collection, content)
        for client, collection, content in (
            (alice, first, b"one"),
            (charlie, own, b"two"),
            (alice, second, b"three"),
            (alice, first, b"four"),
        )
    ]
    one, two, three, four = [version["id"] for version in versions]
    await alice.grant(first, bob)
    assert await recent(alice) == [four, three, one]
    assert await recent(bob) == [four, one]
    assert await recent(charlie) == [two]
    everything = [four, three, two, one]
    assert await recent(admin) == everything
    assert await recent(await served.client(Permission.VIEW_ALL_COLLECTIONS)) == everything
    assert await recent(await served.client(Permission.VIEW_METRICS)) == []
    assert await recent(await alice.generate(Permission.ROLE_USER)) == [four, three, one]
    assert await recent(await admin.generate(Permission.VIEW_METRICS)) == []
    assert (await report(alice))["backup"]["recent_versions"] == versions[3:1:-1] + versions[:1]


async def test_ten_versions_are_shown_at_most(admin: Client, alice: Client) -> None:
    """Contract 10.2."""
    uploaded: list[str] = []
    for number in range(3):
        collection = (await alice.create_collection())["id"]
        uploaded += [(await upload(alice, collection, f"{number}{count}".encode()))["id"] for count in range(4)]
    for client in (alice, admin):
        assert await recent(client) == uploaded[:1:-1]


async def test_another_tenant_sees_no_numbers(guest: Client, admin: Client, alice: Client, charlie: Client) -> None:
    """Case 115."""
    before = await report(charlie)
    collection = (await alice.create_collection())["id"]
    await upload(alice, collection, b"abc")
    assert await report(charlie) == before
    assert await report(await admin.generate(Permission.LOOK_UP_USERS)) == before
    assert (await guest.get(REPORT)).status_code == 401
    assert (await guest.get(REPORT, params={"code": "metrics secret"})).status_code == 401


async def test_the_line_for_influxdb_needs_the_permission(served: Served, alice: Client, charlie: Client) -> None:
    """Case 115."""
    for somebody in (alice, charlie, await served.client(Permission.TECHNICAL_ENDPOINTS)):
        assert refusal(await somebody.get(REPORT, params={"format": "influxdb"})) == denied(40312)
        assert refusal(await somebody.get(f"{REPORT}?format=json&format=influxdb")) == denied(40312)


async def test_the_line_for_influxdb_is_that_of_the_other_route(served: Served, guest: Client, alice: Client) -> None:
    """Cases 114, 115."""
    collection = (await alice.create_collection())["id"]
    await upload(alice, collection, b"abc")
    viewer = await served.client(Permission.VIEW_METRICS)
    answer = await viewer.get(REPORT, params={"format": "influxdb"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert LINE.fullmatch(answer.text)
    other = await guest.get(METRICS, params={"code": "metrics secret"})
    assert answer.text.rsplit(" ", 1)[0] == other.text.rsplit(" ", 1)[0]
    assert "storage_declared_space=10000000,storage_used_space=3," in answer.text


async def test_any_other_format_is_json(alice: Client) -> None:
    for form in ("", "json", "INFLUXDB", "influxdb\0", "x"):
        answer = await alice.get(REPORT, params={"format": form})
        assert answer.json()["data"]["storage"] == {"declared_space": None, "used_space": None}


async def test_huge_limits_do_not_overflow_the_sum(serve: Serve, admin: Client) -> None:
    assert admin.user is not None
    boundless = await serve(backup_collection_max_size=0).session(admin.user)
    largest = 2**63 - 1
    for _ in range(2):
        await boundless.create_collection(maxBackupsCount=0, maxOneVersionSize=0, maxCollectionSize=largest)
    line = (await admin.get(REPORT, params={"format": "influxdb"})).text
    assert f"storage_declared_space={2 * largest}," in line
    assert (await report(admin))["storage"]["declared_space"] == "18.45EB"


async def test_a_read_only_instance_reports(serve: Serve, admin: Client) -> None:
    """Case 9."""
    assert admin.user is not None
    frozen = await serve(read_only=True).session(admin.user)
    assert (await report(frozen))["users"]["active_accounts"] == 1
