"""A whole PostgreSQL instance: all databases and roles."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from realm.interrupted import start
from realm.postgres import OWNER, PASSWORD, SAVER, Postgres, postgres
from realm.runs import Run, WayFailed
from world.waiting import eventually

from bahub.errors import ProgramFailed, Tampered


@pytest.fixture(scope="module")
def instance() -> Iterator[Postgres]:
    """A cluster of our own: every test replaces all that is in it."""
    with postgres() as running:
        running.ask(f'CREATE DATABASE "my shop" OWNER {OWNER}')
        running.ask('ALTER DATABASE "my shop" CONNECTION LIMIT 5')
        running.ask(
            "CREATE ROLE keeper; ALTER ROLE keeper SET work_mem = '8MB'; CREATE TABLE note AS SELECT 'root' AS it"
        )
        running.ask(
            "CREATE TABLE t AS SELECT n FROM generate_series(1, 20000) n; ALTER TABLE t OWNER TO keeper", "my shop"
        )
        running.ask("CREATE TABLE in_template (id int); SELECT lo_from_bytea(7, 'large')", "template1")
        yield running


def test_everything_comes_back_and_nothing_else_stays(instance: Postgres, tmp_path: Path) -> None:
    """Cases 26 and 44: tables, databases and roles made later are gone, limits and passwords are as before."""
    run = Run("postgres_dump", instance.spec(), tmp_path)
    content = run.backup()
    before = _overview(instance)
    instance.ask("CREATE DATABASE added; CREATE ROLE added; ALTER DATABASE postgres CONNECTION LIMIT 50")
    instance.ask("CREATE TABLE later (id int); ALTER TABLE later OWNER TO added; DELETE FROM t", "my shop")

    assert run.verify(content) == "PostgreSQL dump of the whole instance"
    run.restore(content)

    assert _overview(instance) == before
    assert instance.limits()["my shop"] == 5
    assert instance.limits()["postgres"] == 50, "what was recorded before the restore is what is put back"
    assert run.warnings == []
    instance.ask("ALTER DATABASE postgres CONNECTION LIMIT -1")
    assert _lasting(run.backup()) == _lasting(content)


def test_the_password_that_opens_the_door_stays(instance: Postgres, tmp_path: Path) -> None:
    """The dump holds an older one; with it the restore could not even connect to the next database."""
    content = Run("postgres_dump", instance.spec(), tmp_path).backup()
    instance.ask(f"""ALTER ROLE "{SAVER}" PASSWORD 'older'""")
    older = Run("postgres_dump", instance.spec(), tmp_path)
    with pytest.raises(ProgramFailed):
        older.backup()
    instance.ask(f"""ALTER ROLE "{SAVER}" PASSWORD '{PASSWORD.replace("'", "''")}'""")
    changed = content.replace(b'ALTER ROLE "saver =role" WITH ', b'ALTER ROLE "saver =role" WITH NOLOGIN ')
    assert changed != content

    Run("postgres_dump", instance.spec(), tmp_path).restore(changed)

    assert instance.ask("SELECT count(*) FROM t", "my shop") == "20000"


def test_an_error_in_the_middle_stops_and_says_which(instance: Postgres, tmp_path: Path) -> None:
    run = Run("postgres_dump", instance.spec(), tmp_path)
    content = run.backup()
    position = content.index(b"CREATE TABLE public.t ")

    with pytest.raises(ProgramFailed) as failure:
        run.restore(content[:position] + b"@" + content[position + 1 :])

    assert any("syntax error" in line for line in failure.value.details)
    assert "may be half restored" in failure.value.hint
    assert instance.limits()["my shop"] == 5
    run.restore(content)
    assert instance.ask("SELECT count(*) FROM t", "my shop") == "20000"


def test_a_restore_can_be_repeated_after_one_that_broke_off_anywhere(instance: Postgres, tmp_path: Path) -> None:
    """Also between the dropping of a database that every instance has and its making."""
    run = Run("postgres_dump", instance.spec(), tmp_path)
    content = run.backup()
    before = _overview(instance)
    for broken_off_at in (b"CREATE DATABASE template1", b"CREATE DATABASE postgres", b"CREATE TABLE public.t "):
        position = content.index(broken_off_at)
        with pytest.raises(ProgramFailed):
            run.restore(content[:position] + b"@" + content[position + 1 :])
        run.restore(content)
        assert _overview(instance) == before


def test_a_failure_on_the_way_is_said_to_leave_half_an_instance(instance: Postgres, tmp_path: Path) -> None:
    run = Run("postgres_dump", instance.spec(), tmp_path)
    content = run.backup()

    def dropping() -> bool:
        try:
            return "my shop" not in instance.limits()
        except RuntimeError:  # `postgres`, where we ask, is between being dropped and made
            return True

    with pytest.raises(WayFailed):
        run.restore(content, fails_when=dropping)

    assert any("half restored" in warning for warning in run.warnings)
    run.restore(content)


def test_nothing_is_dropped_before_the_first_of_the_content_is_there(instance: Postgres, tmp_path: Path) -> None:
    """The download may fail before its first byte, or its first byte may be the last block, which is held back."""
    run = Run("postgres_dump", instance.spec(), tmp_path)
    before = _overview(instance)

    with pytest.raises(WayFailed):
        run.restore(b"", fails_when=lambda: instance.limits()["my shop"] == 0)

    assert _overview(instance) == before
    assert instance.limits()["my shop"] == 5
    assert not any("half restored" in warning for warning in run.warnings)


def test_a_killed_restore_leaves_limits_that_unblock_puts_back(instance: Postgres, tmp_path: Path) -> None:
    """Case 44."""
    run = Run("postgres_dump", instance.spec(), tmp_path)
    content = run.backup()
    before = instance.limits()
    restoring = start("restore", run)
    try:
        eventually(lambda: set(instance.limits().values()) == {0, before["template0"]})
        restoring.send_signal(signal.SIGKILL)
    finally:
        restoring.kill()
        restoring.communicate()

    assert run.unblock()
    assert instance.limits() == before
    assert _lasting(run.backup()) == _lasting(content)


def test_a_dump_of_one_database_is_not_taken_for_an_instance(instance: Postgres, tmp_path: Path) -> None:
    content = Run("postgres_dump", instance.spec("my shop"), tmp_path).backup()
    before = _overview(instance)

    with pytest.raises(Tampered, match="one database"):
        Run("postgres_dump", instance.spec(), tmp_path).verify(content)

    assert _overview(instance) == before


def _overview(instance: Postgres) -> list[str]:
    return [
        instance.ask("SELECT datname, datistemplate FROM pg_database ORDER BY 1"),
        instance.ask("SELECT rolname, rolsuper, rolcanlogin, rolpassword FROM pg_authid WHERE oid >= 16384 ORDER BY 1"),
        instance.ask("SELECT rolconfig FROM pg_roles WHERE rolname = 'keeper'; SELECT it FROM note"),
        instance.ask(
            "SELECT relname, relowner::regrole FROM pg_class WHERE relnamespace = 'public'::regnamespace", "my shop"
        ),
        instance.ask("SELECT count(*) FROM t", "my shop"),
        instance.ask("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace", "template1"),
        instance.ask("SELECT convert_from(lo_get(7), 'UTF8')", "template1"),
    ]


def _lasting(content: bytes) -> list[bytes]:
    """Return what two dumps have in common: all but the random words of newer programs."""
    return [line for line in content.splitlines() if b"restrict " not in line]
