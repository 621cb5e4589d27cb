"""`backup`: collections (contract B 2.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from backup_repository.access.collections import Details
from backup_repository.api import render
from backup_repository.cli.console import created, listed, run
from backup_repository.collections.model import Limits, Strategy
from backup_repository.collections.rules import (
    check_backups_count,
    check_description,
    check_filename,
    check_strategy,
)
from backup_repository.errors import FieldError, InvalidFields, RuleBroken
from backup_repository.instance import Instance
from backup_repository.sizes import MAX_SIZE, parse_size

app = typer.Typer(no_args_is_help=True)

_TAKEN = 40100
_UNKNOWN = 404


@app.command("create-collection")
def create_collection(
    context: typer.Context,
    filename: Annotated[str, typer.Option("--filename", "-f", help="What downloaded versions are called.")],
    max_backups_count: Annotated[
        int | None, typer.Option("--max-backups-count", "-b", max=MAX_SIZE, help="0: unlimited.")
    ] = None,
    max_one_version_size: Annotated[
        str | None, typer.Option("--max-one-version-size", "-o", help="For example 5GB; 0: unlimited.")
    ] = None,
    max_collection_size: Annotated[
        str | None, typer.Option("--max-collection-size", "-c", help="For example 50GB; 0: unlimited.")
    ] = None,
    strategy: Annotated[
        str, typer.Option("--strategy", "-s", help=f"What happens when it is full: {' or '.join(Strategy)}.")
    ] = Strategy.DELETE_OLDEST.value,
    description: Annotated[str, typer.Option("--description", "-d", help="Free text.")] = "",
    password: Annotated[str, typer.Option("--password", "-p", help="Accepted without effect.")] = "",
    collection_id: Annotated[str | None, typer.Option("--id", "-i", help="Choose the id, a UUID.")] = None,
    owner: Annotated[
        list[str] | None, typer.Option("--owner", help="E-mail of an account that receives all eight permissions.")
    ] = None,
    ignore_existing: Annotated[
        bool, typer.Option("--ignore-error-if-exists", help="Print the existing collection's id; change nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the created object as JSON.")] = False,
) -> None:
    """Create a collection and print its id. Omitted limits take the instance's maxima."""
    del password
    chosen_id = collection_id.lower() if collection_id else None

    async def job(instance: Instance) -> dict[str, Any]:
        maxima = (
            instance.config.backup_max_versions,
            instance.config.backup_one_version_max_size,
            instance.config.backup_collection_max_size,
        )
        limits = _limits(max_backups_count, max_one_version_size, max_collection_size, maxima)
        details = _details(filename, description, strategy, limits)
        owners = await _owner_ids(instance, owner or [])
        try:
            collection = await instance.collections.create_as_system(details, owners=owners, chosen_id=chosen_id)
        except RuleBroken as error:
            existing = await instance.collections.find(chosen_id) if chosen_id else None
            if not (ignore_existing and error.code == _TAKEN and existing):
                raise
            collection = existing
        return render.collection(collection)

    collection = run(context, job, writes=True)
    created(context, collection["id"], collection, as_json=as_json)


@app.command("list-collections")
def list_collections(
    context: typer.Context,
    query: Annotated[
        str, typer.Option("--query", help="Only those whose id, file name or description contains it.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON document.")] = False,
) -> None:
    """List collections, newest first, with their limits and what they hold."""

    async def job(instance: Instance) -> list[dict[str, Any]]:
        found = instance.collections.every(query.strip(" %*"))
        return [
            render.collection(collection) | {"newest_version": "" if newest is None else render.moment(newest)}
            async for collection, newest in found
        ]

    listed(context, run(context, job), _COLUMNS, as_json=as_json)


def _of(present: str, limit: int, shown: str) -> str:
    return f"{present} of {shown}" if limit else present


_COLUMNS: Mapping[str, Callable[[dict[str, Any]], str]] = {
    "id": lambda it: str(it["id"]),
    "file name": lambda it: str(it["filename"]),
    "versions": lambda it: _of(str(it["versions_count"]), it["max_backups_count"], str(it["max_backups_count"])),
    "used": lambda it: _of(it["used_space"], it["max_collection_size_bytes"], it["max_collection_size"]),
    "largest version": lambda it: (
        it["max_one_backup_version_size"] if it["max_one_backup_version_size_bytes"] else "unlimited"
    ),
    "strategy": lambda it: str(it["strategy"]),
    "newest version": lambda it: str(it["newest_version"]),
}


def _limits(
    count: int | None, one_version: str | None, whole: str | None, maxima: tuple[int, int, int]
) -> tuple[int, int | None, int | None]:
    """Fill omitted limits from the instance's maxima; a size that cannot be read is None."""

    def size(text: str | None, maximum: int) -> int | None:
        try:
            return maximum if text is None else parse_size(text)
        except ValueError:
            return None

    return maxima[0] if count is None else count, size(one_version, maxima[1]), size(whole, maxima[2])


def _details(filename: str, description: str, strategy: str, limits: tuple[int, int | None, int | None]) -> Details:
    """Check every field together, as the API does.

    Raises:
        InvalidFields: with the first broken rule of each field.
    """
    count, one_version, whole = limits
    unreadable = FieldError("Disk space format parsing error, expected for example 1.5GB", 42010)
    problems = {
        "maxBackupsCount": check_backups_count(count),
        "maxOneVersionSize": unreadable if one_version is None else None,
        "maxCollectionSize": unreadable if whole is None else None,
        "strategy": check_strategy(strategy),
        "filename": check_filename(filename),
        "description": check_description(description),
    }
    broken = {name: problem for name, problem in problems.items() if problem is not None}
    if broken:
        raise InvalidFields(broken)
    return Details(filename, description, Strategy(strategy), Limits(count, one_version or 0, whole or 0))


async def _owner_ids(instance: Instance, emails: list[str]) -> list[str]:
    """Find the owners' accounts.

    Raises:
        InvalidFields: an e-mail belongs to no account.
    """
    ids: list[str] = []
    for email in emails:
        user = await instance.accounts.find(email=email)
        if user is None:
            raise InvalidFields({"owner": FieldError(f"There is no account with the e-mail {email}", _UNKNOWN)})
        ids.append(user.id)
    return ids
