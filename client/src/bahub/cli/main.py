"""`bahub`: groups and commands, the spellings they also answer to, and how every run ends.

Options in front of a command (`--config`, `--debug`, `--quiet`, `--json`) may also stand behind it.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from bahub.cli.output import Output, nobody_reads, prepare_streams
from bahub.cli.session import Session, log_to_stderr
from bahub.errors import BahubError, Interrupted

GROUPS: Mapping[str, str] = {
    "backup": "Make, restore, list and verify versions.",
    "raw": "Bytes as they are.",
    "crypto": "Keys.",
    "config": "The configuration file.",
    "adapters": "What can be saved, and where its commands run.",
    "schedule": "When backups run by themselves.",
    "init": "Write a first configuration.",
}
"""What the first word may be. Each is a module of its name with a typer `app`."""
SINGLE = frozenset({"init"})
"""Those that are commands themselves."""
_FLAGS = frozenset({"--debug", "--quiet", "-q", "--json"})
_WITH_VALUE = frozenset({"--config", "-c"})
_OFF = frozenset({"", "0", "false", "no", "off"})
"""Values of the variable DEBUG that mean no."""
_COMPLETE = "_BAHUB_COMPLETE"
"""The variable by which a shell asks for completions."""


def build_app(called: str | None = None) -> typer.Typer:
    """Build the program.

    Args:
        called: the first word of the command. Only what belongs to it is loaded; None loads everything.
    """
    app = typer.Typer(
        name="bahub",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        help="Back up, end to end encrypted, to a Backup Repository, and restore.",
        epilog="Exit codes: 0 done, 1 failed, 2 usage, 3 configuration, 4 refused by the server, "
        "5 source or target program, 6 integrity, 130 and 143 after signals.",
    )
    app.callback()(_options)
    for name, meaning in GROUPS.items():
        if called in {None, name}:
            module = importlib.import_module(f"bahub.cli.{name}")
            app.add_typer(module.app, name=None if name in SINGLE else name, help=meaning)
        else:
            app.command(name, help=meaning)(_not_called)
    return app


def main() -> None:
    """Run one command and exit with its code."""
    prepare_streams()
    arguments = _arranged(sys.argv[1:])
    position = next(
        (at for at, word in enumerate(arguments) if not word.startswith("-") and not _is_value(arguments, at)), None
    )
    if position is not None:
        arguments[position : position + 1] = spelled_out(arguments[position])
    called = None if _COMPLETE in os.environ else "" if position is None else arguments[position]
    session = Session()
    session.ending.listen()
    try:
        build_app(called)(args=arguments, obj=session)
    except BrokenPipeError:  # whoever read our stdout has gone
        nobody_reads(sys.stdout)
        raise SystemExit(1) from None
    except Interrupted as interruption:
        raise SystemExit(session.output.failure(interruption)) from None
    except Exception as error:  # noqa: BLE001 - perhaps a defect; people get a sentence, the error handlers the rest
        reason = session.ending.reason(error)
        code = session.output.failure(reason)
        if not isinstance(reason, BahubError | Interrupted):
            session.tell_unexpected(reason)
        raise SystemExit(code) from None


def spelled_out(word: str) -> Sequence[str]:
    """Turn `:backup:make` and `backup:make` into `backup make`; only the command itself, never a value behind it."""
    return word.removeprefix(":").split(":")


def _arranged(arguments: Sequence[str]) -> list[str]:
    """Put the options that hold for every command in front, where they are understood."""
    front: list[str] = []
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word in _WITH_VALUE:
            front += [word, *([value] if (value := next(words, None)) is not None else [])]
        elif word in _FLAGS or word.startswith("--config="):
            front.append(word)
        else:
            rest.append(word)
    return [*front, *rest]


def _is_value(arguments: Sequence[str], position: int) -> bool:
    return position > 0 and arguments[position - 1] in _WITH_VALUE


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - needed here alone

        sys.stdout.write(f"{version('bahub')}\n")
        raise typer.Exit


def _options(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="Configuration file; else the variable CONFIG, else ~/.bahub.yaml."),
    ] = None,
    debug: Annotated[
        bool, typer.Option("--debug", help="Write the log to stderr, secrets masked; also the variable DEBUG.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Results and errors only.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line on stdout.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Keep the options in front of the command for it."""
    session: Session = context.obj
    session.config_option = config
    session.output = Output(as_json=as_json, quiet=quiet)
    log_to_stderr(debug=debug or os.environ.get("DEBUG", "").lower() not in _OFF, quiet=quiet)


def _not_called() -> None:
    """Stand in for what was not called, in the list of commands."""
