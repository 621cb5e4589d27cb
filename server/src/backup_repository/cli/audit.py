"""`audit`: what happened, and who did it (contract 12 and 13)."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from backup_repository.access.audit import AuditPage, search_of
from backup_repository.api import render
from backup_repository.cli import output
from backup_repository.cli.console import listed, run
from backup_repository.instance import Instance

app = typer.Typer(no_args_is_help=True)

_MOST_PAGES = 10**12
_MOST_ROWS = 1000
_COLUMNS = {
    name: lambda entry, name=name: str(entry[name])
    for name in ("time", "actor", "address", "action", "target", "result", "detail")
}


@app.callback()
def group() -> None:
    """Keep `audit` a group although it has one command."""


@app.command("list")
def list_entries(
    context: typer.Context,
    page: Annotated[int, typer.Option("--page", min=1, max=_MOST_PAGES, help="Which page, the newest first.")] = 1,
    limit: Annotated[int, typer.Option("--limit", min=1, max=_MOST_ROWS, help="Entries of a page.")] = 50,
    actor: Annotated[
        str, typer.Option("--actor", help="Only what this account did, by its id; `system`: the console.")
    ] = "",
    action: Annotated[str, typer.Option("--action", help="Only this action, for example `login.failed`.")] = "",
    first: Annotated[str, typer.Option("--from", help="Only from this date or moment on.")] = "",
    last: Annotated[str, typer.Option("--to", help="Only up to this date, included, or moment.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON document.")] = False,
) -> None:
    """List what the audit log holds, newest first."""

    async def job(instance: Instance) -> AuditPage:
        wanted = search_of(actor=actor, action=action, first=first, last=last)
        return await instance.audit.page(wanted, offset=(page - 1) * limit, limit=limit)

    found = run(context, job)
    entries: list[dict[str, Any]] = [render.audit_entry(entry) for entry in found.entries]
    listed(context, entries, _COLUMNS, as_json=as_json)
    if found.total > limit:
        pages = render.pagination(page, limit, found.total)["max_pages"]
        output.note(f"page {page} of {pages}, {found.total} entries")
