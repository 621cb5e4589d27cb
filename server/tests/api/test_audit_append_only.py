"""Entries of the audit log stay as they were written, whoever asks the database (contract 13, row 12)."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import Executable
from world.client import USERS, Client, Served

from backup_repository.audit import store
from backup_repository.audit.model import Search
from backup_repository.database.tables import audit, metadata

CHANGES: tuple[Executable, ...] = (
    update(audit).values(actor_id="somebody else"),
    delete(audit),
    delete(audit).where(audit.c.id == 1),
)
OF_ONE_ENGINE = {"sqlite": text("REPLACE INTO audit SELECT * FROM audit"), "postgresql": text("TRUNCATE audit")}


async def test_the_database_refuses_to_change_entries(served: Served, admin: Client) -> None:
    database = served.instance.database
    await admin.create_collection()
    async with database.reading() as tx:
        before = (await tx.execute(select(audit))).all()
    assert before
    for change in (*CHANGES, OF_ONE_ENGINE[database.name]):
        with pytest.raises(DBAPIError, match="append-only"):
            await attempt(served, change)
        async with database.reading() as tx:
            assert (await tx.execute(select(audit))).all() == before


async def attempt(served: Served, statement: Executable) -> None:
    async with served.instance.database.transaction() as tx:
        await tx.execute(statement)


async def test_entries_outlive_the_account_they_tell_about(served: Served, admin: Client, alice: Client) -> None:
    collection = await alice.create_collection()
    assert (await admin.delete(f"{USERS}/{alice.id}")).status_code == 200
    async with served.instance.database.reading() as tx:
        entries, total = await store.search(tx, Search(actor_id=alice.id), offset=0, limit=10)
    assert total == 1
    assert [entry.target for entry in entries] == [collection["id"]]


def test_no_table_hangs_on_the_log_and_it_hangs_on_none() -> None:
    """So that no cascade comes into conflict with the refusal."""
    assert audit.foreign_keys == set()
    assert [
        table.name for table in metadata.tables.values() for key in table.foreign_keys if key.references(audit)
    ] == []
