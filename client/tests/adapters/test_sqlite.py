"""SQLite databases: copied while they are written, put back only when nobody has them open (case 45)."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from realm.interrupted import start
from realm.runs import Run, WayFailed
from world.programs import require_program
from world.waiting import eventually

from bahub.errors import ProgramFailed, Tampered


@pytest.fixture(scope="module")
def without_the_program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH with all that is on this machine's, but for `sqlite3`."""
    place = tmp_path_factory.mktemp("programs")
    for directory in ("/bin", "/usr/bin"):
        for program in Path(directory).iterdir():
            link = place / program.name
            if program.name != "sqlite3" and not link.is_symlink():
                link.symlink_to(program)
    return str(place)


@pytest.fixture(autouse=True, params=["sqlite3", "python3"])
def program(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, without_the_program: str) -> str:
    """Every test runs with SQLite's own program, and where only Python is."""
    name: str = request.param
    if name == "python3":
        monkeypatch.setenv("PATH", without_the_program)
    require_program(name)
    return name


_WRITER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], timeout=60)
number = 0
while True:
    with database:
        database.execute("UPDATE pair SET left = left + 1")
        database.execute("UPDATE pair SET right = right + 1")
        database.execute("INSERT INTO big VALUES (randomblob(5000))")
    print(number := number + 1, flush=True)
"""


def _make(path: Path, journal: str = "delete") -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"PRAGMA journal_mode = {journal}")
        database.execute("CREATE TABLE pair (left int, right int)")
        database.execute("INSERT INTO pair VALUES (0, 0)")
        database.execute("CREATE TABLE big (it blob)")
        database.executemany("INSERT INTO big VALUES (randomblob(5000))", [()] * 2000)


def _rows(path: Path) -> list[tuple[int, int]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT left, right FROM pair").fetchall()


@contextmanager
def _written(path: Path) -> Iterator[None]:
    """Have another process write without a pause."""
    with subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        try:
            writer.stdout.readline()
            yield
            assert writer.poll() is None
        finally:
            writer.kill()


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_copy_made_under_constant_writes_is_whole(tmp_path: Path, journal: str) -> None:
    """Case 45: what it holds was true at one moment, and the copying ends although the writing does not."""
    path = tmp_path / 'it\'s "one".db'
    _make(path, journal)
    run = Run("sqlite", {"path": str(path)}, tmp_path)

    with _written(path):
        content = run.backup()

    assert run.verify(content).startswith("SQLite database, ")
    (tmp_path / "copy.db").write_bytes(content)
    with closing(sqlite3.connect(tmp_path / "copy.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        [(left, right)] = database.execute("SELECT left, right FROM pair").fetchall()
    assert left == right > 0


def test_the_copy_is_removed_and_was_never_readable_by_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _make(tmp_path / "one.db")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))

    Run("sqlite", {"path": str(tmp_path / "one.db")}, tmp_path).backup()

    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_signal_in_the_middle_leaves_no_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _make(tmp_path / "one.db")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    with closing(sqlite3.connect(tmp_path / "one.db")) as database:
        database.execute("BEGIN EXCLUSIVE")
        saving = start("backup", Run("sqlite", {"path": str(tmp_path / "one.db")}, tmp_path))
        try:
            eventually(lambda: list((tmp_path / "temporary").iterdir()))
            saving.send_signal(signal.SIGTERM)
            assert saving.wait() == 143
        finally:
            saving.kill()
            saving.communicate()

    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_missing_database_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed) as failure:
        Run("sqlite", {"path": str(tmp_path / "none.db")}, tmp_path).backup()

    assert failure.value.details == (f"{tmp_path}/none.db does not exist",)
    assert not (tmp_path / "none.db").exists()


def test_a_damaged_database_is_not_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does its copy stay."""
    path = tmp_path / "one.db"
    _make(path)
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(os.urandom(20_000))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))

    with pytest.raises(ProgramFailed):
        Run("sqlite", {"path": str(path)}, tmp_path).backup()

    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_database_comes_back_with_its_owner_and_mode(tmp_path: Path, journal: str) -> None:
    """Case 26: side files of what it replaces are gone, otherwise SQLite would apply them to it."""
    path = tmp_path / "one.db"
    _make(path, journal)
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 1234, 4321)
    owner = (path.stat().st_uid, path.stat().st_gid)
    run = Run("sqlite", {"path": str(path)}, tmp_path)
    content = run.backup()
    crash = "import sqlite3,sys,os; d=sqlite3.connect(sys.argv[1]); d.execute('UPDATE pair SET left = 99'); d.commit(); os._exit(0)"
    subprocess.run([sys.executable, "-c", crash, str(path)], check=True)
    assert (tmp_path / "one.db-wal").exists() == (journal == "wal")

    run.restore(content)

    assert sorted(file.name for file in tmp_path.iterdir()) == ["one.db"]
    assert path.read_bytes() == content
    assert _rows(path) == [(0, 0)]
    assert (path.stat().st_mode & 0o777, path.stat().st_uid, path.stat().st_gid) == (0o640, *owner)
    assert run.warnings == []


