"""`health`: whether this installation is able to serve (contract B 2.2)."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

import typer

from backup_repository.cli import output
from backup_repository.cli.options import options_of
from backup_repository.database.engine import Database
from backup_repository.errors import DatabaseUnavailable

app = typer.Typer(no_args_is_help=True)

_PAUSE = 0.5


@app.command("check")
def check(context: typer.Context) -> None:
    """Print the health document; exit 1 when not healthy."""
    from backup_repository.main import diagnose  # noqa: PLC0415 - waiting for the database needs none of the parts

    config = options_of(context).load().config  # a storage that is gone is what is to be found out
    if not config.temp_directory.is_dir():
        output.note("TEMP_DIRECTORY does not exist: the storage is only looked at, nothing is written")
    diagnosis = asyncio.run(diagnose(config))
    output.say_json(diagnosis.document())
    if not diagnosis.healthy:
        raise typer.Exit(output.FAILED)


@app.command("wait-for-database")
def wait_for_database(
    context: typer.Context,
    timeout: Annotated[float, typer.Option("--timeout", "-x", min=0, help="Seconds until giving up.")] = 300,
) -> None:
    """Try every half second to reach the database; exit 1 after the time-out."""
    config = options_of(context).prepare().config  # a new SQLite database needs its directory
    if not asyncio.run(_reached(config.database_url, timeout)):
        output.note(f"The database did not answer within {timeout:g} seconds; is DATABASE_URL right?")
        raise typer.Exit(output.FAILED)
    output.say("The database is ready")


async def _reached(url: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    database = Database(url)
    try:
        while True:
            try:
                async with asyncio.timeout(max(deadline - time.monotonic(), _PAUSE)):
                    await database.ping()
            except (DatabaseUnavailable, TimeoutError):
                if time.monotonic() + _PAUSE > deadline:
                    return False
                await asyncio.sleep(_PAUSE)
            else:
                return True
    finally:
        await database.close()
