"""What a server at rest holds in memory: only what it needs, also after its first start and after log-ins."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
from world import wire
from world.console import PROGRAM, accepts, bare, said, started
from world.instance import ADMIN, COLLECTIONS, PASSWORD, Installation, log_in
from world.waiting import eventually

MIB = 1024 * 1024
LOG_IN = 19 * MIB
"""What checking one password takes."""
TELLING = (sys.executable, "-X", "importtime", "-m", "backup_repository")
"""Starts the console so that it names, where `said` looks, every module that it loads."""
HEAVY = {
    "alembic": "11 MB, for a schema that is not current",
    "asyncpg": "3 MB, for PostgreSQL",
    "jinja2": "2 MB, for the pages of the web console",
    "obstore": "4 MB, for object stores",
    "prometheus_client": "1 MB, for those who ask for metrics",
    "rich": "2 MB, for colours that no output has",
    "sqlalchemy.dialects.postgresql": "2 MB, for PostgreSQL",
    "sqlalchemy.orm": "6 MB, for nobody",
}
"""What a server on SQLite with a local storage does not need, and why it was loaded once."""


@contextmanager
def serving(place: Installation, before: Sequence[str] = PROGRAM) -> Iterator[psutil.Process]:
    path = place.root / "server.sock"
    path.unlink(missing_ok=True)
    with started(place, "serve", "--uds", path.name, before=before) as process:
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


def loaded(place: Installation) -> set[str]:
    """Give the heavy modules that a server has named so far."""
    names = {line.rpartition("|")[2].strip() for line in said(place).read_text().splitlines() if "|" in line}
    assert "backup_repository.main" in names
    return names & HEAVY.keys()


def test_a_server_loads_nothing_that_only_others_need(installation: Installation) -> None:
    address = wire.unix(str(installation.root / "server.sock"))
    with serving(installation, TELLING):
        bearer = {"Authorization": f"Bearer {log_in(address, ADMIN, PASSWORD)}"}
        fields = {"maxBackupsCount": 2, "maxOneVersionSize": 0, "maxCollectionSize": 0, "filename": "db.gz"}
        wanted = wire.as_json({**fields, "strategy": "delete_oldest_when_adding_new"})
        created = address.ask("POST", COLLECTIONS, bearer, wanted).json()["collection"]
        versions = f"{COLLECTIONS}/{created['id']}/versions"
        assert address.ask("POST", versions, bearer, b"a dump").status == 200
        assert address.ask("GET", f"{versions}/latest", bearer).body == b"a dump"
        assert loaded(installation) == set()


def test_what_pages_and_metrics_need_is_loaded_when_they_are_asked_for(installation: Installation) -> None:
    address = wire.unix(str(installation.root / "server.sock"))
    place = installation.with_settings(METRICS_CODE="0123456789abcdef")
    with serving(place, TELLING):
        assert address.ask("GET", "/login").status == 200
        assert loaded(place) == {"jinja2"}
        assert address.ask("GET", "/metrics?code=0123456789abcdef").status == 200
        assert loaded(place) == {"jinja2", "prometheus_client"}


def test_the_memory_of_log_ins_is_given_back(installation: Installation) -> None:
    address = wire.unix(str(installation.root / "server.sock"))
    with serving(installation) as server, ThreadPoolExecutor(8) as people:
        assert log_in(address, ADMIN, PASSWORD)
        before = server.memory_info().rss
        assert len(set(people.map(lambda _: log_in(address, ADMIN, PASSWORD), range(24)))) == 24
        assert server.memory_info().rss < before + LOG_IN


COUNTING = """
import gc, os
from pathlib import Path
from backup_repository.config.load import load
from backup_repository.main import create
application = create(load(os.environ, None, Path.cwd()).config)
print(gc.get_freeze_count(), len(gc.get_objects()))
"""
"""Builds the application as a server process does, and counts."""


def test_the_garbage_collector_passes_over_what_stays(installation: Installation) -> None:
    """While it looks at objects nobody is served."""
    command = (sys.executable, "-c", COUNTING)
    told = subprocess.run(command, cwd=installation.root, env=installation.environment, capture_output=True, check=True)
    passed_over, looked_at = map(int, told.stdout.split())
    assert looked_at < passed_over / 10
