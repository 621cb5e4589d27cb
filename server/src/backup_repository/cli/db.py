"""`db`: the database schema (contract B 2.2)."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from backup_repository.cli import output
from backup_repository.cli.failures import explained
from backup_repository.cli.options import options_of
from backup_repository.config.model import Config
from backup_repository.database.engine import Database
from backup_repository.database.migrate import migrate, pending
from backup_repository.errors import ReadOnlyInstance

app = typer.Typer(no_args_is_help=True)


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
    with explained(config):
        revisions = asyncio.run(_revisions(config, dry_run=dry_run))
    if as_json:
        output.say_json({"pending" if dry_run else "applied": list(revisions)})
        return
    for revision in revisions:
        output.say(revision)
    if not revisions:
        output.note("The schema is current")


async def _revisions(config: Config, *, dry_run: bool) -> tuple[str, ...]:
    """Apply the missing revisions, or only list them.

    Raises:
        ReadOnlyInstance: something is to be applied to a read-only instance.
    """
    database = Database(config.database_url)
    try:
        missing = await pending(database)
        if dry_run or not missing:
            return missing
        if config.read_only:
            raise ReadOnlyInstance
        return await migrate(database)
    finally:
        await database.close()
