"""`backup`: make, restore, list and verify versions (contract B 3.2)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from bahub.cli import raw, restore
from bahub.cli.jobs import job, reported
from bahub.cli.live import watched
from bahub.cli.session import Session, session_of
from bahub.config.model import Backup
from bahub.errors import BadUsage
from bahub.pipeline import backup as pipeline
from bahub.pipeline.files import appearing, standard_output
from bahub.pipeline.parts import assemble
from bahub.repository.connection import Connection
from bahub.repository.lookup import versions_of

app = typer.Typer(no_args_is_help=True)
app.add_typer(raw.app, name="raw", help="Bytes as they are.")

_STDOUT = "-"


@app.command("make", epilog="Example: bahub backup make my_db  ·  bahub backup make --all --keep-going")
def make(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="Definitions, in this order.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every definition, in the order of the file.")] = False,
    keep_going: Annotated[bool, typer.Option("--keep-going", help="Go on with the next after a failure.")] = False,
    target: Annotated[
        str | None,
        typer.Option("--target", help="Write the encrypted archive to this file (`-`: stdout); send nothing."),
    ] = None,
    dont_send: Annotated[bool, typer.Option("--dont-send", help="Say that --target replaces the sending.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait while the definition is already running.")] = False,
) -> None:
    """Dump, compress, encrypt and send: a new version of each definition."""
    session = session_of(context)
    _check_usage(names or [], everything=everything, target=target, dont_send=dont_send)
    if target == _STDOUT:
        session.output.data_goes_to_stdout()
    chosen = session.definitions(list(session.config.backups) if everything else names or [])
    first_code = 0
    for definition in chosen:
        work = partial(_make_one, session, definition, target, wait=wait)
        code = reported(session, definition, "backup.failed", work)
        first_code = first_code or code
        if code and not keep_going:
            break
    raise typer.Exit(first_code)


app.command("restore", epilog="Example: bahub backup restore files --version v3 --to /srv/restored")(restore.restore)
app.command("verify", epilog="Example: bahub backup verify my_db --version first")(restore.verify)


@app.command("list", epilog="Example: bahub backup list my_db")
def list_versions(
    context: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME", help="A definition.")]
) -> None:
    """List every version: number, id, date, size, SHA-256."""
    session = session_of(context)
    definition = session.definition(name)
    versions = versions_of(Connection(definition.access), definition.collection_id)
    rows = [
        {
            "definition": name,
            "version": version.number,
            "id": version.id,
            "date": version.created_at,
            "size": version.size,
            "sha256": version.checksum,
        }
        for version in versions
    ]
    session.output.listing("version", ("version", "id", "date", "size", "sha256"), rows)


def _check_usage(names: Sequence[str], *, everything: bool, target: str | None, dont_send: bool) -> None:
    if bool(names) == everything:
        raise BadUsage("say which definitions: NAME... or --all, not both")
    if dont_send and target is None:
        raise BadUsage("--dont-send needs --target: otherwise the archive would go nowhere")
    if target is not None and (everything or len(names) != 1):
        raise BadUsage("--target takes exactly one NAME")
    if target == _STDOUT and sys.stdout.isatty():
        raise BadUsage("stdout is a terminal", hint="send it to a file or another program")


def _make_one(session: Session, definition: Backup, target: str | None, *, wait: bool) -> None:
    if target is None:
        _upload(session, definition, wait=wait)
    else:
        _write(session, definition, target)


def _upload(session: Session, definition: Backup, *, wait: bool) -> None:
    with job(session, definition, "backup", wait=wait) as work:
        with work.watched() as progress:
            uploaded = pipeline.make(assemble(definition, session.output.warn), progress)
        raw.tell_uploaded(work, uploaded)


def _write(session: Session, definition: Backup, target: str) -> None:
    parts = assemble(definition, session.output.warn)
    with watched(session.output, definition.name) as progress:
        place = standard_output() if target == _STDOUT else appearing(Path(target))
        with place as sink:
            written = pipeline.write(parts, sink, progress)
    session.output.result(
        "backup.written",
        f'Wrote {written.size} bytes of "{definition.name}" to {"stdout" if target == _STDOUT else target}',
        definition=definition.name,
        size=written.size,
        sha256=written.checksum,
    )
