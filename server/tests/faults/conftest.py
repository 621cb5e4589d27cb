"""Installations whose servers may be killed, on both databases."""

from __future__ import annotations

import pytest
from world.instance import Installation


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def installation(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation without a server; tests start and end theirs."""
    root = tmp_path_factory.mktemp("faults")
    if request.param == "sqlite":
        return Installation.make(root)
    return Installation.make(root, DATABASE_URL=request.getfixturevalue("postgres").create_database())


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation on SQLite, for faults that do not concern the database."""
    return Installation.make(tmp_path_factory.mktemp("embedded"))
