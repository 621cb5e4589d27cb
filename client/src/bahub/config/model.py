"""What a configuration file says, checked and resolved (contract B 3.1): frozen records, no file in sight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bahub.masking import Secret

JSON = Mapping[str, Any]
"""A mapping as the file held it: texts, numbers, booleans, lists and mappings; secrets are `Secret`s."""


@dataclass(frozen=True, slots=True)
class Access:
    """A server, and the token that opens it."""

    name: str
    """Its key below `accesses`."""
    url: str
    """Absolute http(s) URL without trailing slash; may hold a path prefix."""
    token: Secret
    """Bearer token."""
    ca_file: Path | None = None
    """Certificates to trust instead of the system's."""
    insecure_tls: bool = False
    """Whether certificates are not checked; every command warns."""
    connect_timeout: float = 30.0
    """Seconds until connecting counts as failed."""
    read_timeout: float = 3600.0
    """Seconds without a byte after which the connection counts as dead."""


@dataclass(frozen=True, slots=True)
class Encryption:
    """How archives are encrypted, and with which keys."""

    name: str
    """Its key below `encryption`."""
    method: str
    """`age`, `gpg` or `none` (aliases are resolved)."""
    spec: JSON = field(default_factory=dict)
    """The keys of that method (contract B 3.3), without `method`."""


@dataclass(frozen=True, slots=True)
class TransportEntry:
    """Where commands run."""

    name: str
    """Its key below `transports`; `local` always exists."""
    type: str
    """Short name or module path."""
    spec: JSON = field(default_factory=dict)
    """The keys of that type (contract B 3.5)."""


@dataclass(frozen=True, slots=True)
class Compression:
    """How archives are compressed before they are encrypted."""

    method: str
    """`zstd`, `gzip` or `none`."""
    level: int
    """As the method counts; 0 for `none`."""


@dataclass(frozen=True, slots=True)
class Backup:
    """One thing that is backed up again and again."""

    name: str
    """Its key below `backups`."""
    type: str
    """The adapter: short name or module path."""
    access: Access
    encryption: Encryption
    transport: TransportEntry
    collection_id: str
    """Where its versions go."""
    compression: Compression
    spec: JSON = field(default_factory=dict)
    """The keys of the adapter (contract B 3.4)."""
    schedule: str | None = None
    """Five cron fields or `@daily` and the like; None: only by hand."""
    timezone: str | None = None
    """IANA name; None: the machine's."""
    notify: tuple[str, ...] | None = None
    """Names of notifiers; None: all."""
    allow_empty: bool = False
    """Whether a source may yield no byte."""


@dataclass(frozen=True, slots=True)
class NotifierEntry:
    """Somebody who wants to hear of events."""

    name: str
    type: str
    """`slack`, `mattermost`, `apprise`, `healthchecks`, `none`."""
    url: Secret | None = None
    """Where to send; hooks are secrets."""
    max_retry_num: int = 3
    """How often a failed sending is tried again."""
    connection_timeout: float = 30.0
    """Seconds."""
    events: tuple[str, ...] | None = None
    """Which events; None: all."""


@dataclass(frozen=True, slots=True)
class ErrorHandlerEntry:
    """Where unexpected exceptions are reported."""

    name: str
    type: str
    """`sentry`."""
    url: Secret
    """Its DSN."""


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration."""

    path: Path
    """The file it was read from."""
    accesses: Mapping[str, Access]
    encryption: Mapping[str, Encryption]
    transports: Mapping[str, TransportEntry]
    backups: Mapping[str, Backup]
    notifiers: Mapping[str, NotifierEntry]
    error_handlers: Mapping[str, ErrorHandlerEntry]
    state_directory: Path
    """Locks and schedule memory; no secrets."""
    warnings: tuple[str, ...] = ()
    """Sentences for the user: readable secrets, unchecked certificates, no encryption."""
