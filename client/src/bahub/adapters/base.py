"""What is saved: the contract of adapters (contract B 3.1, 3.4, 3.7).

An adapter knows no process and no network. It turns a checked `spec` into scripts that a transport runs: one that
writes the content to stdout, and a plan for putting content back. It may look at content that passes by and say
whether it is whole (`verify`).

What scripts promise: status 0 means success; 127 that a program is missing, which stderr names together with what to
install; a line on stderr that begins with `warning: ` is meant for the user although the script may succeed. They
change nothing in the shell that called them but its environment, and no secret is ever among their arguments.

Modules of other people need less (`Minimal`): the registry (`bahub.adapters.registry`) completes them, so that callers
see whole `Adapter`s alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bahub.transports.base import Definition, Script

__all__ = [
    "WARNING",
    "Adapter",
    "Definition",
    "Inspector",
    "Minimal",
    "RestoreOptions",
    "RestorePlan",
    "Script",
    "Spec",
]

Spec = Mapping[str, Any]
"""A `spec` that fits the module's `Definition`; secrets in it are `Secret`s, optional keys may be absent."""

WARNING = "warning: "
"""How a line of a script's stderr begins that the user is to see even after success."""


@dataclass(frozen=True, slots=True)
class RestoreOptions:
    """What the user asked for."""

    to: str | None = None
    """Another directory, on the transport's machine."""


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """How content goes back.

    A stream that breaks off looks to the target like one that ended. So nothing that matters may happen on the end of
    stdin alone: `head` and `tail` frame the content (`BEGIN`, `COMMIT`), `finish` runs in a run of its own once the
    content is complete and its digest verified, `undo` when anything failed, `recover` last, whatever happened.

    The order is: `record`, `prepare`, `feed`, then `finish` or `undo`, then `recover`. What `record` wrote is kept
    before `prepare` starts, and thrown away when `recover` has succeeded: a process killed in between leaves what
    `--unblock` needs. A record that an interrupted restore left is recovered first, before a new one is made.
    """

    feed: Script
    """Reads `head`, the content and `tail` from stdin; what it writes to stdout is of no interest."""
    record: Script | None = None
    """Runs first and changes nothing; its stdout is kept in the state directory and handed to `recover`."""
    prepare: Script | None = None
    """Runs before anything is fed; refuses what cannot go well."""
    head: bytes = b""
    """Goes before the content."""
    tail: bytes = b""
    """Goes after the content, only when all of it was verified."""
    finish: Script | None = None
    """Makes the result visible; runs only after success so far."""
    undo: Script | None = None
    """Removes what a failed restore left; also runs after a failed `prepare` or `finish`."""
    recover: Script | None = None
    """Puts back what `prepare` changed; gets the record on stdin, if there was time to make one."""
    half_restored: bool = True
    """Whether a failure in the middle may leave the target half restored; then the user is told."""


class Inspector(Protocol):
    """Looks at content as it passes.

    On a restore each block is looked at before the target program gets it: what must not be there never arrives. Not
    asked about content without a byte, which `allow_empty` accepts.
    """

    def feed(self, block: bytes) -> None:
        """Take the next bytes.

        Raises:
            Tampered: they cannot be part of such content.
        """

    def finish(self) -> str:
        """Say in a few words what the whole was (`tar archive, 42 members`).

        Raises:
            Tampered: the content is not whole.
        """


class Minimal(Protocol):
    """The least that a third-party module offers as `Adapter`, a class or function called without arguments."""

    def backup(self, spec: Spec) -> Script:
        """Return what writes the content to stdout, and the secrets it needs."""

    def restore(self, spec: Spec) -> Script | RestorePlan:
        """Return what takes the content on stdin and puts it back, and the secrets it needs.

        Raises:
            BadUsage: it cannot be put back.
        """


class Adapter(Protocol):
    """One kind of thing that is saved; has no state of its own."""

    def backup(self, spec: Spec) -> Script:
        """Return what writes the content to stdout."""

    def restore(self, spec: Spec, options: RestoreOptions) -> RestorePlan:
        """Return how content goes back.

        Raises:
            BadUsage: it cannot be put back in the way asked for.
        """

    def inspector(self, spec: Spec) -> Inspector:
        """Return a fresh look at content, for `verify` and for every restore."""

    def check(self, spec: Spec) -> Script:
        """Return what looks for the needed programs and does nothing else (`config check --online`)."""
