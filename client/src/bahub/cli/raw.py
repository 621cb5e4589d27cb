"""`raw`: bytes as they are, without compression and encryption (contract B 3.2)."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from bahub.cli.jobs import Job, job, reported
from bahub.cli.session import Session, session_of
from bahub.config.model import Backup
from bahub.errors import BadUsage
from bahub.pipeline.backup import send_raw
from bahub.repository.model import Uploaded

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `send` a command of a group."""


@app.command("send", epilog="Example: pg_dump db | age -r age1... | bahub raw send my_db")
def send(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A definition; its access and collection are used.")],
    path: Annotated[Path | None, typer.Option("--path", help="Send this file instead of stdin.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait while the definition is already running.")] = False,
) -> None:
    """Send a file, or stdin, as a new version: no compression, no encryption."""
    session = session_of(context)
    definition = session.definition(name)
    with _bytes_of(path) as source:
        code = reported(session, definition, "backup.failed", lambda: _send(session, definition, source, wait=wait))
    raise typer.Exit(code)


def _send(session: Session, definition: Backup, source: BinaryIO, *, wait: bool) -> None:
    with job(session, definition, "backup", wait=wait) as work:
        with work.watched() as progress:
            uploaded = send_raw(definition.access, definition.collection_id, source, progress)
        tell_uploaded(work, uploaded)


def tell_uploaded(work: Job, uploaded: Uploaded) -> None:
    """Print and tell what became of an upload."""
    work.happened(
        "uploaded",
        f'Uploaded version "{uploaded.number}" of "{uploaded.filename}"',
        version=uploaded.number,
        id=uploaded.id,
        filename=uploaded.filename,
        size=uploaded.size,
        sha256=uploaded.checksum,
    )


def _bytes_of(path: Path | None) -> AbstractContextManager[BinaryIO]:
    if path is None:
        return nullcontext(sys.stdin.buffer)
    try:
        return path.open("rb", buffering=0)
    except OSError as error:
        raise BadUsage(f"{path} cannot be read: {error.strerror}") from error
