"""`schedule`: the daemon, and the table of what it will do (contract B 3.8)."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from bahub.adapters import registry as adapters
from bahub.cli.output import Output, sentence_of
from bahub.cli.session import Session, session_of
from bahub.config.load import locate, parse, text_of
from bahub.config.model import Backup, Config
from bahub.errors import BahubError
from bahub.masking import masked
from bahub.notifications.errors import report
from bahub.notifications.event import Event
from bahub.notifications.send import Notifiers
from bahub.schedule.daemon import Daemon, the_only_one
from bahub.schedule.runs import Loaded, Surroundings
from bahub.schedule.systemd import ERROR, INFO, NOTICE, WARNING, journal_line
from bahub.schedule.table import table
from bahub.transports import registry as transports

app = typer.Typer(no_args_is_help=True)

_AGAIN = 3600.0
"""Seconds after which the same trouble is told again."""


@app.command("run", epilog="Example: bahub --config /etc/bahub/bahub.yaml schedule run --parallel 2")
def run(
    context: typer.Context,
    parallel: Annotated[int, typer.Option("--parallel", min=1, help="How many definitions may run at once.")] = 1,
) -> None:
    """Make backups when they are due, until SIGTERM or SIGINT; SIGHUP takes over a changed configuration."""
    session = session_of(context)
    log = Log(session.output)
    loaded = _load(session)
    tellers = Tellers(log)
    around = Surroundings(
        load=lambda: _load(session),
        command=lambda name: _command(session.output, name),
        clock=lambda: datetime.now(UTC),
        log=log.line,
        said=log.said,
        failed=tellers.failed,
        exception=tellers.exception,
        environment=dict(os.environ),
        parallel=parallel,
    )
    with the_only_one(loaded.config):
        ended_by = asyncio.run(Daemon(around, loaded).run())
    raise typer.Exit(128 + ended_by)


@app.command("list", epilog="Example: bahub schedule list")
def list_schedules(context: typer.Context) -> None:
    """List every definition: next run, last planned run, its result."""
    session = session_of(context)
    found = [asdict(row) for row in table(session.config, datetime.now(UTC))]
    if session.output.as_json:
        written = [{key: _as_text(value) for key, value in row.items()} for row in found]
    else:
        written = [{key: _for_people(key, value, row) for key, value in row.items()} for row in found]
    session.output.listing("schedule", ("definition", "schedule", "next_run", "last_run", "last_result"), written)


def _as_text(value: Any) -> Any:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else value


def _for_people(key: str, value: Any, row: Mapping[str, Any]) -> str:
    if value is None:
        return "by hand" if key == "schedule" else "-"
    text = value.strftime("%Y-%m-%d %H:%M %Z") if isinstance(value, datetime) else str(value)
    return f"{text} (overdue)" if key == "next_run" and row["overdue"] else text


class Log:
    """The daemon's log: lines on stderr as the journal likes them, with `--json` objects on stdout too."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def line(self, priority: int, text: str, definition: str = "") -> None:
        """Write a line; with `--quiet` only what is wrong."""
        if priority <= WARNING or not self._output.quiet:
            whole = f"{definition}: {text}" if definition else text
            sys.stderr.write(f"{journal_line(priority, masked(whole), os.environ)}\n")
            sys.stderr.flush()
        if self._output.as_json:
            self._output.result("schedule.log", priority=priority, text=text, **_of(definition))

    def said(self, definition: str, line: str, event: Mapping[str, Any]) -> None:
        """Pass on what a run printed: its sentences, with `--json` its objects as they are, else their news."""
        if not event:
            self.line(NOTICE, line, definition)
        elif self._output.as_json:
            sys.stdout.write(f"{masked(line)}\n")
            sys.stdout.flush()
        elif event.get("event") == "backup.uploaded":
            self.line(INFO, f'Uploaded version "{event.get("version")}" of "{event.get("filename")}"', definition)


def _of(definition: str) -> dict[str, str]:
    return {"definition": definition} if definition else {}


def _load(session: Session) -> Loaded:
    path = locate(session.config_option, os.environ)
    text = text_of(path)
    config = parse(
        text,
        path,
        os.environ,
        adapter=lambda name: adapters.definition(name).schema,
        transport=lambda name: transports.definition(name).schema,
    )
    return Loaded(config, text)


def _command(output: Output, name: str) -> Sequence[str]:
    flags = ["--json"]
    if output.quiet:
        flags.append("--quiet")
    if logging.getLogger().isEnabledFor(logging.DEBUG):
        flags.append("--debug")
    # -P: what lies in the working directory is never taken for a module
    return [sys.executable, "-P", "-m", "bahub", "--config", "-", *flags, "backup", "make", "--wait", name]


class Tellers:
    """Tells notifiers and error handlers of what went wrong; returns when all were told or were given up."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._told: dict[str, float] = {}

    def failed(self, definition: Backup, reason: str, config: Config) -> None:
        """Tell of a run that failed and could not tell itself."""
        event = Event("backup.failed", definition.name, definition.collection_id, stage="scheduler", reason=reason)
        Notifiers(config.notifiers, self._warn).tell(event, definition.notify)

    def exception(self, error: Exception, config: Config) -> None:
        """Log an exception of the scheduler itself, and tell of it; of the same again at most hourly."""
        is_known = isinstance(error, BahubError)
        sentence = sentence_of(error)
        self._log.line(ERROR, f"{sentence}; the scheduler goes on")
        logging.getLogger(__name__).debug("the error in detail", exc_info=error)
        if time.monotonic() - self._told.get(sentence, -_AGAIN) < _AGAIN:
            return
        self._told[sentence] = time.monotonic()
        Notifiers(config.notifiers, self._warn).tell(Event("scheduler.exception", reason=sentence))
        if not is_known:
            report(error, config.error_handlers, self._warn)

    def _warn(self, text: str) -> None:
        self._log.line(WARNING, f"warning: {text}")
