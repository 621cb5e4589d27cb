"""Every page of a listing, from whichever end it is looked for, is the same part of the same order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert
from world.postgres import PostgresCluster

from backup_repository.database.engine import Database
from backup_repository.database.pages import page

ROWS = 23
TABLE = Table("things", MetaData(), Column("id", Integer, primary_key=True), Column("rank", Integer, nullable=False))


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A database with a table in which pairs of rows have the same rank."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'records.sqlite3'}"
    else:
        cluster: PostgresCluster = request.getfixturevalue("postgres")
        url = cluster.create_database()
    database = Database(url)
    async with database.transaction() as tx:
        await tx.run_sync(TABLE.create)
        await tx.execute(insert(TABLE), [{"id": number, "rank": number // 2 * 7 % 23} for number in range(ROWS)])
    yield database
    await database.close()


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("above", [None, 4])
async def test_pages_are_parts_of_the_whole(database: Database, descending: bool, above: int | None) -> None:
    ranks = [(number // 2 * 7 % 23, number) for number in range(ROWS)]
    whole = [number for rank, number in sorted(ranks, reverse=descending) if above is None or rank > above]
    conditions = [] if above is None else [TABLE.c.rank > above]
    order = (TABLE.c.rank, TABLE.c.id)
    async with database.reading() as tx:
        for limit in (1, 4, 7, 100):
            for offset in range(ROWS + 9):
                span = {"total": len(whole), "offset": offset, "limit": limit}
                query = page(TABLE, TABLE.c.id, conditions, order, descending=descending, **span)
                found = [row.id for row in await tx.execute(query)]
                assert found == whole[offset : offset + limit], (offset, limit)


async def test_a_page_far_behind_passes_over_few_rows() -> None:
    far = page(TABLE, TABLE.c.id, [], (TABLE.c.id,), descending=False, total=10**6, offset=999_990, limit=5)
    assert {value for value in far.compile().params.values() if isinstance(value, int)} == {5}


async def test_a_page_looks_for_no_more_rows_than_there_are() -> None:
    """Or the search for one more would go on to the end of the table."""
    few = page(TABLE, TABLE.c.id, [], (TABLE.c.id,), descending=True, total=3, offset=0, limit=20)
    assert {value for value in few.compile().params.values() if isinstance(value, int)} == {0, 3}
