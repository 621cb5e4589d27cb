"""`db`: the database schema (contract B 2.2)."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from backup_repository.cli import output
from backup_repository.cli.console import DATABASE_HINT, options_of
from backup_repository.database.engine import Database
from backup_repository.database.migrate import NewerSchema, migrate, pending
from backup_repository.errors import DatabaseUnavailable

app = typer.Typer(no_args_is_help=True, help="The database schema.")


@app.callback()
def group() -> None:
    """Keep `db` a group although it has one command."""


@app.command("migrate")
def migrate_command(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be applied.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON document.")] = False,
) -> None:
    """Bring the schema to the current revision and list what was applied; safe to repeat."""
    config = options_of(context).prepare().config

    async def job() -> tuple[str, ...]:
        database = Database(config.database_url)
        try:
            return await (pending(database) if dry_run else migrate(database))
        finally:
            await database.close()

    try:
        revisions = asyncio.run(job())
    except DatabaseUnavailable as error:
        output.note(f"The database is out of reach; {DATABASE_HINT}")
        raise typer.Exit(output.FAILED) from error
    except NewerSchema as error:
        output.note(f"{error}; use the newer program")
        raise typer.Exit(output.FAILED) from error
    if as_json:
        output.say_json({"pending" if dry_run else "applied": list(revisions)})
        return
    for revision in revisions:
        output.say(revision)
    if not revisions:
        output.note("The schema is current")
