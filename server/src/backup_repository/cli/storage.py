"""`storage`: stored blobs and leftovers (contract B 2.2)."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Annotated, Any

import typer

from backup_repository.cli import output
from backup_repository.cli.console import run
from backup_repository.cli.migration import migrate
from backup_repository.cli.sink import CannotWrite, stdout, whole_file
from backup_repository.config.durations import parse_duration
from backup_repository.database.leases import LeaseLost
from backup_repository.instance import Instance
from backup_repository.main import default_min_age, swept_by_then
from backup_repository.versions.check import Checked, Difference, Kind
from backup_repository.versions.sweep import Swept

app = typer.Typer(no_args_is_help=True)


_WIDTH = max(map(len, Kind))
_Json = Annotated[bool, typer.Option("--json", help="Print a JSON document.")]


@app.command("read-file")
def read_file(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of a stored file, as listings show it.")],
    target: Annotated[
        Path | None, typer.Option("--output", help="Write to this file, which appears when it is whole.")
    ] = None,
) -> None:
    """Print a stored file byte for byte, or write it to a file; its SHA-256 is checked."""

    async def job(instance: Instance) -> None:
        version = await instance.downloads.find_file_as_system(name)
        with stdout() if target is None else whole_file(target) as write:
            async with contextlib.aclosing(instance.downloads.verified(version)) as blocks:
                async for block in blocks:
                    await asyncio.to_thread(write, block)

    try:
        run(context, job)
    except CannotWrite as error:
        output.note(str(error))
        raise typer.Exit(output.FAILED) from error


@app.command("sweep")
def sweep(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be deleted.")] = False,
    min_age: Annotated[
        str | None, typer.Option("--min-age", help="How old a leftover must be, for example `90m` or `0`.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Delete leftovers and list them; safe beside running servers, waits for another sweep to end."""
    seconds = _seconds(min_age)

    async def job(instance: Instance) -> Swept:
        age = default_min_age(instance.config) if seconds is None else seconds
        return await instance.sweep.run(age, dry_run=dry_run, waits=_say_who)

    try:
        swept = run(context, job, writes=not dry_run)
    except LeaseLost as error:
        output.note(str(error))
        raise typer.Exit(output.FAILED) from error
    found = {"retired": swept.retired, "orphaned": swept.orphaned, "landed": swept.landed, "litter": swept.litter}
    if as_json:
        output.say_json(found)
        return
    rows = [(kind, name) for kind in ("retired", "orphaned", "landed") for name in getattr(swept, kind)]
    if swept.litter:
        rows.append(("litter", f"{swept.litter} files"))
    if rows:
        output.say_table(rows)


@app.command("check")
def check(context: typer.Context, as_json: _Json = False) -> None:
    """Compare registered versions with stored blobs, both ways; exit 1 on any difference."""
    checked = Checked()
    told = output.JsonList()

    async def job(instance: Instance) -> None:
        differences = instance.check.run(checked, sweep_age=swept_by_then(instance.config))
        async with contextlib.aclosing(differences):
            async for difference in differences:
                if as_json:
                    told.add(_document(difference))
                else:
                    output.say(_line(difference))

    run(context, job)
    if as_json:
        told.close()
    output.note(
        f"{checked.differences or 'no'} differences; compared {checked.versions} versions with {checked.blobs} blobs, "
        f"of which {checked.waiting} wait for the sweep or for the end of their upload"
    )
    if checked.differences:
        raise typer.Exit(output.FAILED)


app.command("migrate")(migrate)


def _say_who(holder: str) -> None:
    output.note(f"Waiting: {holder} is sweeping, or was when it died; then this goes on within half a minute")


def _document(difference: Difference) -> dict[str, Any]:
    named = difference.named
    return {
        "kind": difference.kind.value,
        "blob": difference.key,
        "filename": named.filename if named else None,
        "collection_id": named.collection_id if named else None,
        "version": named.number if named else None,
        "registered_bytes": named.size if named else None,
        "stored_bytes": difference.size,
    }


def _line(difference: Difference) -> str:
    named = difference.named
    kind = difference.kind.ljust(_WIDTH)
    if named is None:
        return f"{kind}  {difference.key}  {difference.size} bytes"
    stored = "not there" if difference.size is None else f"{difference.size} bytes"
    version = f"{named.filename}, version {named.number} of {named.collection_id}"
    return f"{kind}  {difference.key}  {stored} instead of {named.size} bytes  {version}"


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else float(parse_duration(text))
    except ValueError as error:
        raise typer.BadParameter("expected a duration such as `90m`, `1d 12h` or `0`") from error
