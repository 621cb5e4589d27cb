"""Three instances on one PostgreSQL and one storage, killed at random moments while clients work (contract 12)."""

from __future__ import annotations

import hashlib
import http.client
import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from world.bodies import Body
from world.buckets import rclone
from world.console import run
from world.fleet import Fleet, fleet
from world.instance import COLLECTIONS
from world.ledger import Ledger
from world.postgres import PostgresCluster
from world.records import rows
from world.waiting import eventually
from world.wire import Answer, as_json

pytestmark = [pytest.mark.xdist_group("big"), pytest.mark.timeout(300)]
INSTANCES, CLIENTS = 3, 4
OPERATIONS = 480
KILLED_EVERY = 40
"""Operations from one kill to the next."""
SWEPT_EVERY = 150
KIB = 1024
LOST = (OSError, http.client.HTTPException)
"""How a client notices that the instance is gone; what it asked for may have happened."""
seeds = itertools.count(20_000)

ALERT, ROTATE = "alert_when_too_many_versions", "delete_oldest_when_adding_new"
KINDS: list[dict[str, Any]] = [
    {"strategy": ALERT, "maxBackupsCount": 8, "maxOneVersionSize": 0, "maxCollectionSize": 0},
    {"strategy": ALERT, "maxBackupsCount": 0, "maxOneVersionSize": 0, "maxCollectionSize": 1024 * KIB},
    {"strategy": ROTATE, "maxBackupsCount": 5, "maxOneVersionSize": 0, "maxCollectionSize": 0},
]
"""Limits that uploads soon reach, in versions or bytes."""


