"""Accounts that were recorded before searching knew every script are found as well (contract 5.4)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, insert
from world.postgres import PostgresCluster

from backup_repository.database.engine import Database
from backup_repository.database.migrate import MIGRATIONS, migrate
from backup_repository.database.tables import users
from backup_repository.users import store

BEFORE = "0003"
ID = "a11ce000-0000-4000-8000-00000000000f"


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'records.sqlite3'}"
    else:
        cluster: PostgresCluster = request.getfixturevalue("postgres")
        url = cluster.create_database()
    database = Database(url)
    yield database
    await database.close()


def migrate_to_before(connection: Connection) -> None:
    settings = Config()
    settings.set_main_option("script_location", str(MIGRATIONS))
    settings.attributes["connection"] = connection
    command.upgrade(settings, BEFORE)


async def test_an_account_from_before_is_found_by_everything_it_has(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.run_sync(migrate_to_before)
        await tx.execute(
            insert(users).values(
                id=ID,
                email="Dora@Example.org",
                email_folded="dora@example.org",
                password_hash="none",
                permissions=["ROLE_USER", "upload.all"],
                tags=[],
                max_allowed_file_size=0,
                allowed_ip_addresses=[],
                allowed_user_agents=[],
                organization="ÉCOLE",
                about="Straße",
                active=True,
                created_at=datetime(2026, 1, 15, tzinfo=UTC),
            )
        )
    assert (await migrate(database))[0] > BEFORE
    async with database.transaction() as tx:
        for text in (ID[:8].upper(), "DORA@", "école", "strasse", "role_user", "UPLOAD.ALL"):
            found = await store.search(tx, text, offset=0, limit=10)
            assert [user.id for user in found.users] == [ID], text
        assert (await store.search(tx, "nobody", offset=0, limit=10)).users == ()
        user = await store.by_id(tx, ID)
        assert user is not None
        recorded = (await tx.execute(users.select())).one().searched
        await store.save(tx, user)
        assert (await tx.execute(users.select())).one().searched == recorded
