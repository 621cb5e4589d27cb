"""Looks into the database of a running server from outside, whichever engine it is."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from typing import Any

import asyncpg


def rows(database_url: str, query: str) -> list[tuple[Any, ...]]:
    """Run a query in a connection of its own and return its rows; the text must suit both engines."""
    if database_url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as connection:
            return connection.execute(query).fetchall()
    return asyncio.run(_from_postgresql(database_url, query))


async def _from_postgresql(database_url: str, query: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(database_url)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()
