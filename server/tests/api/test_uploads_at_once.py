"""Uploads at the same time: at two workers of a server, at two servers that share a database and a storage (8.4)."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from world.bodies import Body
from world.instance import API, COLLECTIONS, Installation, Server
from world.records import rows
from world.traces import traces
from world.wire import Answer, as_json

pytestmark = pytest.mark.timeout(120)
AT_ONCE = 32
SIZE = 100_000
seeds = itertools.count(7000)


@pytest.fixture(scope="module", params=["two workers on sqlite", "two servers on sqlite", "two servers on postgresql"])
def servers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, ...]]:
    """Servers of one installation, each with a staging directory of its own; in the end everything must fit together."""
    processes, _, engine = request.param.rpartition(" on ")
    root = tmp_path_factory.mktemp("at-once")
    database = {"DATABASE_URL": request.getfixturevalue("postgres").create_database()} if engine == "postgresql" else {}
    installation = Installation.make(root, **database)
    with ExitStack() as stack:
        running = []
        for number in range(2 if processes == "two servers" else 1):
            staging = root / f"tmp-{number}"
            staging.mkdir()
            own = installation.with_settings(TEMP_DIRECTORY=str(staging))
            workers = ["--workers", "2"] if processes == "two workers" else []
            running.append(stack.enter_context(own.serve(*workers, tcp=True)))
        yield tuple(running)
        assert inconsistencies(running[0]) == []


def at_once(servers: tuple[Server, ...], ask: Callable[[Server, int], Answer], count: int = AT_ONCE) -> list[Answer]:
    """Ask the servers in turn, all at the same time."""
    with ThreadPoolExecutor(count) as people:
        asking = [people.submit(ask, servers[number % len(servers)], number) for number in range(count)]
        return [one.result() for one in asking]


def upload_distinct(servers: tuple[Server, ...], versions: str) -> list[Answer]:
    """Upload different bytes to one collection at once."""
    contents = [Body(SIZE, next(seeds)).whole() for _ in range(AT_ONCE)]
    return at_once(servers, lambda server, number: server.direct.ask("POST", versions, server.bearer, contents[number]))


def outcomes(answers: list[Answer]) -> Counter[int]:
    """Count the answers by code; accepted ones as 200."""
    return Counter(200 if answer.status == 200 else answer.json()["code"] for answer in answers)


def numbers(server: Server, versions: str) -> list[int]:
    return [int(number) for number in server.direct.ask("GET", versions, server.bearer).json()["versions"]]


def inconsistencies(server: Server) -> list[str]:
    """Compare records and files after a sweep; whoever lost a race at the last moment leaves a blob to it."""
    server.installation.console("storage", "sweep", "--min-age", "0")
    seen = traces(server)
    named = {key for (_, _, _, key, _, _) in seen.records["versions"]}
    stored = {name.rsplit("/", 1)[-1] for name in seen.stored}
    counts = "SELECT collection_id, max(number), count(*), sum(size) FROM versions GROUP BY collection_id"
    real = {row[0]: tuple(map(int, row[1:])) for row in rows(server.installation.database, counts)}
    kept = {row[0]: row[1:] for row in seen.records["counters"]}
    found = [f"{key} is in the records or the storage only" for key in named ^ stored]
    found += [f"{key} is known as a blob only" for key in {key for key, _ in seen.records["blobs"]} ^ named]
    found += [
        f"{collection} counts {kept[collection]}, really {truth}"
        for collection, truth in real.items()
        if kept[collection][1:] != truth[1:] or kept[collection][0] < truth[0]
    ]
    sums = "sum(versions_count), sum(used_space) FROM collections"
    added = rows(server.installation.database, f"SELECT count(*), {sums}")
    kept_sums = rows(
        server.installation.database, "SELECT sum(collections), sum(versions), sum(used_space) FROM totals"
    )
    found += [f"the sums are {kept_sums}, really {added}"] if kept_sums != added else []
    newest = "(SELECT created_at FROM versions WHERE collection_id = collections.id ORDER BY number DESC LIMIT 1)"
    stale = f"SELECT id FROM collections WHERE newest_at <> {newest} OR (newest_at IS NULL) <> (versions_count = 0)"
    found += [f"{collection} has another newest version" for (collection,) in rows(server.installation.database, stale)]
    return found + [f"{name} is unfinished" for name in seen.unfinished]


def test_every_upload_gets_a_number_of_its_own(servers: tuple[Server, ...]) -> None:
    """Case 95: consecutive, because none was refused."""
    versions = servers[0].create_collection()
    answers = upload_distinct(servers, versions)
    assert outcomes(answers) == {200: AT_ONCE}
    assert sorted(answer.json()["version"]["version"] for answer in answers) == list(range(1, AT_ONCE + 1))
    assert numbers(servers[0], versions) == list(range(1, AT_ONCE + 1))
    shown = {answer.json()["version"]["version"]: answer.json()["collection"]["versions_count"] for answer in answers}
    assert all(number == count for number, count in shown.items())


def test_a_full_collection_never_overflows(servers: tuple[Server, ...]) -> None:
    """Case 95: exactly five find room, and refused ones use no number up."""
    versions = servers[0].create_collection(maxBackupsCount=5)
    assert outcomes(upload_distinct(servers, versions)) == {200: 5, 41012: AT_ONCE - 5}
    assert numbers(servers[0], versions) == [1, 2, 3, 4, 5]


def test_rotation_keeps_the_count(servers: tuple[Server, ...]) -> None:
    """Case 95, the other strategy: all are accepted, the last three stay."""
    versions = servers[0].create_collection(maxBackupsCount=3, strategy="delete_oldest_when_adding_new")
    answers = upload_distinct(servers, versions)
    assert outcomes(answers) == {200: AT_ONCE}
    assert sorted(answer.json()["version"]["version"] for answer in answers) == list(range(1, AT_ONCE + 1))
    assert numbers(servers[0], versions) == [AT_ONCE - 2, AT_ONCE - 1, AT_ONCE]
    assert inconsistencies(servers[0]) == []


def test_the_bytes_of_a_collection_never_overflow(servers: tuple[Server, ...]) -> None:
    """Case 95: limits are kept."""
    versions = servers[0].create_collection(maxCollectionSize=7 * SIZE + SIZE // 2)
    assert outcomes(upload_distinct(servers, versions)) == {200: 7, 41010: AT_ONCE - 7}
    assert numbers(servers[0], versions) == list(range(1, 8))


def test_one_content_is_stored_once(servers: tuple[Server, ...]) -> None:
    """Case 96."""
    versions = servers[0].create_collection()
    content = Body(SIZE, next(seeds)).whole()
    answers = at_once(servers, lambda server, _: server.direct.ask("POST", versions, server.bearer, content), 10)
    assert outcomes(answers) == {200: 1, 41011: 9}
    assert numbers(servers[0], versions) == [1]


def test_a_once_only_token_registers_one_version(servers: tuple[Server, ...]) -> None:
    """Case 97: of many parallel uploads exactly one, also where they go to different collections."""
    collections = [servers[0].create_collection() for _ in range(2)]
    wanted = {
        "requestedPermissions": ["security.administrator", "upload.only_once_successful"],
        "ttl": 600,
    }
    for attempt in range(4):
        answer = servers[0].direct.ask("POST", f"{API}/auth/token", servers[0].bearer, as_json(wanted))
        once = {"Authorization": f"Bearer {answer.json()['token']}"}
        targets = [collections[0], collections[attempt % 2]] * (AT_ONCE // 2)
        contents = [Body(SIZE, next(seeds)).whole() for _ in targets]

        def upload(
            server: Server,
            number: int,
            once: dict[str, str] = once,
            targets: list[str] = targets,
            contents: list[bytes] = contents,
        ) -> Answer:
            return server.direct.ask("POST", targets[number], once, contents[number])

        assert outcomes(at_once(servers, upload)) == {200: 1, 40324: AT_ONCE - 1}
    assert sum(len(numbers(servers[0], versions)) for versions in collections) == 4


def test_a_version_is_deleted_once(servers: tuple[Server, ...]) -> None:
    """Contract 8.8; the counts of the collection are right afterwards."""
    versions = servers[0].create_collection()
    assert outcomes(upload_distinct(servers, versions)) == {200: AT_ONCE}
    answers = at_once(servers, lambda server, _: server.direct.ask("DELETE", f"{versions}/v7", server.bearer), 10)
    assert outcomes(answers) == {200: 1, 404: 9}
    each = at_once(servers, lambda server, _: server.direct.ask("DELETE", f"{versions}/first", server.bearer), 10)
    assert outcomes(each) == {200: 10}
    assert numbers(servers[0], versions) == list(range(12, AT_ONCE + 1))


def test_uploads_and_the_end_of_their_collection(servers: tuple[Server, ...]) -> None:
    """Contract 6.9: each upload is either wholly there, and then so is the collection, or found no collection."""
    versions = servers[0].create_collection()
    collection = f"{COLLECTIONS}/{versions.split('/')[-2]}"
    contents = [Body(SIZE, next(seeds)).whole() for _ in range(10)]

    def act(server: Server, number: int) -> Answer:
        if number == 5:
            return server.direct.ask("DELETE", collection, server.bearer)
        return server.direct.ask("POST", versions, server.bearer, contents[number])

    answers = at_once(servers, act, 10)
    deleted = answers.pop(5)
    if deleted.status == 200:
        assert outcomes(answers) == {404: 9}
    else:
        assert deleted.json()["code"] == 40108
        assert outcomes(answers) == {200: 9}


def test_uploads_beside_deletions_edits_and_grants_keep_every_limit(servers: tuple[Server, ...]) -> None:
    """Contract 6.3, 7, 8.4: whatever happens in between, no limit is overshot and every answer is one of the table."""
    limits: dict[str, Any] = {"maxBackupsCount": 6, "maxOneVersionSize": 2 * SIZE, "maxCollectionSize": 20 * SIZE}
    for strategy in ("alert_when_too_many_versions", "delete_oldest_when_adding_new"):
        versions = servers[0].create_collection(strategy=strategy, **limits)
        collection_id = versions.split("/")[-2]
        somebody = servers[0].direct.ask("GET", f"{API}/auth/user", servers[0].bearer).json()["data"][0]["id"]
        contents = [Body(SIZE, next(seeds)).whole() for _ in range(AT_ONCE)]
        edits = [
            limits | {"id": collection_id, "strategy": strategy, "filename": "db.tar", "maxBackupsCount": count}
            for count in (3, 6)
        ]

        def act(
            server: Server,
            number: int,
            versions: str = versions,
            contents: list[bytes] = contents,
            edits: list[dict[str, Any]] = edits,
            somebody: str = somebody,
        ) -> Answer:
            kind, turn = number // 2 % 8, number // 16
            if kind == 5:
                return server.direct.ask("DELETE", f"{versions}/{('first', 'latest')[turn]}", server.bearer)
            if kind == 6:
                return server.direct.ask("PUT", COLLECTIONS, server.bearer, as_json(edits[turn]))
            if kind == 7:
                wanted = as_json({"user": somebody, "permissions": []})
                return server.direct.ask("POST", f"{versions.rpartition('/')[0]}/access", server.bearer, wanted)
            return server.direct.ask("POST", versions, server.bearer, contents[number])

        answers = at_once(servers, act)
        assert set(outcomes(answers)) <= {200, 404, 40107, 41012}
        shown = servers[0].direct.ask("GET", versions.rpartition("/")[0], servers[0].bearer).json()["collection"]
        assert shown["versions_count"] == len(numbers(servers[0], versions)) <= 6
        accepted = [answer.json() for answer in answers if b"File was uploaded" in answer.body]
        assert sorted(answer["version"]["version"] for answer in accepted) == list(range(1, len(accepted) + 1))
        for answer in accepted:
            assert answer["collection"]["versions_count"] <= answer["collection"]["max_backups_count"]
