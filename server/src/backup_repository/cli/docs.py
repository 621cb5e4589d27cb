"""`docs`: the description of the API (contract B 2.2)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backup_repository.api.app import description
from backup_repository.cli import output
from backup_repository.cli.sink import CannotWrite, stdout, whole_file

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keep `docs` a group although it has one command."""


@app.command("openapi")
def openapi(
    file: Annotated[Path | None, typer.Option("--output", help="Write to this file instead of printing.")] = None,
) -> None:
    """Print the description of the API in OpenAPI 3.1, byte for byte what the server serves."""
    try:
        with stdout() if file is None else whole_file(file) as write:
            write(description())
    except CannotWrite as error:
        output.note(str(error))
        raise typer.Exit(output.FAILED) from error
