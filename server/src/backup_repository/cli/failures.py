"""What keeps a command from its work, as lines for a person and exit code 1 (contract B 2.1)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import typer

from backup_repository.cli import output
from backup_repository.config.model import Config
from backup_repository.database.migrate import CannotMigrate, NewerSchema
from backup_repository.errors import DatabaseUnavailable, DomainError

OUTDATED = "The database schema is outdated; run `backup-repository db migrate`"
"""What an outdated PostgreSQL schema needs."""

_NO_SQLITE = "The database cannot be used: DATABASE_URL must name a writable SQLite database, or a new file"
_NO_SERVER = "The database is out of reach; is it started? `backup-repository health wait-for-database` waits for it"
_REFUSED = "The database refuses: {}; check DATABASE_URL"


@contextlib.contextmanager
def explained(config: Config) -> Iterator[None]:
    """Say why a command cannot do its work.

    Raises:
        typer.Exit: in place of what was said.
    """
    try:
        yield
    except DatabaseUnavailable as error:
        refused = _REFUSED.format(error.refusal) if error.refusal else _NO_SERVER
        output.note(_NO_SQLITE if config.database_url.startswith("sqlite:") else refused)
        raise typer.Exit(output.FAILED) from error
    except (CannotMigrate, NewerSchema) as error:
        output.note(str(error))
        raise typer.Exit(output.FAILED) from error
    except DomainError as error:
        output.note_refusal(error)
        raise typer.Exit(output.FAILED) from error
