"""Stops a server at the last moment before a version exists: its blob is finished, its row is not."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator

import asyncpg


@contextlib.contextmanager
def registration_held(database_url: str) -> Iterator[None]:
    """Keep every version from being registered while reading goes on; what waits goes on when the context ends."""
    if database_url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.rollback()
        return
    with asyncio.Runner() as runner:
        other: asyncpg.Connection[asyncpg.Record] = runner.run(_connect(database_url))
        try:
            runner.run(other.execute("BEGIN"))
            runner.run(other.execute("LOCK TABLE versions IN EXCLUSIVE MODE"))
            yield
        finally:
            # without ceremony: the database itself may be gone meanwhile
            other.terminate()


async def _connect(database_url: str) -> asyncpg.Connection[asyncpg.Record]:
    return await asyncpg.connect(database_url)
