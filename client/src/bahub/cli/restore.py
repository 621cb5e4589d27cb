"""`backup restore` and `backup verify`: the way back (contract B 3.2, 3.7)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bahub.cli.jobs import job, reported
from bahub.cli.live import watched
from bahub.cli.session import Session, session_of
from bahub.config.model import Backup
from bahub.errors import BadUsage
from bahub.pipeline import restore as pipeline
from bahub.pipeline.archive import find
from bahub.pipeline.parts import assemble
from bahub.pipeline.records import record_of
from bahub.pipeline.verify import verify as run_verify
from bahub.pipeline.verify import verify_digest
from bahub.repository.download import check_name
from bahub.schedule.locks import locked

Name = Annotated[str, typer.Argument(metavar="NAME", help="A definition.")]
Version = Annotated[str, typer.Option("--version", help="latest, first, v<number> or an id.")]
AllowUnencrypted = Annotated[
    bool, typer.Option("--allow-unencrypted", help="Accept an archive that is not encrypted though it should be.")
]


def restore(
    context: typer.Context,
    name: Name,
    version: Version = "latest",
    download: Annotated[
        Path | None, typer.Option("--download", help="Write the content to this file, and touch nothing else.")
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="With --download: the stored bytes as they are.")] = False,
    to: Annotated[
        str | None, typer.Option("--to", help="Restore into this directory, on the transport's machine.")
    ] = None,
    stage: Annotated[
        Path | None, typer.Option("--stage", help="Verify the whole archive in this directory before restoring.")
    ] = None,
    allow_unencrypted: AllowUnencrypted = False,
    unblock: Annotated[
        bool, typer.Option("--unblock", help="Only put back what an interrupted restore has changed for a while.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait while the definition is already running.")] = False,
) -> None:
    """Fetch, check, decrypt and expand a version, and put it back."""
    session = session_of(context)
    if raw and download is None:
        raise BadUsage("--raw needs --download")
    if download is not None and to is not None:
        raise BadUsage("--download and --to contradict each other")
    if unblock and (download is not None or to is not None or stage is not None):
        raise BadUsage("--unblock goes with nothing else")
    definition = session.definition(name)
    how = pipeline.How(to=to, stage=stage, allow_unencrypted=allow_unencrypted)

    def work() -> None:
        if unblock:
            _unblock(session, definition, wait=wait)
        elif download is not None:
            _download(session, definition, version, download, how, raw=raw)
        else:
            _restore(session, definition, version, how, wait=wait)

    raise typer.Exit(reported(session, definition, "restore.failed", work))


def verify(
    context: typer.Context,
    name: Name,
    version: Version = "latest",
    no_decrypt: Annotated[bool, typer.Option("--no-decrypt", help="Compare the digest alone; needs no key.")] = False,
    allow_unencrypted: AllowUnencrypted = False,
) -> None:
    """Prove a version restorable: digest, decryption, expansion, content. Nothing is restored or written."""
    session = session_of(context)
    definition = session.definition(name)

    def work() -> None:
        _verify(session, definition, version, no_decrypt=no_decrypt, allow_unencrypted=allow_unencrypted)

    raise typer.Exit(reported(session, definition, "verify.failed", work))


def _verify(session: Session, definition: Backup, version: str, *, no_decrypt: bool, allow_unencrypted: bool) -> None:
    parts = assemble(definition, session.output.warn)
    name = definition.name
    with watched(session.output, name) as progress:
        stored = find(parts, version, progress)
        if no_decrypt:
            found = f"SHA-256 {verify_digest(stored.fetch)}, not decrypted"
        else:
            found = run_verify(parts, stored.fetch, allow_unencrypted=allow_unencrypted)
    session.output.result(
        "backup.verified",
        f'Verified {stored.wanted.shown} of "{name}": {found}',
        definition=name,
        version=stored.wanted.shown,
        decrypted=not no_decrypt,
        content=found,
    )


def _restore(session: Session, definition: Backup, version: str, how: pipeline.How, *, wait: bool) -> None:
    parts = assemble(definition, session.output.warn)
    check_name(version)
    pipeline.plan_of(parts, how)  # refuses what cannot be done before anybody hears of a start
    with job(session, definition, "restore", wait=wait) as work:
        with work.watched() as progress:
            stored = find(parts, version, progress)
            record = record_of(session.config.state_directory, definition.name)
            pipeline.restore(parts, stored.fetch, how, record)
        shown = stored.wanted.shown
        work.happened("restored", f'Restored {shown} of "{definition.name}"', version=shown, size=work.progress.done)


def _download(session: Session, definition: Backup, version: str, file: Path, how: pipeline.How, *, raw: bool) -> None:
    parts = assemble(definition, session.output.warn)
    with watched(session.output, definition.name) as progress:
        stored = find(parts, version, progress)
        if raw:
            pipeline.save_raw(stored.fetch, file)
        else:
            pipeline.save(parts, stored.fetch, file, how)
    shown = stored.wanted.shown
    text = f'Saved {shown} of "{definition.name}" to {file}'
    session.output.result("backup.downloaded", text, definition=definition.name, version=shown, path=str(file))


def _unblock(session: Session, definition: Backup, *, wait: bool) -> None:
    record = record_of(session.config.state_directory, definition.name)
    with locked(session.config.state_directory, definition.name, wait=wait):
        done = pipeline.unblock(assemble(definition, session.output.warn), record)
    text = "Put back what an interrupted restore had changed" if done else "There is nothing to put back"
    session.output.result("restore.unblocked", text, definition=definition.name, changed=done)
