"""Runs one console command on the database and the storage directly, with the rules of the API (contract B 2.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import typer

from backup_repository.cli import output
from backup_repository.cli.failures import OUTDATED, explained
from backup_repository.cli.options import options_of
from backup_repository.database.migrate import migrate, pending
from backup_repository.errors import ReadOnlyInstance
from backup_repository.instance import Instance
from backup_repository.main import running

T = TypeVar("T")


def run(context: typer.Context, job: Callable[[Instance], Awaitable[T]], *, writes: bool = False) -> T:
    """Build the instance, bring an SQLite schema up to date, and run a job on it.

    Raises:
        ConfigurationError: a setting is wrong.
        typer.Exit: the job was refused or failed; what to say was said.
    """
    config = options_of(context).prepare().config

    async def inside(instance: Instance) -> T:
        try:
            await _current_schema(instance)
            return await job(instance)
        finally:
            await instance.database.close()

    with explained(config):
        if writes and config.read_only:
            raise ReadOnlyInstance
        with running(config) as instance:
            return asyncio.run(inside(instance))


async def _current_schema(instance: Instance) -> None:
    if instance.database.name == "sqlite":
        await migrate(instance.database)
    elif await pending(instance.database):
        output.note(OUTDATED)
        raise typer.Exit(output.FAILED)


def listed(
    context: typer.Context,
    documents: Sequence[dict[str, Any]],
    columns: Mapping[str, Callable[[dict[str, Any]], str]],
    *,
    as_json: bool,
) -> None:
    """Print a listing: an aligned table, with `-v` the whole objects below it, with `--json` the objects alone.

    Args:
        context: of the command.
        documents: the objects.
        columns: what stands above a column, and what an object shows in it.
        as_json: whether `--json` was given.
    """
    if not as_json and documents:
        output.say_table([list(columns), *([cell(document) for cell in columns.values()] for document in documents)])
    if as_json or options_of(context).verbose:
        output.say_json(documents)
    elif not documents:
        output.note("Nothing found")


def created(context: typer.Context, identifier: str, document: dict[str, Any], *, as_json: bool) -> None:
    """Print what a creating command made: its id, with `-v` the object below it, with `--json` the object alone."""
    if not as_json:
        output.say(identifier)
    if as_json or options_of(context).verbose:
        output.say_json(document)
