"""One PostgreSQL database: saved, put back in one transaction, its connections blocked meanwhile."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from realm.interrupted import start
from realm.postgres import OWNER, Postgres
from realm.runs import Run, WayFailed
from world.waiting import eventually

from bahub.config.model import TransportEntry
from bahub.errors import ProgramFailed, Tampered

_CONTENT = """
CREATE SCHEMA sales;
CREATE TYPE sales.kind AS ENUM ('small', 'large');
CREATE TABLE sales.orders (id int PRIMARY KEY, kind sales.kind, note text);
CREATE TABLE public.lines (id serial PRIMARY KEY, parent int REFERENCES sales.orders, payload bytea);
INSERT INTO sales.orders VALUES (1, 'small', E'CREATE OR REPLACE VIEW x;\\n-- Name: y\\n\\\\.'), (2, 'large', NULL);
INSERT INTO lines (parent, payload) SELECT 1 + n % 2, decode(md5(n::text), 'hex') FROM generate_series(1, 20000) n;
CREATE VIEW sales.totals AS SELECT id, kind, count(*) FROM sales.orders GROUP BY id;
CREATE FUNCTION public.commit_word() RETURNS text LANGUAGE sql AS $$ SELECT 'COMMIT;' $$;
SELECT lo_from_bytea(4711, 'large');
"""
"""The view depends on the table's primary key: `pg_dump --clean` first replaces it by one that mentions its types."""

_FINGERPRINT = """
SELECT (SELECT count(*) FROM public.lines), (SELECT md5(string_agg(id || payload::text, ',' ORDER BY id)) FROM lines),
       (SELECT string_agg(orders::text, ',') FROM sales.orders), (SELECT count(*) FROM sales.totals), commit_word(),
       convert_from(lo_get(4711), 'UTF8');
SELECT pg_catalog.string_agg(nspname || '.' || relname, ' ' ORDER BY relname)
  FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
  GROUP BY nspname ORDER BY nspname;
SELECT nspname, nspowner::regrole, nspacl FROM pg_namespace WHERE nspname = 'public';
"""


@pytest.fixture
def database(postgres_server: Postgres) -> Iterator[str]:
    """A database with content, owned by a role that is no superuser, open for seven connections."""
    name = f"shop ='\\{secrets.token_hex(4)}"
    quoted = f'"{name}"'
    postgres_server.ask(f"CREATE DATABASE {quoted} OWNER {OWNER}")
    postgres_server.ask(f"ALTER DATABASE {quoted} CONNECTION LIMIT 7")
    postgres_server.ask(_CONTENT, _conninfo(name))
    yield name
    postgres_server.ask(f"DROP DATABASE {quoted} WITH (FORCE)")


