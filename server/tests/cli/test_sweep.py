"""`storage sweep` (contract B 2.2, contract 12)."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path

import pytest
from world.console import run, said, started
from world.instance import Installation
from world.waiting import eventually

from backup_repository.storage.base import new_key
from backup_repository.storage.shards import shard_of

NOTHING: dict[str, object] = {"retired": [], "orphaned": [], "landed": [], "litter": 0}


@pytest.fixture
def orphan(installation: Installation) -> Path:
    """A blob that no version names, old enough to be taken."""
    key = new_key()
    shard = installation.root / "storage" / shard_of(key)
    shard.mkdir(exist_ok=True)
    blob = shard / key
    blob.write_bytes(b"left over")
    three_hours_ago = time.time() - 3 * 3600
    os.utime(blob, (three_hours_ago, three_hours_ago))
    return blob


@pytest.fixture
def landed(installation: Installation) -> Path:
    """A body file of the proxy that no request holds, just written."""
    body = installation.root / "incoming" / "0000000001"
    body.write_bytes(b"left over")
    return body


def test_leftovers_are_listed_and_deleted(installation: Installation, orphan: Path, landed: Path) -> None:
    announced = run(installation, "storage", "sweep", "--dry-run", "--json")
    assert (announced.code, announced.err) == (0, "")
    assert announced.json() == NOTHING | {"orphaned": [orphan.name]}
    assert orphan.exists()
    ran = run(installation, "storage", "sweep")
    assert (ran.code, ran.out, ran.err) == (0, f"orphaned  {orphan.name}\n", "")
    assert not orphan.exists()
    assert landed.exists(), "it is younger than LONG_EXECUTION_TIME and an hour"
    younger = run(installation, "storage:sweep", "--min-age", "0", "--json")
    assert younger.json() == NOTHING | {"landed": [landed.name]}
    assert not landed.exists()


def test_nothing_to_delete_is_an_empty_list(installation: Installation) -> None:
    ran = run(installation, "storage", "sweep", "--min-age", "1h")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_a_read_only_instance_is_only_looked_at(installation: Installation, orphan: Path) -> None:
    closed = installation.with_settings(READ_ONLY="true")
    ran = run(closed, "storage", "sweep")
    assert (ran.code, ran.out) == (1, "")
    assert "(code: 42005)" in ran.err
    assert orphan.exists()
    assert run(closed, "storage", "sweep", "--dry-run", "--json").json() == NOTHING | {"orphaned": [orphan.name]}
    orphan.unlink()


def test_who_sweeps_already_is_told_and_waited_for(installation: Installation, orphan: Path) -> None:
    held = "INSERT INTO leases VALUES ('sweep', 'x', 'process 1 on elsewhere', '2999-01-01 00:00:00.000000')"
    change_records(installation, held)
    with started(installation, "storage", "sweep") as process:
        eventually(lambda: "\n" in said(installation).read_text())
        told = said(installation).read_text()
        assert told.startswith("Waiting: process 1 on elsewhere is sweeping")
        assert run(installation, "storage", "sweep", "--dry-run").out == f"orphaned  {orphan.name}\n"
        assert process.poll() is None
        change_records(installation, "DELETE FROM leases")
        assert process.wait() == 0
    assert said(installation).read_text() == f"{told}orphaned  {orphan.name}\n"
    assert not orphan.exists()


def change_records(installation: Installation, statement: str) -> None:
    database = installation.database.removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(statement)


def test_a_storage_that_is_gone_is_told(tmp_path: Path) -> None:
    installation = Installation.make(tmp_path)
    (tmp_path / "storage").rename(tmp_path / "elsewhere")
    ran = run(installation, "storage", "sweep")
    assert (ran.code, ran.out) == (78, "")
    assert ran.err.startswith("configuration: FS_LOCAL_DIRECTORY: ")
    assert ran.err.count("\n") == 1
