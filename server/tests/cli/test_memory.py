"""What a server at rest holds in memory: only what it needs, also after its first start and after log-ins."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
from world import wire
from world.console import accepts, bare, run, said, started
from world.instance import ADMIN, PASSWORD, Installation, log_in
from world.waiting import eventually

MIB = 1024 * 1024
LOG_IN = 19 * MIB
"""What checking one password takes."""
CHECK_SCHEMA = """
import asyncio, sys
from backup_repository.cli import serve
from backup_repository.database.engine import Database
from backup_repository.database.migrate import pending

async def check():
    database = Database(sys.argv[1])
    assert not await pending(database)
    await database.close()

asyncio.run(check())
print(*(name for name in ("alembic", "asyncpg", "rich") if name in sys.modules))
"""


@contextmanager
def serving(place: Installation) -> Iterator[psutil.Process]:
    path = place.root / "server.sock"
    path.unlink(missing_ok=True)
    with started(place, "serve", "--uds", path.name) as process:
        eventually(lambda: process.poll() is not None or accepts(wire.unix(str(path))))
        assert process.poll() is None, said(place).read_text()
        assert wire.unix(str(path)).ask("GET", "/health").status == 403
        yield psutil.Process(process.pid)


def test_the_first_start_takes_no_more_than_later_ones(tmp_path: Path) -> None:
    place = bare(tmp_path)
    with serving(place) as first:
        at_first = first.memory_info().rss
    with serving(place) as second:
        later = second.memory_info().rss
    assert at_first < later + 5 * MIB, "the migration library stays loaded"


def test_checking_a_current_schema_loads_no_migrations_and_no_other_engine(tmp_path: Path) -> None:
    place = bare(tmp_path)
    assert run(place, "db", "migrate").code == 0
    command = [sys.executable, "-c", CHECK_SCHEMA, "sqlite:///var/backup-repository.sqlite3"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout.strip()) == (0, ""), ended.stderr


def test_the_memory_of_log_ins_is_given_back(installation: Installation) -> None:
    address = wire.unix(str(installation.root / "server.sock"))
    with serving(installation) as server, ThreadPoolExecutor(8) as people:
        assert log_in(address, ADMIN, PASSWORD)
        before = server.memory_info().rss
        assert len(set(people.map(lambda _: log_in(address, ADMIN, PASSWORD), range(24)))) == 24
        assert server.memory_info().rss < before + LOG_IN
