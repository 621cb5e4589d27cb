"""What every area of tests may ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings
from world.instance import Server, server
from world.postgres import PostgresCluster, postgres_cluster

# Its assertions explain themselves, whichever area imports it first.
pytest.register_assert_rewrite("backup_repository.storage.contract")

# A slow machine is no failure: tests assert no times.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresCluster]:
    """A PostgreSQL cluster of this test run; ask it for a database of your own."""
    with postgres_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The real server on a TCP port, with an SQLite database, in a process of its own."""
    with server(tmp_path_factory.mktemp("listening"), tcp=True) as running:
        yield running
