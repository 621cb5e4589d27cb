"""How commands are given a password (contract B 2.1)."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import typer

from backup_repository.access.passwords import generate_password
from backup_repository.cli import output


@dataclass(frozen=True, slots=True)
class Given:
    """A password and whether it still has to be told to the person."""

    password: str
    generated: bool


def given_password(*, value: str | None, from_stdin: bool, generate: bool) -> Given:
    """Take the password from the one option that was given; with none ask twice on a terminal.

    Raises:
        typer.Exit: several options, or none and no terminal (usage); a first line that is no text in UTF-8.
    """
    if (value is not None) + from_stdin + generate > 1:
        output.note("Give only one of --password, --password-stdin and --generate-password")
        raise typer.Exit(output.USAGE)
    if value is not None:
        output.note("warning: a password given with --password is visible in process lists")
        return Given(value, generated=False)
    if from_stdin:
        return Given(_first_line(), generated=False)
    if generate:
        return Given(generate_password(), generated=True)
    if sys.stdin is None or not sys.stdin.isatty():  # None: it was closed
        output.note("A password is needed: --password-stdin or --generate-password")
        raise typer.Exit(output.USAGE)
    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return Given(str(password), generated=False)


def _first_line() -> str:
    line = b"" if sys.stdin is None else sys.stdin.buffer.readline()
    try:
        return line.removesuffix(b"\n").decode()
    except UnicodeDecodeError as error:
        output.note("The password on stdin must be text in UTF-8")
        raise typer.Exit(output.FAILED) from error
