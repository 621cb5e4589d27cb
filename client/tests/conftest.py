"""What every area of the client's tests may ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from world.instance import Server, server


@pytest.fixture(scope="session")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The real server on a TCP port, with an SQLite database, in a process of its own."""
    with server(tmp_path_factory.mktemp("listening"), tcp=True) as running:
        yield running
