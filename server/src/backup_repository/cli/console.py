"""Runs one console command on the database and the storage directly, with the rules of the API (contract B 2.1)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import typer

from backup_repository.cli import output
from backup_repository.config.load import Loaded, load, load_and_prepare
from backup_repository.database.migrate import NewerSchema, migrate, pending
from backup_repository.errors import DatabaseUnavailable, DomainError, ReadOnlyInstance
from backup_repository.instance import Instance

T = TypeVar("T")

MIGRATE_HINT = "run `backup-repository db migrate`"
"""What an outdated PostgreSQL schema needs."""
DATABASE_HINT = "is it started? `backup-repository health wait-for-database` waits for it"
"""What an unreachable database needs."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options in front of the command."""

    config_file: Path | None
    verbose: bool

    def load(self) -> Loaded:
        """Load the settings without side effects.

        Raises:
            ConfigurationError: a setting is wrong.
        """
        return load(os.environ, self.config_file, Path.cwd())

    def prepare(self) -> Loaded:
        """Load the settings, make what is missing below `./var`, and pass warnings on.

        Raises:
            ConfigurationError: a setting is wrong or a directory cannot be used.
        """
        loaded = load_and_prepare(os.environ, self.config_file, Path.cwd())
        for warning in loaded.warnings:
            output.note(f"warning: {warning}")
        return loaded


def options_of(context: typer.Context) -> Options:
    """Return the options in front of the command."""
    options: Options = context.find_object(Options) or Options(None, verbose=False)
    return options


def run(context: typer.Context, job: Callable[[Instance], Awaitable[T]], *, writes: bool = False) -> T:
    """Build the instance, bring an SQLite schema up to date, and run a job on it.

    Raises:
        typer.Exit: the job was refused or failed; what to say was said.
    """
    from backup_repository.main import running  # noqa: PLC0415 - `--help` stays quick without every part loaded

    loaded = options_of(context).prepare()

    async def inside(instance: Instance) -> T:
        try:
            if writes and loaded.config.read_only:
                raise ReadOnlyInstance
            await _current_schema(instance)
            return await job(instance)
        finally:
            await instance.database.close()

    try:
        with running(loaded.config) as instance:
            return asyncio.run(inside(instance))
    except DatabaseUnavailable as error:
        output.note(f"The database is out of reach; {DATABASE_HINT}")
        raise typer.Exit(output.FAILED) from error
    except NewerSchema as error:
        output.note(f"{error}; use the newer program")
        raise typer.Exit(output.FAILED) from error
    except DomainError as error:
        output.note_refusal(error)
        raise typer.Exit(output.FAILED) from error


async def _current_schema(instance: Instance) -> None:
    if instance.database.name == "sqlite":
        await migrate(instance.database)
    elif await pending(instance.database):
        output.note(f"The database schema is outdated; {MIGRATE_HINT}")
        raise typer.Exit(output.FAILED)


def created(context: typer.Context, identifier: str, document: dict[str, Any], *, as_json: bool) -> None:
    """Print what a creating command made: its id, with `-v` or `--json` the whole object."""
    if as_json or options_of(context).verbose:
        output.say_json(document)
    else:
        output.say(identifier)
