"""Of several processes one does the upkeep, whatever happens to it (contract 12)."""

from __future__ import annotations

import contextlib
import itertools
import signal
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from subprocess import Popen

import pytest
from world.instance import Installation
from world.postgres import PostgresCluster, postgres_cluster
from world.processes import workers_of
from world.records import rows
from world.sweepers import Line, lines, newest, sweeper
from world.waiting import eventually

pytestmark = pytest.mark.timeout(180)
ENOUGH = 50
"""Deletions that show that somebody sweeps."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[PostgresCluster]:
    """A cluster that may be stopped."""
    with postgres_cluster() as own:
        yield own


@pytest.fixture
def on_postgresql(cluster: PostgresCluster, tmp_path: Path) -> Installation:
    """An installation on it."""
    return Installation.make(tmp_path, DATABASE_URL=cluster.create_database())


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where sweepers write what they do."""
    path = tmp_path / "log"
    path.touch()
    return path


def turns(seen: Sequence[Line]) -> list[Line]:
    """Give the deletions, those of one sweep that follow each other as one."""
    return [line for line, _ in itertools.groupby(seen)]


def start(stack: ExitStack, url: str, log: Path, count: int) -> dict[int, Popen[bytes]]:
    processes = [stack.enter_context(sweeper(url, log)) for _ in range(count)]
    return {process.pid: process for process in processes}


def sweeps(log: Path, others: Sequence[int] = ()) -> int:
    """Return which process sweeps now and has done so for a while; 0 if it is one of the others, or none."""
    last = newest(log, ENOUGH)
    if len(last) < ENOUGH or len(set(last)) > 1 or last[0].process in others:
        return 0
    return last[0].process


def test_only_one_sweeps_and_after_its_death_another(installation: Installation, log: Path) -> None:
    """Three processes, two of them killed in the middle of their work: the sweeps follow each other, never mixed."""
    with ExitStack() as stack:
        processes = start(stack, installation.database, log, 3)
        dead: list[int] = []
        for _ in range(2):
            holder = eventually(lambda: sweeps(log, dead))
            processes[holder].kill()
            processes[holder].wait()
            dead.append(holder)
        eventually(lambda: sweeps(log, dead))
    one_after_another = turns(lines(log))
    assert len(one_after_another) == len(set(one_after_another))
    assert {line.process for line in one_after_another} == set(processes)


def test_a_holder_that_was_frozen_notices_that_another_sweeps(on_postgresql: Installation, log: Path) -> None:
    """What it had handed to the system when it froze may come to its end, no step may follow."""
    with ExitStack() as stack:
        processes = start(stack, on_postgresql.database, log, 2)
        frozen = eventually(lambda: sweeps(log))
        processes[frozen].send_signal(signal.SIGSTOP)
        other = eventually(lambda: sweeps(log, [frozen]))
        at = len(lines(log))
        before = max((line for line in lines(log) if line.process == frozen), key=lambda line: line.sweep)
        processes[frozen].send_signal(signal.SIGCONT)
        eventually(lambda: len(lines(log)) > at + 3 * ENOUGH)
        assert lines(log)[at:].count(before) <= 1
        processes[other].kill()
        eventually(lambda: sweeps(log, [other]) == frozen)
    assert lines(log)[-1].sweep > before.sweep


def test_nobody_sweeps_without_a_database_and_one_when_it_is_back(
    cluster: PostgresCluster, on_postgresql: Installation, log: Path
) -> None:
    with ExitStack() as stack:
        start(stack, on_postgresql.database, log, 2)
        eventually(lambda: sweeps(log))
        cluster.stop()
        at = len(lines(log))
        cluster.start()
        eventually(lambda: len(lines(log)) > at + ENOUGH)
    later = turns(lines(log)[at:])
    assert len(later) == len(set(later))


def test_one_worker_of_a_server_takes_over_from_another_that_is_killed(tmp_path: Path) -> None:
    """The time until its lease runs out is shortened."""
    installation = Installation.make(tmp_path)
    held = "SELECT holder FROM leases WHERE name = 'upkeep'"
    with installation.serve("--workers", "3") as server:
        (holder,) = eventually(lambda: rows(installation.database, held))[0]
        (worker,) = [worker for worker in workers_of(server.pid) if f"process {worker.pid} " in holder]
        worker.kill()
        assert rows(installation.database, held) == [(holder,)]
        with contextlib.closing(sqlite3.connect(tmp_path / "records.sqlite3")) as connection, connection:
            connection.execute("UPDATE leases SET expires_at = '2001-01-01 00:00:00.000000'")
        (next_one,) = eventually(lambda: [row for row in rows(installation.database, held) if row != (holder,)])[0]
        assert any(f"process {worker.pid} " in next_one for worker in workers_of(server.pid))
    assert rows(installation.database, "SELECT name FROM leases") == []
    assert "Traceback" not in (tmp_path / "server.log").read_text()
