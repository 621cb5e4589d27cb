"""`docs`: the description of the API (contract B 2.2)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from backup_repository.api.app import description
from backup_repository.cli import output

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
        if file is None:
            sys.stdout.buffer.write(description())
            sys.stdout.flush()
        else:
            file.write_bytes(description())
    except OSError as error:
        output.note(f"Cannot write to {file or 'the standard output'}: {error.strerror}")
        raise typer.Exit(output.FAILED) from error
