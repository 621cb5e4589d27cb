"""`config`: is the configuration right, and is everything there that it names (contract B 3.2)?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Annotated

import typer

from bahub.cli.session import Session, session_of
from bahub.config.model import Backup
from bahub.errors import BahubError, Refused
from bahub.pipeline.parts import Parts, assemble
from bahub.pipeline.programs import run_script
from bahub.repository.connection import Connection
from bahub.repository.lookup import collection_of

app = typer.Typer(no_args_is_help=True)

_FORBIDDEN = 403


@app.callback()
def _group() -> None:
    """Keep `check` a command of a group."""


@app.command("check", epilog="Example: bahub config check --online")
def check(
    context: typer.Context,
    online: Annotated[
        bool,
        typer.Option("--online", help="Also reach each server, token and collection, and look for needed programs."),
    ] = False,
) -> None:
    """Check the whole configuration; every problem is listed with its place and line."""
    session = session_of(context)
    definitions = session.config.backups.values()
    _warn_of_shared_collections(session)
    codes = [code for definition in definitions for code in _failures(session, definition, online=online)]
    if codes:
        raise typer.Exit(codes[0])
    what = "is valid, and everything it names is there" if online else "is valid"
    session.output.result(
        "config.checked",
        f"{session.config.path} {what}; definitions: {len(definitions)}",
        path=str(session.config.path),
        definitions=[definition.name for definition in definitions],
        online=online,
    )


def _failures(session: Session, definition: Backup, *, online: bool) -> Iterator[int]:
    """Look at everything that a definition needs; print each failure, and give its exit code."""
    try:
        parts = assemble(definition, session.output.warn)
    except BahubError as error:
        yield session.output.failure(error, "config.problem", definition=definition.name)
        return
    checks: list[Callable[[], None]] = [lambda: parts.encryption.check(opening=False)]
    if online:
        checks += [lambda: _reach(session, definition), lambda: _look_for_programs(parts)]
    for look in checks:
        try:
            look()
        except BahubError as error:
            yield session.output.failure(error, "config.problem", definition=definition.name)


def _reach(session: Session, definition: Backup) -> None:
    """Look the collection up, with the token, on the server.

    Raises:
        Refused, Failed: it is not there, or out of reach.
    """
    connection = Connection(definition.access, pause=lambda _seconds: None)
    try:
        collection = collection_of(connection, definition.collection_id)
    except Refused as refusal:
        if refusal.status != _FORBIDDEN:
            raise
        session.output.note(f"{definition.name}: the token may not look at the collection; it may still send to it")
    else:
        session.output.note(f'{definition.name}: the server has the collection "{collection.filename}"')


def _look_for_programs(parts: Parts) -> None:
    """Look for the needed programs where the commands run.

    Raises:
        Failed, ProgramFailed: the place is not there, or a program is missing in it.
    """
    definition = parts.definition
    what = f"the look for programs through transport {definition.transport.name}"
    with parts.transport.opened():
        run_script(parts.transport, parts.adapter.check(definition.spec), what, parts.warn)


def _warn_of_shared_collections(session: Session) -> None:
    users: dict[tuple[str, str], list[str]] = defaultdict(list)
    for definition in session.config.backups.values():
        users[definition.access.url, definition.collection_id].append(definition.name)
    for names in users.values():
        if len(names) > 1:
            session.output.warn(f"{' and '.join(names)} send to the same collection: their versions mix")
