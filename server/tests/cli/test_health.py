"""`health check` and `health wait-for-database` (contract B 2.2; cases 10, 19, 20)."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from world.console import Ran, bare, run
from world.instance import Installation
from world.postgres import PostgresCluster

CODE = "a health code"


def verdict(ran: Ran) -> set[str]:
    """Return what the document says, after seeing that its parts agree."""
    document = ran.json()
    ident: list[str] = document["ident"]
    (status,) = document["status"]
    agreed = {f"{name}={healthy}" for name, healthy in status.items()} | {f"global_status={document['global_status']}"}
    assert set(ident) == agreed
    assert ran.code == (0 if document["global_status"] is True else 1)
    return set(ident)


def test_a_healthy_installation_says_so(installation: Installation) -> None:
    """Case 19, first part."""
    ran = run(installation, "health", "check")
    assert verdict(ran) == {"storage=True", "database=True", "global_status=True"}
    assert ran.err == ""
    assert list((installation.root / "tmp").iterdir()) == []
    assert [file for file in (installation.root / "storage").rglob("*") if file.is_file()] == []


def test_a_storage_that_is_gone_is_found_and_found_again(tmp_path: Path) -> None:
    """Case 19, second part: console and server recover without a restart."""
    installation = Installation.make(tmp_path, HEALTH_CHECK_CODE=CODE)
    storage, elsewhere = tmp_path / "storage", tmp_path / "elsewhere"
    path = f"/health?code={CODE.replace(' ', '%20')}"
    with installation.serve() as server:
        assert server.direct.ask("GET", path).status == 200
        storage.rename(elsewhere)
        gone = run(installation, "health", "check")
        assert verdict(gone) == {"storage=False", "database=True", "global_status=False"}
        answer = server.direct.ask("GET", path)
        assert (answer.status, set(answer.json()["ident"])) == (503, verdict(gone))
        assert not storage.exists()
        elsewhere.rename(storage)
        assert server.direct.ask("GET", path).status == 200
    assert verdict(run(installation, "health", "check")) == {"storage=True", "database=True", "global_status=True"}


def test_a_check_before_the_first_start_makes_nothing(tmp_path: Path) -> None:
    ran = run(bare(tmp_path), "health", "check")
    assert verdict(ran) == {"storage=False", "database=False", "global_status=False"}
    assert ran.err == "TEMP_DIRECTORY does not exist: the storage is only looked at, nothing is written\n"
    assert list(tmp_path.iterdir()) == []


def test_a_check_makes_no_keys(tmp_path: Path) -> None:
    for name in ("storage", "tmp"):
        (tmp_path / name).mkdir()
    settings = {"DATABASE_URL": f"sqlite:///{tmp_path}/records.sqlite3", "FS_LOCAL_DIRECTORY": "storage"}
    ran = run(bare(tmp_path, TEMP_DIRECTORY="tmp", **settings), "health", "check")
    assert verdict(ran) == {"storage=True", "database=True", "global_status=True"}
    assert not (tmp_path / "var").exists()


def test_a_database_that_is_down_is_found(unreachable: Installation) -> None:
    for name in ("var", "var/storage", "var/tmp"):
        (unreachable.root / name).mkdir()
    ran = run(unreachable, "health", "check")
    assert verdict(ran) == {"storage=True", "database=False", "global_status=False"}
    assert "hunter2" not in ran.out + ran.err


def test_a_read_only_instance_is_healthy_without_a_test_file(installation: Installation) -> None:
    """Case 10, second part."""
    shards = [installation.root / "storage", *(installation.root / "storage").iterdir()]

    def touched() -> list[int]:
        return [shard.stat().st_mtime_ns for shard in shards]

    before = touched()
    closed = installation.with_settings(READ_ONLY="true")
    assert verdict(run(closed, "health", "check")) == {"storage=True", "database=True", "global_status=True"}
    assert touched() == before


def test_waiting_for_a_dead_database_ends_after_the_timeout(unreachable: Installation) -> None:
    """Case 20."""
    began = time.monotonic()
    ran = run(unreachable, "health", "wait-for-database", "-x", "2")
    waited = time.monotonic() - began
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "The database did not answer within 2 seconds; is DATABASE_URL right?\n"
    assert 1.4 < waited < 60, "it tries until no further try fits, and nowhere near the default of 300 seconds"


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_waiting_for_a_database_that_answers_ends_at_once(
    engine: str, installation: Installation, request: pytest.FixtureRequest
) -> None:
    place = installation
    if engine == "postgresql":
        cluster: PostgresCluster = request.getfixturevalue("postgres")
        place = installation.with_settings(DATABASE_URL=cluster.create_database())
    ran = run(place, "health", "wait-for-database")
    assert (ran.code, ran.out, ran.err) == (0, "The database is ready\n", "")