@pytest.fixture(params=["directory", "bucket"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """Variables of the storage that the instances share: one disk, or none and an S3 server."""
    if request.param == "directory":
        yield {}
        return
    (tmp_path / "bucket").mkdir()
    with rclone(tmp_path / "bucket") as bucket:
        yield bucket.environment()


@pytest.fixture
def instances(postgres: PostgresCluster, tmp_path: Path, storage: Mapping[str, str]) -> Iterator[Fleet]:
    """The instances, running."""
    with fleet(tmp_path, postgres.create_database(), INSTANCES, storage) as running:
        yield running


class Clients:
    """Do what clients do, each operation on any collection through any instance."""

    def __init__(self, instances: Fleet, ledgers: list[Ledger]) -> None:
        self.instances = instances
        self.ledgers = ledgers
        self.outcomes: Counter[str] = Counter()
        self.problems: list[str] = []
        self._counted = threading.Lock()

    def operate(self, number: int) -> None:
        """Do the operation of this number; the same every time, but for what the others do meanwhile."""
        chance = random.Random(number)
        jobs: list[Callable[[random.Random, Ledger], Answer | None]] = [self.upload, self.delete, self.list, self.edit]
        job = chance.choices([*jobs, self.download], weights=[10, 3, 3, 2, 4])[0]
        ledger = chance.choice(self.ledgers)
        try:
            answer = job(chance, ledger)
        except LOST:
            outcome = "lost"
        else:
            outcome = "skipped" if answer is None else str(answer.status)
            if answer is not None and answer.status not in {200, 400, 404}:
                self.problems.append(f"{job.__name__}: {answer.status} {answer.body[:200]!r}")
        with self._counted:
            self.outcomes[f"{job.__name__} {outcome}"] += 1

    def ask(self, chance: random.Random, method: str, path: str, body: bytes | list[bytes] = b"") -> Answer:
        """Ask an instance, or another one if that does not listen, as a router does."""

        def look() -> Answer | None:
            address = self.instances.address(chance.randrange(len(self.instances)))
            with suppress(ConnectionRefusedError):
                return address.ask(method, path, self.instances.bearer, body)
            return None

        answer = eventually(look)
        assert answer is not None
        return answer

    def upload(self, chance: random.Random, ledger: Ledger) -> Answer:
        size = chance.choice([1, 30 * KIB, 200 * KIB, 300 * KIB, 250 * KIB if ledger.most_bytes else 3 * 1024 * KIB])
        content = Body(size, next(seeds)).whole() + next(seeds).to_bytes(8)
        sha256 = _digest(content)
        ledger.sends(sha256, len(content))
        answer = self.ask(chance, "POST", ledger.versions, [content])
        if answer.status == 200:
            version = answer.json()["version"]
            ledger.acknowledges(version["version"], version["checksum"]["value"])
        return answer

    def delete(self, chance: random.Random, ledger: Ledger) -> Answer | None:
        numbers = ledger.numbers()
        if ledger.rotates or not numbers:
            return None
        number = chance.choice(numbers)
        ledger.gives_up(number)
        return self.ask(chance, "DELETE", f"{ledger.versions}/v{number}")

    def list(self, chance: random.Random, ledger: Ledger) -> Answer:
        answer = self.ask(chance, "GET", ledger.versions)
        if answer.status == 200:
            ledger.lists(answer.json()["versions"])
        return answer

    def edit(self, chance: random.Random, ledger: Ledger) -> Answer:
        fields = ledger.fields | {"description": f"edited with {chance.random()}"}
        if fields["maxBackupsCount"]:
            fields["maxBackupsCount"] += chance.choice([0, 1, 2])
            ledger.allows(fields["maxBackupsCount"])
        return self.ask(chance, "PUT", COLLECTIONS, as_json(fields | {"id": ledger.versions.split("/")[-2]}))

    def download(self, chance: random.Random, ledger: Ledger) -> Answer | None:
        numbers = ledger.numbers()
        if not numbers:
            return None
        number = chance.choice(numbers)
        answer = self.ask(chance, "GET", f"{ledger.versions}/v{number}")
        if answer.status == 200 and _digest(answer.body) != ledger.seen[number]:
            self.problems.append(f"version {number} has other bytes")
        if answer.status == 404 and ledger.expected(number) is not None:
            self.problems.append(f"version {number} is gone")
        return answer


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def ledgers_of(instances: Fleet) -> list[Ledger]:
    """Create two collections of each kind."""
    found = []
    for kind in [*KINDS, *KINDS]:
        fields = {"filename": "db.tar.gz", **kind}
        count = int(kind["maxBackupsCount"])
        versions = instances.server(0).create_collection(**fields)
        rotates = kind["strategy"] == ROTATE
        found.append(Ledger(versions, fields, rotates, count, count, int(kind["maxCollectionSize"])))
    return found


def sweep(instances: Fleet) -> None:
    """Delete every leftover, however young."""
    instances.shared.console("storage", "sweep", "--min-age", "0")


def work(instances: Fleet, clients: Clients) -> None:
    """Let the clients do everything while instances are killed and the console sweeps."""
    chance = random.Random(5)
    with ThreadPoolExecutor(CLIENTS) as at_work, ThreadPoolExecutor(INSTANCES) as operators:
        done = itertools.count(1)

        def operate(number: int) -> None:
            clients.operate(number)
            count = next(done)
            if count % KILLED_EVERY == 0:
                disturbances.append(operators.submit(instances.kill_and_restart, chance.randrange(len(instances))))
            if count % SWEPT_EVERY == 0:
                disturbances.append(operators.submit(sweep, instances))

        disturbances: list[Any] = []
        for _ in at_work.map(operate, range(OPERATIONS)):
            pass
        for disturbance in disturbances:
            disturbance.result()


def test_nothing_that_was_acknowledged_is_lost_and_no_limit_overshot(instances: Fleet) -> None:
    """Several hundred operations; afterwards what is stored is exactly what is registered."""
    ledgers = ledgers_of(instances)
    clients = Clients(instances, ledgers)
    work(instances, clients)
    assert instances.killed == OPERATIONS // KILLED_EVERY
    assert clients.problems == []
    assert clients.outcomes["upload 200"] > OPERATIONS / 5
    for number, ledger in enumerate(ledgers):
        server = instances.server(number % INSTANCES)
        listing = server.direct.ask("GET", ledger.versions, server.bearer).json()["versions"]
        ledger.closes(listing)
        for version, shown in listing.items():
            details = shown["details"]
            expected = (200, details["file"]["filesize_bytes"], details["checksum"]["value"])
            assert server.direct.fetch(f"{ledger.versions}/v{version}", server.bearer) == expected
    assert [ledger.problems for ledger in ledgers] == [[]] * len(ledgers)
    assert_stored_is_registered(instances)


def assert_stored_is_registered(instances: Fleet) -> None:
    """After a sweep no orphan remains, no row lacks a blob, and every sum is right."""
    sweep(instances)
    database = instances.shared.database
    versions = rows(database, "SELECT key FROM blobs JOIN versions ON blob_key = key")
    assert rows(database, "SELECT key FROM blobs WHERE retired_at IS NOT NULL") == []
    checked = run(instances.shared, "storage", "check")
    said = f"no differences; compared {len(versions)} versions with {len(versions)} blobs, of which 0 wait"
    assert (checked.code, checked.out) == (0, "")
    assert checked.err.startswith(said)
    counted = "SELECT collection_id, count(*), sum(size) FROM versions GROUP BY 1 ORDER BY 1"
    kept = "SELECT id, versions_count, used_space FROM collections WHERE versions_count > 0 ORDER BY 1"
    assert rows(database, counted) == rows(database, kept)
    sums = "SELECT sum(versions), sum(used_space) FROM totals"
    assert rows(database, sums) == rows(database, "SELECT count(*), sum(size) FROM versions")
