"""Brings the schema to the current revision; safe when run twice or by two processes at once (contract B 2.2).

Which revisions exist is read from the names of the migration files, so that a server whose schema is current starts
without loading the migration library.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from backup_repository.database.engine import Database, Transaction

MIGRATIONS = Path(__file__).parent / "migrations"
"""Where Alembic finds the environment and, in `versions/`, one file per revision: `<revision>_<what>.py`."""

_POSTGRESQL_LOCK = 5_129_427_001
"""An arbitrary constant: the advisory lock that makes migrating processes wait for each other."""


def revisions() -> tuple[str, ...]:
    """Return every revision this program knows, oldest first."""
    return tuple(sorted(path.stem.split("_", 1)[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py")))


async def pending(database: Database) -> tuple[str, ...]:
    """Return the revisions that the database lacks, oldest first.

    Raises:
        NewerSchema: the database has a revision this program does not know.
        DatabaseUnavailable: the database is out of reach.
    """
    async with database.reading() as transaction:
        return _missing(await transaction.run_sync(_present))


class NewerSchema(Exception):
    """The database was migrated by a newer program (contract B 2.3)."""

    def __init__(self, revision: str) -> None:
        super().__init__(f"The database schema (revision {revision}) is newer than this program; use the newer program")


class CannotMigrate(Exception):
    """The database refuses a migration, which has changed nothing; the message is for the operator."""


async def migrate(database: Database) -> tuple[str, ...]:
    """Apply what is missing in one transaction and return the applied revisions, oldest first.

    Raises:
        NewerSchema: the database has a revision this program does not know.
        CannotMigrate: the database refuses, for example for want of a privilege.
        DatabaseUnavailable: the database is out of reach.
    """
    if not await pending(database):
        return ()
    async with database.transaction() as transaction:
        await _wait_for_others(database, transaction)
        missing = _missing(await transaction.run_sync(_present))
        if missing:
            try:
                await transaction.run_sync(_upgrade)
            except DBAPIError as error:
                raise CannotMigrate(f"The database refuses the migration: {error.orig}") from error
        return missing


async def _wait_for_others(database: Database, transaction: Transaction) -> None:
    if database.name == "postgresql":
        await transaction.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _POSTGRESQL_LOCK})


def _present(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: Any = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if revision is None else str(revision)


def _missing(present: str | None) -> tuple[str, ...]:
    known = revisions()
    if present is None:
        return known
    if present not in known:
        raise NewerSchema(present)
    return known[known.index(present) + 1 :]


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - 13 MB that a server with a current schema never needs
    from alembic.config import Config  # noqa: PLC0415 - likewise

    settings = Config()
    settings.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    settings.attributes["connection"] = connection
    command.upgrade(settings, "head")
