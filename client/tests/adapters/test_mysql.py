"""MySQL and MariaDB: one database and all of them, by the real programs."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from realm.mariadb import PASSWORD, MariaDb, mariadb
from realm.runs import Run

from bahub.errors import ProgramFailed, Tampered
from bahub.masking import Secret
from bahub.pipeline.programs import Program

_CONTENT = r"""
CREATE TABLE t (id int PRIMARY KEY, b blob, s varchar(99)) ENGINE=InnoDB;
INSERT INTO t VALUES (1, x'00ff271a0d0a5c', 'żółw 🐢 \\ \' \0'), (2, NULL, '\r\n');
INSERT INTO t SELECT seq, NULL, REPEAT('x', 40) FROM seq_3_to_5000;
CREATE VIEW v AS SELECT id, s FROM t;
DELIMITER //
CREATE PROCEDURE p() BEGIN SELECT 1; END//
CREATE FUNCTION f() RETURNS int DETERMINISTIC BEGIN RETURN 5; END//
CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW BEGIN SET NEW.s = CONCAT('triggered ', NEW.s); END//
CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO BEGIN DELETE FROM t WHERE id < 0; END//
"""

_FINGERPRINT = """
SELECT COUNT(*), SUM(CRC32(CONCAT_WS(',', id, HEX(b), HEX(s)))) FROM t; SELECT COUNT(*) FROM v; SELECT f();
SELECT routine_name, routine_definition FROM information_schema.routines WHERE routine_schema = DATABASE();
SELECT trigger_name, action_statement FROM information_schema.triggers WHERE trigger_schema = DATABASE();
SELECT event_name, event_definition FROM information_schema.events WHERE event_schema = DATABASE();
"""


def _spec(server: MariaDb, **more: Any) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": server.port, "user": "saver", "password": Secret(PASSWORD), **more}


@pytest.fixture
def database(mariadb_server: MariaDb) -> Iterator[str]:
    """A database with everything that one can hold."""
    name = f"shop` -{secrets.token_hex(4)}"
    quoted = "`" + name.replace("`", "``") + "`"
    mariadb_server.ask(f"CREATE DATABASE {quoted}; USE {quoted};{_CONTENT}")
    yield name
    mariadb_server.ask(f"DROP DATABASE IF EXISTS {quoted}")


def test_a_database_comes_back(mariadb_server: MariaDb, database: str, tmp_path: Path) -> None:
    """Case 26: rows with any bytes, views, routines, triggers, events."""
    run = Run("mysql", _spec(mariadb_server, database=database), tmp_path)
    before = mariadb_server.ask(_FINGERPRINT, database=database)

    content = run.backup()
    mariadb_server.ask("DELETE FROM t WHERE id > 1; DROP VIEW v; DROP PROCEDURE p; DROP TRIGGER tr", database=database)
    run.restore(content)

    assert mariadb_server.ask(_FINGERPRINT, database=database) == before
    assert run.verify(content) == "SQL dump of one database"
    assert run.warnings == []


def test_a_database_that_is_gone_is_made_again(mariadb_server: MariaDb, database: str, tmp_path: Path) -> None:
    run = Run("mysql", _spec(mariadb_server, database=database), tmp_path)
    before = mariadb_server.ask(_FINGERPRINT, database=database)

    content = run.backup()
    mariadb_server.ask("DROP DATABASE `" + database.replace("`", "``") + "`")
    run.restore(content)

    assert mariadb_server.ask(_FINGERPRINT, database=database) == before


def test_a_definition_of_another_database_takes_the_dump(
    mariadb_server: MariaDb, database: str, tmp_path: Path
) -> None:
    """The dump names no database: trying a restore elsewhere leaves the real one alone."""
    content = Run("mysql", _spec(mariadb_server, database=database), tmp_path).backup()
    before = mariadb_server.ask(_FINGERPRINT, database=database)
    mariadb_server.ask("DELETE FROM t", database=database)

    Run("mysql", _spec(mariadb_server, database="trial"), tmp_path).restore(content)

    assert mariadb_server.ask(_FINGERPRINT, database="trial") == before
    assert mariadb_server.ask("SELECT COUNT(*) FROM t", database=database) == "0\n"
    mariadb_server.ask("DROP DATABASE trial")


def test_all_databases_come_back_with_the_accounts(tmp_path: Path) -> None:
    """Case 26."""
    with mariadb() as server:
        server.ask(f"CREATE DATABASE shop; USE shop;{_CONTENT}")
        server.ask("CREATE DATABASE other; CREATE TABLE other.t AS SELECT 1; CREATE USER bob@'%' IDENTIFIED BY 'bob'")
        before = server.ask(_FINGERPRINT, database="shop")
        run = Run("mysql", _spec(server), tmp_path)

        content = run.backup()
        server.ask("DROP DATABASE shop; DROP DATABASE other; DROP USER bob@'%'; CREATE USER eve@'%'")
        run.restore(content)

        assert server.ask(_FINGERPRINT, database="shop") == before
        assert server.ask("SELECT * FROM other.t") == "1\n"
        users = server.ask("SELECT user FROM mysql.user").split()
        assert "bob" in users
        assert "eve" not in users
        assert run.verify(content) == "SQL dump of all databases"
        with pytest.raises(Tampered, match="all databases"):
            Run("mysql", _spec(server, database="shop"), tmp_path).restore(content)


def test_a_dump_is_one_moment(mariadb_server: MariaDb, database: str, tmp_path: Path) -> None:
    """A row that moves from one table to the other while nobody reads the dump is where it was at the beginning."""
    mariadb_server.ask(
        "CREATE TABLE aa (s longtext); INSERT INTO aa SELECT REPEAT('x', 1000000) FROM seq_1_to_5;"
        "CREATE TABLE zz (id int); INSERT INTO zz VALUES (4711)",
        database=database,
    )
    run = Run("mysql", _spec(mariadb_server, database=database), tmp_path)
    with Program(run.parts().transport, run.parts().adapter.backup(run.spec), "the source", print) as program:
        program.end_input()
        output = program.output()
        start = next(output)
        mariadb_server.ask("DELETE FROM zz; INSERT INTO zz VALUES (4712)", database=database)
        content = start + b"".join(output)
        program.finish()

    assert b"(4711)" in content
    assert b"(4712)" not in content


def test_a_broken_statement_stops_and_says_so(mariadb_server: MariaDb, database: str, tmp_path: Path) -> None:
    run = Run("mysql", _spec(mariadb_server, database=database), tmp_path)
    content = run.backup()
    position = content.index(b"INSERT INTO `t`")

    with pytest.raises(ProgramFailed) as failure:
        run.restore(content[:position] + b"@" + content[position + 1 :])

    assert any("error in your SQL syntax" in line for line in failure.value.details)
    assert "may be half restored" in failure.value.hint


def test_a_dump_without_its_closing_line_is_not_whole(mariadb_server: MariaDb, database: str, tmp_path: Path) -> None:
    run = Run("mysql", _spec(mariadb_server, database=database), tmp_path)
    content = run.backup()

    with pytest.raises(Tampered, match="closing line is missing"):
        run.verify(content[:-100])


def test_the_given_password_wins_over_the_accounts_own_file(
    mariadb_server: MariaDb, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".my.cnf").write_text("[client]\npassword=something-else\n")

    assert Run("mysql", _spec(mariadb_server, database=database), tmp_path).backup()


def test_a_wrong_password_fails_with_the_programs_words(mariadb_server: MariaDb, tmp_path: Path) -> None:
    run = Run("mysql", _spec(mariadb_server, database="mysql", password=Secret("not the password")), tmp_path)

    with pytest.raises(ProgramFailed) as failure:
        run.backup()

    assert any("Access denied" in line for line in failure.value.details)


def test_the_other_familys_program_is_told_what_only_it_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would ask MariaDB for statistics that it has not, and write statements that other servers refuse."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "mysqldump"
    program.write_text("#!/bin/sh\necho --column-statistics --set-gtid-purged=name\nprintf '%s\\n' \"$@\"\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    words = Run("mysql", {"host": "localhost", "user": "saver", "database": "shop"}, tmp_path).backup().decode().split()

    assert {"--column-statistics=0", "--set-gtid-purged=OFF", "--host=localhost", "shop"} <= set(words)
    assert "--protocol=TCP" not in words, "a socket is meant where no port is given"
