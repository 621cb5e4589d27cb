"""`backup-repository`: the operator's console. Groups and commands, and the spellings they also answer to."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from backup_repository.cli import output
from backup_repository.cli.options import Options
from backup_repository.errors import ConfigurationError

COMMANDS: Mapping[str, str] = {
    "serve": "Run the server.",
    "auth": "Accounts.",
    "backup": "Collections.",
    "storage": "Stored blobs and leftovers.",
    "audit": "What happened, and who did it.",
    "health": "Is this installation able to serve?",
    "doctor": "Is an installation well set up, seen from outside?",
    "db": "The database schema.",
    "config": "The settings in effect.",
    "docs": "The description of the API.",
}
"""What the first word may be: groups of commands, and single ones. Each is a module of its name with a typer `app`."""

_SINGLE = frozenset({"serve", "doctor"})

ALIASES = {
    "storage:file:read": ("storage", "read-file"),
    "health:wait-for:database": ("health", "wait-for-database"),
    "docs:swagger:json": ("docs", "openapi"),
}
"""Spellings that are not just a colon in place of the space (contract B 2.1)."""


def build_app(called: str | None = None) -> typer.Typer:
    """Build the console.

    Args:
        called: the first word of the command. Only what belongs to it is loaded, so that a command does not take the
            time and the memory of the others; None loads everything.
    """
    app = typer.Typer(
        name="backup-repository",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
        help="Operate a Backup Repository. Exit codes: 0 done, 1 refused or failed, 2 usage, 78 configuration.",
    )
    app.callback()(_options)
    for name, meaning in COMMANDS.items():
        if called in {None, name}:
            module = importlib.import_module(f"backup_repository.cli.{name}")
            app.add_typer(module.app, name=None if name in _SINGLE else name, help=meaning)
        else:
            app.command(name, help=meaning)(_not_called)
    return app


def main() -> None:
    """Run one command and exit with its code."""
    arguments = sys.argv[1:]
    if not all(map(_is_text, arguments)):
        output.note("The arguments must be text in UTF-8")
        raise SystemExit(output.USAGE)
    position = _position_of_command(arguments)
    if position is not None:
        arguments[position : position + 1] = _spelled_out(arguments[position])
    try:
        build_app("" if position is None else arguments[position])(args=arguments)
    except ConfigurationError as error:
        output.note_configuration(error)
        raise SystemExit(output.CONFIGURATION) from None
    except Exception as error:
        if position is None or arguments[position] == "serve" or "-v" in arguments[:position]:
            raise
        output.note(f"Unexpected failure: {type(error).__name__}; with -v in front of the command it says where")
        raise SystemExit(output.FAILED) from None


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - 1 MB that a server does not need

        output.say(version("backup-repository"))
        raise typer.Exit


def _options(
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


def _not_called() -> None:
    """Stand in for what was not called, in the list of commands."""


def _is_text(argument: str) -> bool:
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True


def _position_of_command(arguments: Sequence[str]) -> int | None:
    """Find the first word that is neither an option nor the value of one."""
    for position, word in enumerate(arguments):
        if not word.startswith("-") and not (position > 0 and arguments[position - 1] == "--config"):
            return position
    return None


def _spelled_out(command: str) -> Sequence[str]:
    """Turn `auth:create-user` into `auth create-user`; only the command itself, never a value behind it."""
    return ALIASES.get(command, tuple(command.split(":", 1)))
