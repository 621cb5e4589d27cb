"""The audit log's entries (contract 12)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

SYSTEM = "system"
"""The actor of what the operator's program does."""
CONSOLE = "console"
"""The address of what the operator's program does."""


class Event(StrEnum):
    """What is recorded."""

    LOGGED_IN = "login"
    LOGIN_FAILED = "login.failed"
    LOGIN_THROTTLED = "login.throttled"
    REFUSED = "access.refused"
    """A good token or password was refused for its account, its origin or its record (40322 to 40324)."""
    TOKEN_GENERATED = "token.generated"  # noqa: S105 - the name of an event
    TOKEN_REVOKED = "token.revoked"  # noqa: S105 - likewise
    USER_CREATED = "user.created"
    USER_EDITED = "user.edited"
    USER_DELETED = "user.deleted"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105 - likewise
    ACCESS_GIVEN = "access.given"
    ACCESS_WITHDRAWN = "access.withdrawn"
    COLLECTION_CREATED = "collection.created"
    COLLECTION_EDITED = "collection.edited"
    COLLECTION_DELETED = "collection.deleted"
    VERSION_UPLOADED = "version.uploaded"
    VERSION_ROTATED_OUT = "version.rotated-out"
    VERSION_DELETED = "version.deleted"
    SETTINGS_CHANGED = "settings.changed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log; never holds passwords, tokens or codes."""

    at: datetime
    actor_id: str | None
    """Id of the account that did it, or `SYSTEM`; None: nobody known."""
    address: str
    """Where it came from, or `CONSOLE`."""
    event: Event
    target: str
    """Id of what it was done to; of failed log-ins with an unknown account the e-mail."""
    outcome: str
    """`ok`, or the code of the refusal."""
    detail: str
    """Names of what was changed, numbers of versions; for people."""


@dataclass(frozen=True, slots=True)
class Search:
    """What a listing looks for; None: anything."""

    actor_id: str | None = None
    event: Event | None = None
    first: datetime | None = None
    """First moment included."""
    last: datetime | None = None
    """Last moment included."""
