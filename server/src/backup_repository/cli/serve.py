"""`serve`: runs the server (contract B 2.3)."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from uvicorn.supervisors import Multiprocess

from backup_repository.access.keys import load_keys
from backup_repository.cli import output
from backup_repository.cli.console import DATABASE_HINT, MIGRATE_HINT, options_of
from backup_repository.cli.protocol import ContractProtocol
from backup_repository.cli.sockets import CannotListen, handed_over, on_address, on_path
from backup_repository.config.model import Config
from backup_repository.database.engine import Database
from backup_repository.database.migrate import NewerSchema, migrate, pending
from backup_repository.errors import DatabaseUnavailable

_STARTUP_SECONDS = 60
_ADDRESS, _PORT = "127.0.0.1", 8000


def serve(
    context: typer.Context,
    bind: Annotated[str | None, typer.Option("--bind", help=f"Address to listen on; {_ADDRESS} by default.")] = None,
    port: Annotated[int | None, typer.Option("--port", help=f"Port to listen on; {_PORT} by default.")] = None,
    uds: Annotated[Path | None, typer.Option("--uds", help="Unix socket to listen on, instead of both.")] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Server processes.")] = 1,
    with_migrations: Annotated[bool, typer.Option("--migrate", help="Bring PostgreSQL's schema up to date.")] = False,
    grace: Annotated[int, typer.Option("--grace", min=0, help="Seconds running transfers may take to finish.")] = 300,
) -> None:
    """Run the server until SIGTERM or SIGINT; running transfers may finish, a second signal cuts them."""
    if uds is not None and (bind is not None or port is not None):
        output.note("--uds excludes --bind and --port")
        raise typer.Exit(output.USAGE)
    options = options_of(context)
    config = options.prepare().config
    load_keys(config.jwt_secret_key, config.jwt_public_key, config.jwt_passphrase)
    asyncio.run(_check_schema(config, with_migrations=with_migrations))
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if options.config_file is not None:
        os.environ["BACKUP_REPOSITORY_CONFIG"] = str(options.config_file.resolve())
    sockets = _listen(uds, bind or _ADDRESS, _PORT if port is None else port)
    output.note(f"Listening on {_names(sockets)}")
    _run(config, sockets, workers=workers, grace=grace)


def _listen(uds: Path | None, bind: str, port: int) -> list[socket.socket]:
    try:
        return handed_over() or [on_path(uds) if uds is not None else on_address(bind, port)]
    except CannotListen as error:
        output.note(str(error))
        raise typer.Exit(output.FAILED) from error


def _names(sockets: list[socket.socket]) -> str:
    names = [listener.getsockname() for listener in sockets]
    return ", ".join(name if isinstance(name, str) else f"http://{name[0]}:{name[1]}" for name in names)


async def _check_schema(config: Config, *, with_migrations: bool) -> None:
    """Bring the schema up to date where that is wanted, else refuse an outdated one.

    Raises:
        typer.Exit: the schema is outdated or newer, or the database is out of reach; what to say was said.
    """
    database = Database(config.database_url)
    try:
        if database.name == "sqlite" or with_migrations:
            await migrate(database)
        elif await pending(database):
            output.note(f"The database schema is outdated; {MIGRATE_HINT}, or start with --migrate")
            raise typer.Exit(output.FAILED)
    except DatabaseUnavailable as error:
        output.note(f"The database is out of reach; {DATABASE_HINT}")
        raise typer.Exit(output.FAILED) from error
    except NewerSchema as error:
        output.note(f"{error}; use the newer program")
        raise typer.Exit(output.FAILED) from error
    finally:
        await database.close()


def _run(config: Config, sockets: list[socket.socket], *, workers: int, grace: int) -> None:
    from backup_repository.main import create  # noqa: PLC0415 - `--help` stays quick without every part loaded

    settings = uvicorn.Config(
        create(config) if workers == 1 else "backup_repository.main:create_from_environment",
        factory=workers > 1,
        workers=workers,
        http=ContractProtocol,
        loop="uvloop",
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=grace,
    )
    if workers == 1:
        _Server(settings).run(sockets=sockets)
    else:
        _Supervisor(settings, sockets).run()


class _Server(uvicorn.Server):
    """Says when it accepts requests."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell the service manager."""
        await super().startup(sockets)
        _notify_ready()


class _Supervisor(Multiprocess):
    """Says when every worker accepts requests."""

    def init_processes(self) -> None:
        """Start the workers, then tell the service manager."""
        super().init_processes()
        if all(process.wait_until_ready(_STARTUP_SECONDS, self.should_exit) for process in self.processes):
            _notify_ready()


def _notify_ready() -> None:
    """Send `READY=1` where the service manager asked for it (sd_notify)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
        manager.connect("\0" + address[1:] if address.startswith("@") else address)
        manager.sendall(b"READY=1")
