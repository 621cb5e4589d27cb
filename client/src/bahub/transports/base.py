"""Where commands run: the contract of transports (contract B 3.5).

A transport turns a POSIX shell script into the local command that runs it on the other side, with stdin, stdout and
stderr connected. Secrets never stand in arguments: a `Script` names them, and whoever runs it writes their values to
its stdin, one line each, before any data; the prologue reads them into the environment. Nothing but a POSIX shell is
assumed over there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from bahub.masking import Secret


@dataclass(frozen=True, slots=True)
class Script:
    """A POSIX shell script, and what it needs to know."""

    text: str
    """What the shell runs; arguments quoted by whoever wrote it (`shlex`)."""
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    """By the environment variable that holds each while the script runs; values without line breaks."""


class Transport(Protocol):
    """One place where scripts can run."""

    def command(self, text: str) -> Sequence[str]:
        """Return the local command that runs a script over there; it must not hold secrets."""

    def opened(self) -> AbstractContextManager[None]:
        """Hold the place ready: checks that it is there, starts what must run, puts everything back afterwards.

        Enter it once around all the scripts of a run. Also leaves by the exceptions that signals become.

        Raises:
            Failed: it is not there, or could not be put back.
        """

    def last_words(self) -> Sequence[str]:
        """Return the last 15 log lines of the place itself (a container's); empty where there are none."""


class TransportType(Protocol):
    """What a transport module offers as `Transport`: a class that takes a checked spec.

    Get it from `bahub.transports.registry`, which also finds modules of other people; those need no `Definition`.
    """

    def __call__(self, spec: Mapping[str, Any]) -> Transport:
        """Make one."""


@dataclass(frozen=True, slots=True)
class Definition:
    """What a spec may hold, for checks and for `adapters show`; adapters use it too."""

    schema: Mapping[str, Any]
    """JSON Schema (2020-12) of `spec`; `writeOnly` marks a secret, `format: path` a path on this machine."""
    example: str
    """A working example in YAML, as it stands below `backups.<name>` or `transports.<name>`."""
