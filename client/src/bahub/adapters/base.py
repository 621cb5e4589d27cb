"""What is saved: the contract of adapters (contract B 3.4, 3.7).

An adapter knows no process and no network. It turns its checked `spec` into scripts that a transport runs: one that
writes the content to stdout, and a plan for putting content back. It may look at content that passes by and say
whether it is whole (`verify`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bahub.transports.base import Definition, Script

__all__ = ["Adapter", "Definition", "Inspector", "RestoreOptions", "RestorePlan", "Script"]


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
    content is complete and its digest verified, `undo` when anything failed, `restore` of the place's state comes last
    whatever happened.
    """

    feed: Script
    """Reads `head`, the content and `tail` from stdin."""
    prepare: Script | None = None
    """Runs before; its stdout is kept and handed to `recover` on stdin (and in the state directory meanwhile)."""
    head: bytes = b""
    """Goes before the content."""
    tail: bytes = b""
    """Goes after the content, only when all of it was verified."""
    finish: Script | None = None
    """Makes the result visible; runs only after success so far."""
    undo: Script | None = None
    """Removes what a failed restore left."""
    recover: Script | None = None
    """Puts back what `prepare` changed; runs after success and failure, and with `--unblock`."""
    half_restored: bool = True
    """Whether a failure in the middle may leave the target half restored; then the user is told."""


class Inspector(Protocol):
    """Looks at content as it passes."""

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


class Adapter(Protocol):
    """One kind of thing that is saved."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        """Take a spec that fits the module's `Definition`; passwords in it are `Secret`s."""

    def backup(self) -> Script:
        """Return what writes the content to stdout."""

    def restore(self, options: RestoreOptions) -> RestorePlan:
        """Return how content goes back.

        Raises:
            BadUsage: it cannot be put back in the way asked for.
        """

    def inspector(self) -> Inspector:
        """Return a fresh look at content, for `verify` and before a restore counts as complete."""
