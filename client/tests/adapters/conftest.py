"""Servers that the adapters' tests share; whoever destroys one starts one of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from realm.mariadb import MariaDb, mariadb
from realm.postgres import Postgres, postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A PostgreSQL cluster of this test run."""
    with postgres() as running:
        yield running


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaDb]:
    """A MariaDB server of this test run."""
    with mariadb() as running:
        yield running
