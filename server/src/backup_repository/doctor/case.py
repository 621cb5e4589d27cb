"""What is examined, and with what."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from backup_repository.doctor.conversation import Patience
from backup_repository.doctor.found import Found
from backup_repository.doctor.target import Target
from backup_repository.doctor.wire import Wire

API = "/api/stable"
_MASK = "********"
_SHORT = 4
"""A shorter secret is too likely to be part of a word."""


@dataclass(frozen=True)
class Case:
    """One installation, the secrets that open it, and the sizes and pauses to try."""

    target: Target
    token: str = field(default="", repr=False)
    """Of somebody who may use the collection; empty: none."""
    health_code: str = field(default="", repr=False)
    collection: str = ""
    """The id of an empty collection; empty: none."""
    size: int = 30 * 10**9
    """Bytes that an upload may have."""
    pause: float = 75
    """Seconds that a sender may pause."""
    insecure: bool = False
    """Whether secrets may travel although the certificate cannot be trusted."""
    patience: Patience = field(default_factory=Patience)
    tell: Callable[[str], None] = lambda _: None
    """Is told what goes on meanwhile."""
    note: Callable[[str], None] = lambda _: None
    """Is told what a person must know, whatever comes of the run."""
    deferred: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext
    """Keeps interruptions out of a block of statements."""

    @cached_property
    def anonymous(self) -> Wire:
        """For what holds no secret: the certificate is not looked at."""
        return Wire(self.target, self.patience, verified=False)

    @cached_property
    def confidential(self) -> Wire:
        """For what holds secrets."""
        return Wire(self.target, self.patience, verified=not self.insecure)

    @property
    def lacking(self) -> str:
        """The options without which nothing can be tried in a collection; empty: they were given."""
        given = {"--token-file": self.token, "--collection": self.collection}
        return " and ".join(option for option, value in given.items() if not value)

    @property
    def bearer(self) -> dict[str, str]:
        """The header with the token."""
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def versions(self) -> str:
        """The path of the collection's versions."""
        return f"{API}/repository/collection/{self.collection}/versions"

    @cached_property
    def nowhere(self) -> str:
        """An upload path that leads to no collection."""
        return f"{API}/repository/collection/{uuid.uuid4()}/versions"

    def masked(self, text: str) -> str:
        """Take the secrets out of a text that others wrote a part of."""
        for secret in (self.token, self.health_code):
            if len(secret) >= _SHORT:
                text = text.replace(secret, _MASK)
        return text


Check: TypeAlias = Callable[[Case], Found]
"""Looks at one thing; raises Trouble when no answer comes."""
