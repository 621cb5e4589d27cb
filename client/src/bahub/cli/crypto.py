"""`crypto`: the keys that archives are encrypted with (contract B 3.2)."""

from __future__ import annotations

import difflib
from typing import Annotated

import typer

from bahub.cli.session import Session, session_of
from bahub.config.model import Encryption
from bahub.encryption.base import AlreadyCreated
from bahub.encryption.registry import method_of
from bahub.errors import Failed, Misconfigured, Problem

_NAME = "An entry of `encryption`, or a definition that uses one."
_COLUMNS = ("encryption", "method", "recipient", "fingerprint", "secret_here")

app = typer.Typer(no_args_is_help=True)


@app.command("generate-keys", epilog="Example: bahub crypto generate-keys strong")
def generate_keys(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help=_NAME)],
    ignore_errors: Annotated[
        bool, typer.Option("--ignore-errors", help="Keys that exist already are no failure; they stay as they are.")
    ] = False,
) -> None:
    """Make keys, and say what to keep safe. Keys that exist are never overwritten."""
    session = session_of(context)
    entry = _entry(session, name)
    method = method_of(entry)
    try:
        made = method.generate()
    except AlreadyCreated as error:
        if not ignore_errors:
            raise
        session.output.note(error.message)
        return
    for key in made:
        text = f"{key.method}: {key.recipient}"
        if key.method == "gpg":
            text += f" {key.fingerprint}"
        session.output.result(
            "crypto.generated",
            text,
            encryption=entry.name,
            method=key.method,
            recipient=key.recipient,
            fingerprint=key.fingerprint,
        )
    for line in method.advice(made):
        session.output.note(line)


@app.command("list-keys", epilog="Example: bahub crypto list-keys --definition my_db")
def list_keys(
    context: typer.Context,
    definition: Annotated[
        str | None, typer.Option("--definition", metavar="NAME", help=f"{_NAME} Without it, all entries.")
    ] = None,
) -> None:
    """List keys: for whom archives are encrypted, and whether they can be opened on this machine."""
    session = session_of(context)
    entries = session.config.encryption.values() if definition is None else [_entry(session, definition)]
    rows = [
        {
            "encryption": entry.name,
            "method": key.method,
            "recipient": key.recipient,
            "fingerprint": key.fingerprint,
            "secret_here": key.secret_here if session.output.as_json else "yes" if key.secret_here else "no",
        }
        for entry in entries
        for key in method_of(entry).keys()  # noqa: SIM118 - a method of ours, no mapping
    ]
    if not rows:
        raise Failed("no keys were found", hint="`bahub crypto generate-keys NAME` makes some")
    session.output.listing("crypto.key", _COLUMNS, rows)


def _entry(session: Session, name: str) -> Encryption:
    """Return the entry of this name, or the one that the definition of this name uses.

    Raises:
        Misconfigured: there is neither.
    """
    entries, definitions = session.config.encryption, session.config.backups
    if name in entries:
        return entries[name]
    if name in definitions:
        return definitions[name].encryption
    known = [*entries, *definitions]
    near = difflib.get_close_matches(name, known, n=1)
    known_text = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known) or 'none'}"
    raise Misconfigured([Problem(name, f"there is no such encryption entry or definition; {known_text}")])
