"""Installations for the commands of the console."""

from __future__ import annotations

import pytest
from world.console import bare
from world.instance import Installation
from world.ports import free_port


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation on SQLite with an administrator, for one file of tests."""
    return Installation.make(tmp_path_factory.mktemp("installation"))


@pytest.fixture
def unreachable(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation whose PostgreSQL is down."""
    address = f"postgresql://backup:hunter2@127.0.0.1:{free_port()}/backup"
    return bare(tmp_path_factory.mktemp("unreachable"), DATABASE_URL=address)
