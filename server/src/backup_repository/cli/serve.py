"""`serve`: runs the server (contract B 2.3)."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from backup_repository import clock
from backup_repository.access.first_run import code_of, is_due
from backup_repository.access.keys import KeyPair, load_keys
from backup_repository.access.settings import record_settings
from backup_repository.cli import output, processes
from backup_repository.cli.failures import OUTDATED, explained
from backup_repository.cli.logs import LogFormat, log_config
from backup_repository.cli.options import options_of
from backup_repository.cli.sockets import CannotListen, handed_over, on_address, on_path
from backup_repository.config.load import Loaded
from backup_repository.database.engine import Database
from backup_repository.database.migrate import migrate, pending
from backup_repository.storage.open import open_storage

_ADDRESS, _PORT = "127.0.0.1", 8000
_LAST_PORT = 65535

app = typer.Typer()


@app.command("serve")
def serve(
    context: typer.Context,
    bind: Annotated[str | None, typer.Option("--bind", help=f"Address to listen on; {_ADDRESS} by default.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=_LAST_PORT, help=f"Port to listen on; {_PORT} by default.")
    ] = None,
    uds: Annotated[Path | None, typer.Option("--uds", help="Unix socket to listen on, instead of both.")] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Server processes.")] = 1,
    with_migrations: Annotated[bool, typer.Option("--migrate", help="Bring PostgreSQL's schema up to date.")] = False,
    grace: Annotated[int, typer.Option("--grace", min=0, help="Seconds running transfers may take to finish.")] = 300,
    log_format: Annotated[
        LogFormat, typer.Option("--log-format", help="Form of the log lines on stderr: `text` or `json`.")
    ] = LogFormat.TEXT,
) -> None:
    """Run the server until SIGTERM or SIGINT; running transfers may finish, a second signal cuts them."""
    if uds is not None and (bind is not None or port is not None):
        output.note("--uds excludes --bind and --port")
        raise typer.Exit(output.USAGE)
    options = options_of(context)
    loaded = options.prepare()
    config = loaded.config
    keys = load_keys(config.jwt_secret_key, config.jwt_public_key, config.jwt_passphrase)
    open_storage(config, config.temp_directory)
    with explained(config):
        empty = asyncio.run(_prepare_database(loaded, keys, with_migrations=with_migrations))
    if options.config_file is not None:
        os.environ["BACKUP_REPOSITORY_CONFIG"] = str(options.config_file.resolve())
    sockets = _listen(uds, bind or _ADDRESS, _PORT if port is None else port)
    output.note(f"Listening on {_names(sockets)}")
    if empty and not config.read_only:
        output.note(f"No account exists yet. The web console asks for this set-up code: {code_of(keys)}")
    processes.run(config, sockets, workers=workers, grace=grace, logging_settings=log_config(log_format))


async def _prepare_database(  # noqa: RET503 - its last line begins the program again
    loaded: Loaded, keys: KeyPair, *, with_migrations: bool
) -> bool:
    """Bring the schema up to date where that is wanted, else refuse an outdated one; record changed settings.

    Returns:
        Whether no account exists yet.

    Raises:
        typer.Exit: the schema is outdated; what to say was said.
        NewerSchema, CannotMigrate, DatabaseUnavailable: as `migrate` does.
    """
    database = Database(loaded.config.database_url)
    try:
        if not await pending(database):
            if not loaded.config.read_only:
                await record_settings(database, keys, loaded.sources, clock.now())
            return await is_due(database)
        if database.name != "sqlite" and not with_migrations:
            output.note(f"{OUTDATED}, or start with --migrate")
            raise typer.Exit(output.FAILED)
        await migrate(database)
    finally:
        await database.close()
    # Nothing is open yet: begin again without the 13 MB that the migration library takes.
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - this very program


def _listen(uds: Path | None, bind: str, port: int) -> list[socket.socket]:
    try:
        return handed_over() or [on_path(uds) if uds is not None else on_address(bind, port)]
    except CannotListen as error:
        output.note(str(error))
        raise typer.Exit(output.FAILED) from error


def _names(sockets: list[socket.socket]) -> str:
    return ", ".join(_name(listener) for listener in sockets)


def _name(listener: socket.socket) -> str:
    name = listener.getsockname()
    if isinstance(name, str):
        return name
    host = f"[{name[0]}]" if listener.family == socket.AF_INET6 else name[0]
    return f"http://{host}:{name[1]}"
