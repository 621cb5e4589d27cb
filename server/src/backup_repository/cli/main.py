"""`backup-repository`: the operator's console. Groups and commands, and the spellings they also answer to."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from backup_repository.cli import auth, backup, config, db, health, output, storage
from backup_repository.cli.console import Options
from backup_repository.cli.serve import serve
from backup_repository.errors import ConfigurationError

app = typer.Typer(
    name="backup-repository",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Operate a Backup Repository. Exit codes: 0 done, 1 refused or failed, 2 usage, 78 configuration.",
)
app.add_typer(auth.app, name="auth")
app.add_typer(backup.app, name="backup")
app.add_typer(storage.app, name="storage")
app.add_typer(health.app, name="health")
app.add_typer(db.app, name="db")
app.add_typer(config.app, name="config")
app.command("serve")(serve)

_ALIASES = {"health:wait-for:database": ("health", "wait-for-database")}
"""Spellings that are not just a colon in place of the space (contract B 2.1)."""


def _show_version(wanted: bool) -> None:
    if wanted:
        output.say(version("backup-repository"))
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    config_file: Annotated[
        Path | None, typer.Option("--config", help="Configuration file, `.toml` or NAME=value lines.")
    ] = None,
    verbose: Annotated[bool, typer.Option("-v", help="Add the full object to a short answer.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Keep the options in front of the command for it."""
    context.obj = Options(config_file, verbose)


def main() -> None:
    """Run one command and exit with its code."""
    try:
        app(args=_spelled_out(sys.argv[1:]))
    except ConfigurationError as error:
        output.note_configuration(error)
        raise SystemExit(output.CONFIGURATION) from None


def _spelled_out(arguments: list[str]) -> list[str]:
    """Turn `auth:create-user` into `auth create-user`; only the command itself, never a value behind it."""
    spelled = list(arguments)
    for position, word in enumerate(spelled):
        if position > 0 and spelled[position - 1] == "--config":
            continue
        if not word.startswith("-"):
            spelled[position : position + 1] = _ALIASES.get(word, tuple(word.split(":", 1)))
            break
    return spelled
