"""`init`: a first configuration with its keys, by questions or by options; nothing is ever overwritten."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from bahub.cli.first import Answers, Written, write_first
from bahub.cli.session import session_of
from bahub.config.cron import five_fields
from bahub.config.entries import wrong_url
from bahub.config.load import locate
from bahub.config.sections import COLLECTION_ID, ENTRY_NAME
from bahub.encryption.age_keys import recipients_of
from bahub.errors import BadUsage, Failed

app = typer.Typer()

Check = Callable[[str], str | None]
"""Says what is wrong with an answer; None: nothing."""

_STDIN = "-"
_NIGHTLY = "30 2 * * *"


@app.command(
    "init",
    epilog="Example: bahub init --yes --url https://backups.example.org --token-file token "
    "--collection 0f4fa7a4-6e6c-4d0c-9a52-4f3d2a0c5b6e --path /etc",
)
def init(
    context: typer.Context,
    url: Annotated[str, typer.Option("--url", help="Address of the server.")] = "",
    token_file: Annotated[
        str, typer.Option("--token-file", help="File with the token; `-`: read it from stdin and write a new file.")
    ] = "",
    collection: Annotated[str, typer.Option("--collection", help="Id of the collection.")] = "",
    path: Annotated[list[str] | None, typer.Option("--path", help="What to back up; repeatable.")] = None,
    name: Annotated[str, typer.Option("--name", help="Name of the definition.")] = "files",
    schedule: Annotated[str, typer.Option("--schedule", help="Cron line.")] = _NIGHTLY,
    recipient: Annotated[
        list[str] | None,
        typer.Option("--recipient", help="Encrypt for this public key and make none; repeatable."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
) -> None:
    """Write a first configuration and make keys; ask for what no option says. Nothing is overwritten."""
    session = session_of(context)
    target = locate(session.config_option, os.environ).absolute()
    if target.exists():
        raise Failed(f"already created: {target}; an existing configuration is never overwritten")
    recipients_of(recipient or (), "--recipient")
    ask = sys.stdin.isatty() and not yes
    if not ask:
        _complain_of_missing({"--url": url, "--token-file": token_file, "--collection": collection, "--path": path})
    answers = Answers(
        url=_answer(url, "--url", "Address of the server", wrong_url, ask=ask),
        collection=_answer(collection, "--collection", "Id of the collection", _wrong_collection, ask=ask),
        token=_token(token_file, ask=ask),
        token_file=None if token_file in {"", _STDIN} else _readable(token_file),
        paths=[_answer(one, "--path", "Directory to back up", _wrong_path, ask=ask) for one in path or [""]],
        name=_answer(name, "--name", "", _wrong_name, ask=False),
        schedule=_answer(schedule, "--schedule", "", _wrong_line, ask=False),
        recipients=recipient or (),
    )
    written = write_first(target, answers)
    session.output.result(
        "init.written",
        f"Wrote {target}",
        path=str(target),
        token_file=str(written.token_file),
        identity_file=str(written.identity_file) if written.identity_file else None,
        recipients=list(written.recipients),
    )
    option = "" if session.config_option is None else f"--config {shlex.quote(str(session.config_option))} "
    for line in _advice(written, answers.name, option):
        session.output.note(line)


def _complain_of_missing(given: dict[str, object]) -> None:
    missing = [option for option, value in given.items() if not value]
    if missing:
        raise BadUsage(f"{', '.join(missing)} missing; without a terminal, or with --yes, nothing is asked")


def _answer(given: str, option: str, question: str, check: Check, *, ask: bool) -> str:
    """Return what the option says, else the first good answer to the question."""
    if given or not ask:
        if wrong := check(given):
            raise BadUsage(f"{option} {wrong}")
        return given
    while wrong := check(given := str(typer.prompt(question, err=True)).strip()):
        typer.echo(f"It {wrong}.", err=True)
    return given


def _token(token_file: str, *, ask: bool) -> str | None:
    """Return a token that is to be written into a new file; None: there is a file."""
    if token_file == _STDIN:
        token = sys.stdin.read().strip()
    elif token_file or not ask:
        return None
    else:
        token = str(typer.prompt("Token (not shown)", hide_input=True, err=True)).strip()
    if not re.fullmatch(r"[!-~]+", token):
        raise BadUsage("the token must be one line of printable characters without spaces")
    return token


def _readable(token_file: str) -> Path:
    path = Path(token_file).expanduser().absolute()
    if not os.access(path, os.R_OK) or path.is_dir():
        raise BadUsage(f"--token-file {path} cannot be read")
    return path


def _wrong_collection(text: str) -> str | None:
    return None if re.fullmatch(COLLECTION_ID, text) else "must be an id as 0f4fa7a4-6e6c-4d0c-9a52-4f3d2a0c5b6e"


def _wrong_path(text: str) -> str | None:
    whole = text.startswith("/") and ".." not in Path(text).parts
    return None if whole else "must be an absolute path without `..`"


def _wrong_name(text: str) -> str | None:
    return None if re.fullmatch(ENTRY_NAME, text) else "must be letters, digits, `_`, `-` and `.`"


def _wrong_line(text: str) -> str | None:
    try:
        five_fields(text)
    except ValueError as error:
        return str(error)
    return None


def _advice(written: Written, name: str, option: str) -> Sequence[str]:
    if written.identity_file is None:
        keep = ["Archives can be opened only where the secret keys of the given public keys are: keep those safe."]
    else:
        keep = [
            f"Secret key: {written.identity_file}{'' if written.is_new_identity else ' (was there already)'}",
            "Keep a copy of it in a safe place, apart from this machine and from the server:",
            "whoever has it can read every archive, and without it nobody can.",
            "Making backups does not need it: once the copy is safe, it may be taken from this machine.",
        ]
    return [
        *keep,
        "Next:",
        f"  bahub {option}config check --online",
        f"  bahub {option}backup make {name}",
        f"  bahub {option}schedule run",
    ]
