"""Migrations equal tables: what they build on an empty database is what `database/tables.py` says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Connection, Integer, MetaData, Table, inspect, text
from world.postgres import PostgresCluster

from backup_repository.database.engine import Database
from backup_repository.database.migrate import migrate, revisions
from backup_repository.database.tables import schema


@pytest.fixture(params=["sqlite", "postgresql"])
async def databases(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Database, Database]]:
    """Two databases: one that migrations built, an empty one."""
    if request.param == "sqlite":
        urls = [f"sqlite:///{tmp_path / name}" for name in ("migrated.sqlite3", "empty.sqlite3")]
    else:
        cluster: PostgresCluster = request.getfixturevalue("postgres")
        urls = [cluster.create_database(), cluster.create_database()]
    migrated, empty = Database(urls[0]), Database(urls[1])
    try:
        assert await migrate(migrated) == revisions()
        yield migrated, empty
    finally:
        await migrated.close()
        await empty.close()


def differences(connection: Connection, tables: MetaData) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    found: list[Any] = compare_metadata(context, tables)
    return found


def described(connection: Connection) -> dict[str, object]:
    """Describe every table as the database itself sees it, down to the names of constraints."""
    inspector = inspect(connection)
    seen: dict[str, object] = {}
    for name in set(inspector.get_table_names()) - {"alembic_version"}:
        columns = [{**column, "type": repr(column["type"])} for column in inspector.get_columns(name)]
        seen[name] = {
            "columns": {column["name"]: column for column in columns},
            "primary key": inspector.get_pk_constraint(name),
            "foreign keys": {str(key["name"]): key for key in inspector.get_foreign_keys(name)},
            "unique": {str(rule["name"]): rule for rule in inspector.get_unique_constraints(name)},
            "indexes": {str(index["name"]): _plain(index) for index in inspector.get_indexes(name)},
            "checks": {str(rule["name"]): rule for rule in inspector.get_check_constraints(name)},
            "numbers are never used again": _counts_for_ever(connection, name),
        }
    return seen


def _plain(index: Mapping[str, Any]) -> dict[str, Any]:
    """Say what an index covers in words that can be compared: a condition is an object that equals no other."""
    options = {name: str(value) for name, value in index.get("dialect_options", {}).items()}
    return {**index, "dialect_options": options}


def _counts_for_ever(connection: Connection, table: str) -> bool:
    if connection.dialect.name != "sqlite":
        return True
    query = text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :table")
    return "AUTOINCREMENT" in str(connection.execute(query, {"table": table}).scalar())


async def test_no_migration_is_missing(databases: tuple[Database, Database]) -> None:
    migrated, _ = databases
    async with migrated.reading() as transaction:
        assert await transaction.run_sync(differences, schema()) == []


async def test_migrations_build_exactly_the_tables(databases: tuple[Database, Database]) -> None:
    migrated, empty = databases
    async with empty.transaction() as transaction:
        await transaction.run_sync(schema().create_all)
        expected = await transaction.run_sync(described)
    async with migrated.reading() as transaction:
        assert await transaction.run_sync(described) == expected
    assert set(expected) == set(schema().tables)


async def test_a_forgotten_migration_is_noticed(databases: tuple[Database, Database]) -> None:
    migrated, _ = databases
    ahead = MetaData(naming_convention=schema().naming_convention)
    for table in schema().tables.values():
        table.to_metadata(ahead)
    ahead.tables["users"].append_column(Column("nickname", Integer))
    Table("pets", ahead, Column("id", Integer, primary_key=True))
    async with migrated.reading() as transaction:
        found = await transaction.run_sync(differences, ahead)
    assert sorted(difference[0] for difference in found) == ["add_column", "add_table"]
