"""`config`: the settings in effect (contract B 2.2)."""

from __future__ import annotations

from typing import Annotated

import typer

from backup_repository.cli import output
from backup_repository.cli.options import options_of
from backup_repository.config.show import show_rows

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keep `config` a group although it has one command."""


@app.command("show")
def show(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print a JSON document.")] = False
) -> None:
    """Print every variable, its effective value and where it comes from; secrets are masked."""
    loaded = options_of(context).load()
    rows = show_rows(loaded)
    if as_json:
        output.say_json([{"variable": row.variable, "value": row.value, "source": row.source} for row in rows])
    else:
        output.say_table([(row.variable, row.value, row.source) for row in rows])
