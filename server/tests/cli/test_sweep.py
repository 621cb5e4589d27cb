"""`storage sweep` (contract B 2.2, contract 12)."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from world.console import run
from world.instance import Installation

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


def test_a_storage_that_is_gone_is_told(tmp_path: Path) -> None:
    installation = Installation.make(tmp_path)
    (tmp_path / "storage").rename(tmp_path / "elsewhere")
    ran = run(installation, "storage", "sweep")
    assert (ran.code, ran.out) == (78, "")
    assert ran.err.startswith("configuration: FS_LOCAL_DIRECTORY: ")
    assert ran.err.count("\n") == 1
