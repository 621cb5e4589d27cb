"""`adapters`: what can be saved, where its commands run, and what each `spec` may hold (contract B 3.2)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

from bahub.adapters import registry as adapters
from bahub.cli.session import session_of
from bahub.config.check import nearest, one_of
from bahub.config.sections import with_files
from bahub.errors import Misconfigured, Problem
from bahub.transports import registry as transports
from bahub.transports.base import Definition

app = typer.Typer(no_args_is_help=True)


@app.command("list", epilog="Example: bahub adapters list")
def list_types(context: typer.Context) -> None:
    """List adapters (what can be saved) and transports (where its commands run)."""
    rows = [*_rows("adapter", adapters.BUILT_IN), *_rows("transport", transports.BUILT_IN)]
    session_of(context).output.listing("type", ("type", "kind", "meaning"), rows)


@app.command("show", epilog="Example: bahub adapters show postgres_dump")
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="TYPE", help="A type, or the path of a module.")],
) -> None:
    """Print what the `spec` of an adapter or transport may hold (JSON Schema), and a working example."""
    definition = _definition(name)
    schema = with_files(definition.schema)
    example = definition.example.strip("\n")
    text = f"Schema of `spec`:\n{json.dumps(schema, indent=2, ensure_ascii=False)}"
    if example:
        text += f"\n\nExample:\n{example}"
    session_of(context).output.result("type", text, type=name, schema=schema, example=example)


def _definition(name: str) -> Definition:
    if name.removeprefix("bahub.transports.") in transports.BUILT_IN:
        return transports.definition(name)
    known = [*adapters.BUILT_IN, *transports.BUILT_IN]
    try:
        return adapters.definition(name)
    except Misconfigured:
        if "." in name:
            raise
        suggestion = nearest(name, known) or f"; {one_of(known)}, or the path of a module"
        raise Misconfigured([Problem(name, f"is no type{suggestion}")]) from None


def _rows(kind: str, names: Sequence[str]) -> list[dict[str, str]]:
    return [{"type": name, "kind": kind, "meaning": _meaning(f"bahub.{kind}s.{name}")} for name in names]


def _meaning(module: str) -> str:
    """Return the first sentence of a module's own words, without references."""
    sentence = (import_module(module).__doc__ or "").partition("\n\n")[0].replace("\n", " ")
    return sentence.partition(" (contract")[0].rstrip(".")
