"""`db migrate`, and what the other commands make of a schema (contract B 2.1 to 2.3; case 21)."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from world import wire
from world.console import PROGRAM, accepts, bare, run, said, started
from world.instance import Installation
from world.postgres import PostgresCluster
from world.records import rows
from world.waiting import eventually

from backup_repository.database.migrate import revisions

MIGRATE = ("db", "migrate")
ALL = "".join(f"{revision}\n" for revision in revisions())
OUT_OF_REACH = (
    "The database is out of reach; is it started? `backup-repository health wait-for-database` waits for it\n"
)
NO_SQLITE = "The database cannot be used: DATABASE_URL must name a writable SQLite database, or a new file\n"
OUTDATED = "The database schema is outdated; run `backup-repository db migrate`"
NEWER = "The database schema (revision 9999) is newer than this program; use the newer program\n"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Installation:
    """An installation with an empty database."""
    if request.param == "sqlite":
        return bare(tmp_path)
    return on_postgresql(request.getfixturevalue("postgres"), tmp_path)


@pytest.fixture
def outdated(postgres: PostgresCluster, tmp_path: Path) -> Installation:
    """An installation whose PostgreSQL lacks every revision."""
    return on_postgresql(postgres, tmp_path)


def on_postgresql(cluster: PostgresCluster, root: Path) -> Installation:
    return bare(root, DATABASE_URL=cluster.create_database())


def execute(installation: Installation, statement: str) -> None:
    address = installation.environment.get("DATABASE_URL")
    if address is None:
        with contextlib.closing(sqlite3.connect(installation.root / "var/backup-repository.sqlite3")) as connection:
            connection.execute(statement)
            connection.commit()
        return

    async def on_server() -> None:
        connection = await asyncpg.connect(address)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(on_server())


@pytest.mark.parametrize(
    ("spoil", "refusal"),
    [
        (lambda url: url + "x", 'database "[^"]+x" does not exist'),
        (lambda url: url + "?keepalives=1", 'unrecognized configuration parameter "keepalives"'),
        (lambda url: url + "?sslmode=sometimes", "`sslmode` parameter must be one of: .*"),
        (lambda url: url.replace("//backup", "//nobody"), 'role "nobody" does not exist'),
    ],
)
def test_an_address_that_postgresql_refuses_is_told_in_its_words(
    postgres: PostgresCluster, tmp_path: Path, spoil: Callable[[str], str], refusal: str
) -> None:
    """It answers, so it need not be waited for."""
    place = bare(tmp_path, DATABASE_URL=spoil(postgres.create_database()))
    refused = run(place, *MIGRATE)
    assert refused.code == 1
    assert re.fullmatch(f"The database refuses: {refusal}; check DATABASE_URL\n", refused.err), refused.err


def test_migrating_twice_lists_every_revision_and_then_none(empty: Installation) -> None:
    """Case 21, first part."""
    announced = run(empty, *MIGRATE, "--dry-run", "--json")
    assert (announced.code, announced.json(), announced.err) == (0, {"pending": list(revisions())}, "")
    first = run(empty, *MIGRATE)
    assert (first.code, first.out, first.err) == (0, ALL, "")
    second = run(empty, *MIGRATE, "--json")
    assert (second.code, second.json(), second.err) == (0, {"applied": []}, "")


def test_migrating_twice_at_once_applies_every_revision_once(empty: Installation) -> None:
    """Case 21, second part."""
    both = [
        subprocess.Popen(
            [*PROGRAM, *MIGRATE],
            cwd=empty.root,
            env=empty.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    ended = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], ended
    assert sorted(out for out, _ in ended) == ["", ALL]
    assert sorted(err for _, err in ended) == ["", "The schema is current\n"]


def test_a_newer_schema_stops_every_command(empty: Installation) -> None:
    """Case 21, last part."""
    assert run(empty, *MIGRATE).code == 0
    execute(empty, "UPDATE alembic_version SET version_num = '9999'")
    for command in (MIGRATE, ("serve", "--migrate", "--port", "0")):
        ran = run(empty, *command)
        assert (ran.code, ran.out, ran.err) == (1, "", NEWER), command


def test_an_outdated_postgresql_stops_what_is_not_told_to_migrate(outdated: Installation) -> None:
    """Case 21, third part."""
    served = run(outdated, "serve", "--port", "0")
    assert (served.code, served.out, served.err) == (1, "", f"{OUTDATED}, or start with --migrate\n")
    swept = run(outdated, "storage", "sweep")
    assert (swept.code, swept.out, swept.err) == (1, "", f"{OUTDATED}\n")


def test_serve_migrates_postgresql_when_told_to(outdated: Installation) -> None:
    """Case 21, fourth part."""
    address = wire.unix(str(outdated.root / "server.sock"))
    with started(outdated, "serve", "--migrate", "--uds", "server.sock") as process:
        eventually(lambda: process.poll() is not None or accepts(address))
        assert process.poll() is None, said(outdated).read_text()
        assert address.ask("GET", "/api/stable/version").status == 401
    assert rows(outdated.environment["DATABASE_URL"], "SELECT version_num FROM alembic_version") == [(revisions()[-1],)]


def test_an_unreachable_database_is_one_line(unreachable: Installation) -> None:
    commands = (
        MIGRATE,
        ("serve", "--migrate", "--port", "0"),
        ("auth", "create-user", "-m", "a@example.org", "--generate-password"),
    )
    for command in commands:
        ran = run(unreachable, *command)
        assert (ran.code, ran.out, ran.err) == (1, "", OUT_OF_REACH), command


def test_an_sqlite_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database, but long enough to have a header " * 100)
    place = bare(tmp_path, DATABASE_URL="sqlite:///notes.txt")
    ran = run(place, *MIGRATE)
    assert (ran.code, ran.out, ran.err) == (1, "", NO_SQLITE)


@pytest.mark.parametrize("path", ["missing/records.sqlite3", "file/records.sqlite3"])
def test_an_sqlite_file_without_a_directory_is_a_wrong_setting(path: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = run(bare(tmp_path, DATABASE_URL=f"sqlite:///{path}"), *MIGRATE)
    assert (ran.code, ran.out) == (78, "")
    assert ran.err.startswith("configuration: DATABASE_URL: ")
    assert ran.err.count("\n") == 1
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_a_database_that_refuses_is_one_line(outdated: Installation) -> None:
    address = outdated.environment["DATABASE_URL"]
    name = address.rpartition("/")[2]
    execute(outdated, f"CREATE ROLE {name} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    refused = outdated.with_settings(DATABASE_URL=address.replace("//backup@", f"//{name}@"))
    ran = run(refused, *MIGRATE)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("The database refuses the migration: ")
    assert "permission denied" in ran.err
    assert ran.err.count("\n") == 1


def test_a_read_only_instance_is_not_migrated(tmp_path: Path) -> None:
    closed = bare(tmp_path, READ_ONLY="true")
    refused = run(closed, *MIGRATE)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == "Refused:\n This instance is read-only (code: 42005)\n"
    assert run(closed, *MIGRATE, "--dry-run").out == ALL
    assert run(bare(tmp_path), *MIGRATE).out == ALL
    current = run(closed, *MIGRATE)
    assert (current.code, current.out, current.err) == (0, "", "The schema is current\n")
