"""Programs on the other side: missing ones are named, and none of them is ever told a secret by its arguments."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from realm.mariadb import PASSWORD as MARIADB_PASSWORD
from realm.mariadb import MariaDb
from realm.postgres import PASSWORD as POSTGRES_PASSWORD
from realm.postgres import Postgres
from realm.recorded import record, watched
from realm.redis_server import PASSWORD as REDIS_PASSWORD
from realm.redis_server import redis_server
from realm.runs import Run
from realm.sshd import sshd

from bahub.config.model import TransportEntry
from bahub.errors import ProgramFailed
from bahub.masking import Secret

_SPECS: Mapping[str, Mapping[str, Any]] = {
    "filesystem": {"paths": ["/etc"]},
    "mysql": {"host": "127.0.0.1", "user": "x"},
    "postgres_dump": {"host": "127.0.0.1", "user": "x"},
    "sqlite": {"path": "/srv/one.db"},
    "redis": {"host": "127.0.0.1", "rdb_path": "/srv/dump.rdb"},
}


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("filesystem", "tar is not there: install tar"),
        ("mysql", "mariadb-dump or mysqldump is not there: install default-mysql-client"),
        ("postgres_dump", "pg_dumpall is not there: install postgresql-client"),
        ("sqlite", "sqlite3 is not there: install sqlite3"),
        ("redis", "redis-cli is not there: install redis-tools"),
    ],
)
def test_a_missing_program_is_named_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, sentence: str
) -> None:
    run = Run(kind, _SPECS[kind], tmp_path)
    run.check()
    monkeypatch.setenv("PATH", str(tmp_path))
    for ask in (run.backup, run.check):
        with pytest.raises(ProgramFailed, match="exit status 127") as failure:
            ask()
        assert failure.value.details == (sentence,)


@pytest.mark.parametrize(("whole", "block"), [(False, False), (False, True), (True, False)])
def test_postgres_programs_are_told_no_password(
    postgres_server: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: bool, block: bool
) -> None:
    """Case 52."""
    postgres_server.ask("CREATE DATABASE told")
    recorded = record(tmp_path / "bin", ["pg_dump", "pg_dumpall", "psql"], monkeypatch)
    shell = TransportEntry("recorded", "sh", {"shell": recorded.shell})
    spec = postgres_server.spec(None if whole else "told", block_connections=block)

    with watched() as seen:
        run = Run("postgres_dump", spec, tmp_path, shell)
        content = run.backup()
        if not whole:
            run.restore(content)

    assert recorded.started() == ({"sh", "pg_dumpall"} if whole else {"sh", "pg_dump", "psql"})
    _nowhere(POSTGRES_PASSWORD, recorded.arguments(), seen)
    postgres_server.ask("DROP DATABASE told")


def test_mysql_programs_are_told_no_password(
    mariadb_server: MariaDb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 52."""
    mariadb_server.ask("CREATE DATABASE told; CREATE TABLE told.t AS SELECT 1")
    recorded = record(tmp_path / "bin", ["mariadb", "mariadb-dump"], monkeypatch)
    shell = TransportEntry("recorded", "sh", {"shell": recorded.shell})
    spec = {"host": "127.0.0.1", "port": mariadb_server.port, "user": "saver", "database": "told"}
    run = Run("mysql", {**spec, "password": Secret(MARIADB_PASSWORD)}, tmp_path, shell)

    with watched() as seen:
        run.restore(run.backup())

    assert recorded.started() == {"sh", "mariadb", "mariadb-dump"}
    _nowhere(MARIADB_PASSWORD, recorded.arguments(), seen)


def test_redis_programs_are_told_no_password_on_any_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 52: nor is `ssh`, which carries the script; the account of the user goes the same way."""
    (tmp_path / "data").mkdir()
    with redis_server(tmp_path / "data") as server, sshd() as there:
        server.ask("ACL", "SETUSER", "saver", "on", f">{REDIS_PASSWORD}", "~*", "+@all")
        server.ask("SET", "key", "value")
        recorded = record(tmp_path / "bin", ["ssh", "redis-cli"], monkeypatch)
        spec = {"host": "127.0.0.1", "port": server.port, "username": "saver", "password": Secret(REDIS_PASSWORD)}
        far = Run("redis", spec, tmp_path, TransportEntry("there", "ssh", there.spec))
        near = Run("redis", spec, tmp_path, TransportEntry("here", "sh", {"shell": recorded.shell}))

        with watched() as seen:
            assert far.verify(far.backup()) == near.verify(near.backup())

    assert recorded.started() == {"sh", "ssh", "redis-cli"}
    _nowhere(REDIS_PASSWORD, recorded.arguments(), seen)


def test_a_secret_that_a_program_repeats_is_masked(tmp_path: Path) -> None:
    """Case 52: whatever it says reaches the user without it."""
    secret = Secret("s3cret-of-a-program")
    run = Run(
        "command", {"command": f"echo warning: {secret.reveal()} >&2; echo {secret.reveal()} >&2; exit 1"}, tmp_path
    )

    with pytest.raises(ProgramFailed) as failure:
        run.backup()

    assert failure.value.details == ("warning: ********", "********")
    assert run.warnings == ["the source: ********"]


def _nowhere(secret: str, arguments: list[list[str]], seen: list[str]) -> None:
    assert arguments
    assert seen
    assert not any(secret in word for call in arguments for word in call)
    assert not any(secret in words for words in seen)
