"""What one run of the program shares: the options in front, the configuration, the printer, whom to tell."""

from __future__ import annotations

import difflib
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import typer

from bahub.adapters import registry as adapters
from bahub.cli.output import Output
from bahub.cli.signals import Ending
from bahub.config.load import load, locate
from bahub.config.model import Backup, Config
from bahub.errors import Misconfigured, Problem
from bahub.masking import masked
from bahub.notifications.errors import report
from bahub.transports import registry as transports


@dataclass
class Session:
    """One run."""

    config_option: Path | None = None
    """`--config`."""
    output: Output = field(default_factory=Output)
    ending: Ending = field(default_factory=Ending)

    @cached_property
    def config(self) -> Config:
        """The configuration; its warnings are printed when it is first asked for.

        Raises:
            Misconfigured: it cannot be used.
        """
        config = load(
            locate(self.config_option, os.environ),
            os.environ,
            adapter=lambda name: adapters.definition(name).schema,
            transport=lambda name: transports.definition(name).schema,
        )
        for warning in config.warnings:
            self.output.warn(warning)
        return config

    def definition(self, name: str) -> Backup:
        """Return one definition.

        Raises:
            Misconfigured: there is none of that name.
        """
        return self.definitions([name])[0]

    def definitions(self, names: Sequence[str]) -> Sequence[Backup]:
        """Return definitions by name.

        Raises:
            Misconfigured: some do not exist; all of these are listed.
        """
        known = self.config.backups
        unknown = [name for name in names if name not in known]
        if unknown:
            raise Misconfigured([Problem(f"backups.{name}", _missing(name, list(known))) for name in unknown])
        return [known[name] for name in names]

    def tell_unexpected(self, error: Exception) -> None:
        """Tell every error handler of an exception that nobody foresaw; needs a configuration that was read."""
        config = self.__dict__.get("config")
        if isinstance(config, Config):
            report(error, config.error_handlers, self.output.warn)


def session_of(context: typer.Context) -> Session:
    """Return the session of a command."""
    session = context.find_root().obj
    assert isinstance(session, Session)  # noqa: S101 - the first callback has made it
    return session


def log_to_stderr(*, debug: bool, quiet: bool) -> None:
    """Write the log to stderr, masked: with `debug` of this program and of the HTTP client, else warnings alone."""
    handler = _Stderr()
    handler.setFormatter(_Masked("%(asctime)s %(threadName)s %(name)s: %(message)s" if debug else "%(message)s"))
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.DEBUG if debug else logging.ERROR if quiet else logging.WARNING)
    for name in ("httpcore", "asyncio"):
        logging.getLogger(name).setLevel(logging.INFO)  # every block is a line of theirs


class _Stderr(logging.Handler):
    """Writes to whatever stderr is at that moment: above a live line, where there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(f"{self.format(record)}\n")
        sys.stderr.flush()


class _Masked(logging.Formatter):
    """Masks whole records, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))


def _missing(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"there is no such definition; did you mean {near[0]}?"
    return f"there is no such definition; there are: {', '.join(known) or 'none'}"