def test_a_database_that_is_gone_comes_back_too(tmp_path: Path) -> None:
    path = tmp_path / "one.db"
    _make(path)
    run = Run("sqlite", {"path": str(path)}, tmp_path)
    content = run.backup()
    path.unlink()

    run.restore(content)

    assert path.read_bytes() == content
    assert [warning for warning in run.warnings if "is new" in warning]


def test_a_link_to_the_database_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    _make(tmp_path / "real" / "one.db")
    (tmp_path / "link.db").symlink_to("real/one.db")
    run = Run("sqlite", {"path": str(tmp_path / "link.db")}, tmp_path)
    content = run.backup()
    (tmp_path / "real" / "one.db").write_bytes(b"")

    run.restore(content)

    assert (tmp_path / "link.db").is_symlink()
    assert (tmp_path / "real" / "one.db").read_bytes() == content


@pytest.mark.parametrize("use", ["idle", "idle in WAL mode", "writing"])
def test_a_restore_is_refused_while_somebody_has_the_database(tmp_path: Path, use: str) -> None:
    """Case 45: also while a program has it open and does nothing."""
    path = tmp_path / "one.db"
    _make(path, "wal" if use == "idle in WAL mode" else "delete")
    run = Run("sqlite", {"path": str(path)}, tmp_path)
    content = run.backup()
    with closing(sqlite3.connect(path)) as database:
        database.execute("SELECT * FROM pair").fetchall()
        if use == "writing":
            database.execute("UPDATE pair SET left = 5")
        with pytest.raises(ProgramFailed, match="preparing") as failure:
            run.restore(content)
        assert failure.value.details == (f"{path} is in use by the process {os.getpid()}: stop it first",)
        assert _partial(tmp_path) == []
    run.restore(content)
    assert path.read_bytes() == content


def test_a_program_that_opens_it_meanwhile_stops_the_restore(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 45: it is looked at again before the old file is replaced."""
    path = tmp_path / "one.db"
    _make(path)
    run = Run("sqlite", {"path": str(path)}, tmp_path)
    content = run.backup()
    before = path.read_bytes()
    # `sync` comes between the two looks: here it waits until the database is open.
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "sync").write_text(f"#!/bin/sh\ntouch {tmp_path}/syncs; read -r _ <{tmp_path}/gate\n")
    (tmp_path / "bin" / "sync").chmod(0o755)
    os.mkfifo(tmp_path / "gate")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")

    with ThreadPoolExecutor() as threads:
        restoring = threads.submit(run.restore, content)
        eventually((tmp_path / "syncs").exists)
        with path.open("rb"):
            (tmp_path / "gate").write_text("go on\n")
            with pytest.raises(ProgramFailed, match="finishing the restore"):
                restoring.result()

    assert path.read_bytes() == before
    assert _partial(tmp_path) == []


def test_a_failure_on_the_way_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "one.db"
    _make(path)
    before = path.read_bytes()
    run = Run("sqlite", {"path": str(path)}, tmp_path)

    with pytest.raises(WayFailed):
        run.restore(run.backup(), fails_when=lambda: _partial(tmp_path))

    assert path.read_bytes() == before
    assert _partial(tmp_path) == []


def test_content_that_is_damaged_inside_is_found_before_the_rename(tmp_path: Path) -> None:
    """Header and length are right; the integrity check over there sees it."""
    path = tmp_path / "one.db"
    _make(path)
    run = Run("sqlite", {"path": str(path)}, tmp_path)
    content = run.backup()
    before = path.read_bytes()

    with pytest.raises(ProgramFailed, match="finishing the restore"):
        run.restore(content[:8192] + os.urandom(20_000) + content[28_192:])

    assert path.read_bytes() == before
    assert _partial(tmp_path) == []


def test_a_copy_of_another_length_is_not_whole(tmp_path: Path) -> None:
    _make(tmp_path / "one.db")
    run = Run("sqlite", {"path": str(tmp_path / "one.db")}, tmp_path)
    content = run.backup()

    with pytest.raises(Tampered, match="does not fit"):
        run.verify(content[:-4096])
    with pytest.raises(Tampered, match="in its header"):
        run.verify(content[:50])
    with pytest.raises(Tampered, match="no SQLite database"):
        run.verify(b"x" + content)


def _partial(directory: Path) -> list[Path]:
    return list(directory.glob("*.partial-*"))