def _conninfo(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"dbname='{escaped}'"


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash"])
def test_what_was_saved_comes_back(postgres_server: Postgres, database: str, tmp_path: Path, shell: str) -> None:
    """Cases 26 and 44: changed rows are as before, what was made later is gone, even if something depends on it."""
    transport = TransportEntry("here", "sh", {"shell": shell})
    run = Run("postgres_dump", postgres_server.spec(database), tmp_path, transport)
    here = _conninfo(database)
    before = postgres_server.ask(_FINGERPRINT, here)

    content = run.backup()
    postgres_server.ask(
        "CREATE TABLE later AS SELECT * FROM lines; CREATE VIEW sales.later AS SELECT * FROM lines;"
        "CREATE SCHEMA later; CREATE TABLE later.still (id int REFERENCES lines);"
        "DELETE FROM lines WHERE id < 100; UPDATE sales.orders SET note = 'changed'; SELECT lo_unlink(4711);"
        "SELECT lo_create(4712); CREATE FUNCTION later() RETURNS event_trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE 'not now'; END $$; CREATE EVENT TRIGGER later ON ddl_command_end EXECUTE FUNCTION later()",
        here,
    )
    assert run.verify(content) == "PostgreSQL dump of one database"
    run.restore(content)

    assert postgres_server.ask(_FINGERPRINT, here) == before
    assert postgres_server.ask("SELECT count(*) FROM pg_largeobject_metadata", here) == "1"
    assert postgres_server.limits()[database] == 7
    assert _lasting(run.backup()) == _lasting(content)
    assert run.warnings == []


def test_an_empty_database_takes_the_dump(postgres_server: Postgres, database: str, tmp_path: Path) -> None:
    """What `pg_dump` drops first is not there; a view that it would replace has types that are not there either."""
    content = Run("postgres_dump", postgres_server.spec(database), tmp_path).backup()
    before = postgres_server.ask(_FINGERPRINT, _conninfo(database))
    postgres_server.ask("CREATE DATABASE empty")

    Run("postgres_dump", postgres_server.spec("empty"), tmp_path).restore(content)

    assert postgres_server.ask(_FINGERPRINT, "empty") == before
    postgres_server.ask("DROP DATABASE empty")


@pytest.mark.parametrize("damage", ["way", "statement", "end"])
def test_a_damaged_dump_leaves_the_database_as_it_was(
    postgres_server: Postgres, database: str, tmp_path: Path, damage: str
) -> None:
    """Case 43: the way fails after all but the last block, a statement is broken, or the end is missing."""
    run = Run("postgres_dump", postgres_server.spec(database), tmp_path)
    content = run.backup()
    here = _conninfo(database)
    postgres_server.ask("CREATE TABLE later (id int); DELETE FROM lines WHERE id < 100", here)
    before = postgres_server.ask(_FINGERPRINT, here)

    if damage == "way":
        with pytest.raises(WayFailed):
            run.restore(content, fails_when=lambda: _writes(postgres_server, database))
    elif damage == "statement":
        position = content.index(b"ADD CONSTRAINT lines_pkey")
        with pytest.raises(ProgramFailed, match="exit status 3") as failure:
            run.restore(content[:position] + b"@" + content[position + 1 :])
        assert any("syntax error" in line for line in failure.value.details)
    else:
        with pytest.raises(Tampered, match="breaks off"):
            run.restore(content[: -len(content) // 3])

    assert postgres_server.ask(_FINGERPRINT, here) == before
    assert postgres_server.limits()[database] == 7


def test_open_sessions_are_ended_and_new_ones_refused(postgres_server: Postgres, database: str, tmp_path: Path) -> None:
    """Case 44: while the content is on its way nobody else gets in; afterwards everybody does."""
    run = Run("postgres_dump", postgres_server.spec(database), tmp_path)
    content = run.backup()
    with postgres_server.session(_conninfo(database)) as held:
        restoring = start("restore", run)
        try:
            assert restoring.stdin is not None
            restoring.stdin.write(content[:1000])
            restoring.stdin.flush()
            eventually(lambda: postgres_server.limits()[database] == 0)
            assert "terminating connection" in held.communicate("SELECT 1;\n")[1]
            with pytest.raises(ConnectionError, match="too many connections"):
                postgres_server.session(_conninfo(database))
            restoring.communicate(content[1000:])
        finally:
            restoring.kill()
    assert restoring.returncode == 0
    with postgres_server.session(_conninfo(database)) as again:
        again.communicate()
    assert again.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_in_the_middle_leaves_no_limit_for_good(
    postgres_server: Postgres, database: str, tmp_path: Path, number: signal.Signals
) -> None:
    """Case 44: ended politely it puts the limits back itself; killed, `--unblock` does, and nothing is restored."""
    run = Run("postgres_dump", postgres_server.spec(database), tmp_path)
    content = run.backup()
    here = _conninfo(database)
    postgres_server.ask("DELETE FROM lines WHERE id < 100", here)
    before = postgres_server.ask(_FINGERPRINT, here)
    restoring = start("restore", run)
    try:
        assert restoring.stdin is not None
        restoring.stdin.write(content[:-1])
        restoring.stdin.flush()
        eventually(lambda: postgres_server.limits()[database] == 0)
        restoring.send_signal(number)
        assert restoring.wait() == (143 if number == signal.SIGTERM else -number)
    finally:
        restoring.kill()
        restoring.communicate()
    if number == signal.SIGKILL:
        assert postgres_server.limits()[database] == 0
        assert run.unblock()

    assert postgres_server.limits()[database] == 7
    assert not run.unblock()
    assert postgres_server.ask(_FINGERPRINT, here) == before


def test_a_restore_after_a_killed_one_puts_back_the_limit_of_before_both(
    postgres_server: Postgres, database: str, tmp_path: Path
) -> None:
    """Case 44: the second one finds a limit of 0, but does not take it for the former one."""
    run = Run("postgres_dump", postgres_server.spec(database), tmp_path)
    content = run.backup()
    restoring = start("restore", run)
    try:
        eventually(lambda: postgres_server.limits()[database] == 0)
    finally:
        restoring.kill()
        restoring.communicate()

    run.restore(content)

    assert postgres_server.limits()[database] == 7


def test_without_blocking_the_owner_restores_in_one_transaction_too(postgres_server: Postgres, tmp_path: Path) -> None:
    """`block_connections: false` needs no superuser, and damage still changes nothing."""
    postgres_server.ask(f"CREATE DATABASE plain OWNER {OWNER}")
    run = Run("postgres_dump", postgres_server.spec("plain", user=OWNER, block_connections=False), tmp_path)
    postgres_server.ask(f"SET ROLE {OWNER}; CREATE TABLE t AS SELECT n FROM generate_series(1, 20000) n", "plain")
    content = run.backup()
    postgres_server.ask("DELETE FROM t", "plain")

    with pytest.raises(WayFailed):
        run.restore(content, fails_when=lambda: _writes(postgres_server, "plain"))
    assert postgres_server.ask("SELECT count(*) FROM t", "plain") == "0"
    run.restore(content)

    assert postgres_server.ask("SELECT count(*) FROM t", "plain") == "20000"
    postgres_server.ask("DROP DATABASE plain")


def test_a_role_that_is_no_superuser_is_told_what_to_change(postgres_server: Postgres, tmp_path: Path) -> None:
    postgres_server.ask(f"CREATE DATABASE small OWNER {OWNER}")
    run = Run("postgres_dump", postgres_server.spec("small", user=OWNER), tmp_path)
    content = run.backup()

    with pytest.raises(ProgramFailed) as failure:
        run.restore(content)

    assert any("no superuser" in line and "block_connections" in line for line in failure.value.details)
    assert postgres_server.limits()["small"] == -1
    postgres_server.ask("DROP DATABASE small")


def test_a_dump_of_the_whole_instance_does_not_go_into_one_database(
    postgres_server: Postgres, database: str, tmp_path: Path
) -> None:
    """It would leave the transaction with its first `\\connect`."""
    content = Run("postgres_dump", postgres_server.spec(), tmp_path).backup()
    before = postgres_server.ask(_FINGERPRINT, _conninfo(database))

    with pytest.raises(Tampered, match="all databases"):
        Run("postgres_dump", postgres_server.spec(database), tmp_path).restore(content)

    assert postgres_server.ask(_FINGERPRINT, _conninfo(database)) == before
    assert postgres_server.limits()[database] == 7


def test_a_source_that_is_not_there_fails_with_the_programs_words(postgres_server: Postgres, tmp_path: Path) -> None:
    """Case 32: the source fails at the start."""
    run = Run("postgres_dump", postgres_server.spec("nobody_made_it"), tmp_path)

    with pytest.raises(ProgramFailed) as failure:
        run.backup()

    assert any('database "nobody_made_it" does not exist' in line for line in failure.value.details)


def _writes(postgres_server: Postgres, database: str) -> bool:
    """Whether a transaction that has changed something is open in a database."""
    rows = postgres_server.ask("SELECT datname FROM pg_stat_activity WHERE backend_xid IS NOT NULL")
    return database in rows.splitlines()


def _lasting(content: bytes) -> list[bytes]:
    """Return what two dumps of the same database have in common: all but the random words of newer programs."""
    return [line for line in content.splitlines() if b"restrict " not in line]
