"""R27: the numbers of the whole server as one line for InfluxDB (contract 10.3)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import httpx
from world.answers import refusal
from world.client import COLLECTIONS, METRICS, TOKENS, Client, Serve, Served

DENIED = (403, 403, "app.fatal-error")
CODE = {"code": "metrics secret"}
FIELDS = (
    "storage_declared_space",
    "storage_used_space",
    "users_active_accounts",
    "users_active_jwt_keys",
    "backup_versions",
    "backup_collections",
    "resources_tags",
)
LINE = re.compile(
    r"backup_repository_report,base_url=(?P<base_url>\S+),app_env=(?P<app_env>\S+) "
    + ",".join(rf"{name}=(?P<{name}>\d+)" for name in FIELDS)
    + r" (?P<time>\d{19})\n"
)


async def ask(served: Served) -> httpx.Response:
    return await served.guest().get(METRICS, params=CODE)


async def numbers(served: Served) -> dict[str, int]:
    match = LINE.fullmatch((await ask(served)).text)
    assert match is not None
    return {name: int(match[name]) for name in FIELDS}


async def test_the_line_of_an_empty_server(served: Served) -> None:
    """Case 114: seven fields in their order, a 19-digit time and a line feed."""
    answer = await ask(served)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert re.sub(r"\d{19}", "TIME", answer.text) == (
        "backup_repository_report,base_url=http://server,app_env=test "
        "storage_declared_space=0,storage_used_space=0,users_active_accounts=0,users_active_jwt_keys=0,"
        "backup_versions=0,backup_collections=0,resources_tags=0 TIME\n"
    )


async def test_the_time_is_now_in_nanoseconds(served: Served) -> None:
    before = served.clock()
    match = LINE.fullmatch((await ask(served)).text)
    assert match is not None
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(match["time"]) // 1000)
    assert before <= moment <= served.clock()


async def test_everything_is_counted(served: Served, admin: Client, alice: Client) -> None:
    """Contract 10.2 says what the numbers are."""
    first = await alice.create_collection(maxCollectionSize="10MB")
    await alice.create_collection(maxCollectionSize="20MB")
    await admin.create_collection(maxCollectionSize=0)  # unlimited counts 0
    for content in (b"a" * 100, b"b" * 23):
        assert (await alice.upload(first["id"], content)).status_code == 200
    assert await numbers(served) == {
        "storage_declared_space": 30_000_000,
        "storage_used_space": 123,
        "users_active_accounts": 2,
        "users_active_jwt_keys": 2,
        "backup_versions": 2,
        "backup_collections": 3,
        "resources_tags": 0,
    }
    await alice.delete(f"{COLLECTIONS}/{first['id']}/versions/v1")
    after = await numbers(served)
    assert (after["backup_versions"], after["storage_used_space"]) == (1, 23)


async def test_huge_limits_add_up(serve: Serve) -> None:
    served = serve(backup_collection_max_size=0)
    owner = await served.client("collections.create_new")
    for _ in range(3):
        await owner.create_collection(maxCollectionSize=2**63 - 1)
    assert (await numbers(served))["storage_declared_space"] == 3 * (2**63 - 1)


async def test_only_usable_accounts_and_tokens_count(served: Served, alice: Client) -> None:
    """Contract 10.2: never-expiring accounts included."""
    moment = served.clock() + timedelta(hours=1)
    await served.create_user(active=False)
    await served.create_user(expires_at=moment)
    await served.create_user(expires_at=served.clock() - timedelta(seconds=1))
    revoked = await alice.generate()
    await revoked.delete(f"{TOKENS}/current-session")
    await alice.generate(ttl=60)
    seen = await numbers(served)
    assert (seen["users_active_accounts"], seen["users_active_jwt_keys"]) == (2, 2)
    served.clock.advance(seconds=61)
    assert (await numbers(served))["users_active_jwt_keys"] == 1
    served.clock.advance(hours=1)
    assert (await numbers(served))["users_active_accounts"] == 1


async def test_different_tags_count_once(served: Served) -> None:
    restriction = "upload.enforce_tags_selected_in_user_account"
    rights = ("upload.all", "collections.create_new", restriction)
    for tags in (("daily", "web"), ("web",)):
        owner = await served.client(*rights, tags=tags)
        collection = await owner.create_collection()
        assert (await owner.upload(collection["id"], b"abc")).status_code == 200
    assert (await numbers(served))["resources_tags"] == 2


async def test_tag_values_are_escaped(serve: Serve) -> None:
    """Case 114."""
    served = serve(base_url="http://server/a,b=c", app_env="dev two, x=y")
    assert (await ask(served)).text.startswith(
        "backup_repository_report,base_url=http://server/a\\,b\\=c,app_env=dev\\ two\\,\\ x\\=y storage_declared_space=0,"
    )
    strange = serve(base_url="")
    answer = await strange.guest().get(METRICS, params=CODE, headers={"Host": "a b,c=d"})
    assert answer.text.startswith("backup_repository_report,base_url=http://a\\ b\\,c\\=d,app_env=test ")


async def test_without_the_right_code_nothing_is_said(served: Served, serve: Serve, admin: Client) -> None:
    """Case 113."""
    closed = serve(metrics_code="")
    for query in ("", "code", "code=", "code=wrong", "code=health+secret", "code=metrics+secret&code=metrics+secret"):
        for somebody in (served.guest(), closed.guest(), admin):
            answer = await somebody.get(f"{METRICS}?{query}")
            assert refusal(answer) == DENIED, query
            assert answer.headers["cache-control"] == "no-store"
            assert "backup_repository_report" not in answer.text
    assert refusal(await closed.guest().get(METRICS, params=CODE)) == DENIED


async def test_a_token_and_further_parameters_do_not_matter(served: Served) -> None:
    guest = served.guest().bearing("damaged")
    assert (await guest.get(METRICS, params=CODE | {"format": "json", "page": "x"})).status_code == 200


async def test_head_sends_no_line(served: Served) -> None:
    answer = await served.guest().request("HEAD", METRICS, params=CODE)
    assert (answer.status_code, answer.content) == (200, b"")


async def test_a_read_only_instance_reports(serve: Serve) -> None:
    assert (await ask(serve(read_only=True))).status_code == 200
