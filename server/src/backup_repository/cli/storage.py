"""`storage`: stored blobs and leftovers (contract B 2.2)."""

from __future__ import annotations

from typing import Annotated

import typer

from backup_repository.cli import output
from backup_repository.cli.console import run
from backup_repository.config.durations import parse_duration
from backup_repository.instance import Instance
from backup_repository.main import default_min_age
from backup_repository.versions.sweep import Swept

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keep `storage` a group although it has one command."""


@app.command("sweep")
def sweep(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be deleted.")] = False,
    min_age: Annotated[
        str | None, typer.Option("--min-age", help="How old a leftover must be, for example `90m` or `0`.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON document.")] = False,
) -> None:
    """Delete leftovers and list them; safe beside running servers."""
    seconds = _seconds(min_age)

    async def job(instance: Instance) -> Swept:
        return await instance.sweep.run(
            default_min_age(instance.config) if seconds is None else seconds, dry_run=dry_run
        )

    swept = run(context, job, writes=not dry_run)
    found = {"retired": swept.retired, "orphaned": swept.orphaned, "landed": swept.landed, "litter": swept.litter}
    if as_json:
        output.say_json(found)
        return
    for kind in ("retired", "orphaned", "landed"):
        for name in getattr(swept, kind):
            output.say(f"{kind}  {name}")
    if swept.litter:
        output.say(f"litter  {swept.litter} files")


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else float(parse_duration(text))
    except ValueError as error:
        raise typer.BadParameter("expected a duration such as `90m`, `1d 12h` or `0`") from error
