"""Every table. `migrations/` creates them; a test compares the two on SQLite and PostgreSQL."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)


class Moment(TypeDecorator[datetime]):
    """A moment in UTC with microseconds, the same on every engine (SQLite keeps no zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Bring the moment to UTC; SQLite gets it without zone."""
        if value is None:
            return None
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Give the moment back in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id(name: str, *arguments: Any, **options: Any) -> Column[str]:
    return Column(name, String(36), *arguments, **options)


users = Table(
    "users",
    metadata,
    _id("id", primary_key=True),
    Column("email", String(254), nullable=False),
    Column("email_folded", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("permissions", JSON, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("max_allowed_file_size", BigInteger, nullable=False),
    Column("allowed_ip_addresses", JSON, nullable=False),
    Column("allowed_user_agents", JSON, nullable=False),
    Column("organization", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("expires_at", Moment),
    Column("active", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("searched", Text, nullable=False, server_default=text("''")),
    Index("ix_users_created_at_id", "created_at", "id"),
    Index("ix_users_active_expires_at", "active", "expires_at"),
)
"""Accounts. By the case-folded e-mail an account is unique; `searched` is everything that a search looks at."""

tokens = Table(
    "tokens",
    metadata,
    _id("id", primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    _id("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("scope", JSON, nullable=False),
    Column("issued_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("description", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Index("ix_tokens_active_expires_at", "active", "expires_at"),
    Index("ix_tokens_user_id_active_expires_at", "user_id", "active", "expires_at"),
    Index("ix_tokens_user_id_issued_at_id_active_expires_at", "user_id", "issued_at", "id", "active", "expires_at"),
)
"""Every token ever issued to an existing account; never its text.

The last index begins in the order of pages, and what makes a token valid is in it, so that those before a page are
passed over without a look at the table.
"""

collections = Table(
    "collections",
    metadata,
    _id("id", primary_key=True),
    Column("filename", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("strategy", String(64), nullable=False),
    Column("max_backups_count", BigInteger, nullable=False),
    Column("max_one_version_size", BigInteger, nullable=False),
    Column("max_collection_size", BigInteger, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("last_number", BigInteger, nullable=False),
    Column("versions_count", BigInteger, nullable=False),
    Column("used_space", BigInteger, nullable=False),
    Column("searched", Text, nullable=False, server_default=text("''")),
    Column("newest_at", Moment),
    Column("due_at", Moment),
    Index("ix_collections_created_at_id", "created_at", "id"),
)
"""Collections with maintained counts, changed in the same transaction as their versions.

`newest_at` is the moment of the version with the highest number; empty collections have none. From `due_at` on a
collection is late, see `collections/due.py`; while nobody can tell it is empty.
"""

totals = Table(
    "totals",
    metadata,
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("collections", BigInteger, nullable=False),
    Column("versions", BigInteger, nullable=False),
    Column("used_space", BigInteger, nullable=False),
    Column("declared_millions", BigInteger, nullable=False),
    Column("declared_rest", BigInteger, nullable=False),
)
"""Sums over all collections, in parts so that collections do not wait for each other; the sum of the parts counts.

Bytes of `declared_*` are `1_000_000 * millions + rest`, because a few limits near 2^63 would overflow one column.
"""

login_failures = Table(
    "login_failures",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("pair", String(64), nullable=False),
    Column("failed_at", Moment, nullable=False, index=True),
    Index("ix_login_failures_pair_failed_at", "pair", "failed_at"),
)
"""Failed log-ins of the last minutes, per pair of e-mail and address, of which only a hash is kept."""

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    _id("actor_id"),
    Column("address", Text, nullable=False),
    Column("event", String(40), nullable=False),
    Column("target", Text, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("detail", Text, nullable=False),
    Index("ix_audit_at_id", "at", "id"),
    Index("ix_audit_actor_id_at_id", "actor_id", "at", "id"),
    Index("ix_audit_event_at_id", "event", "at", "id"),
    Index("ix_audit_actor_id_event_at_id", "actor_id", "event", "at", "id"),
    sqlite_autoincrement=True,
)
"""What happened; outlives the accounts it tells about, so nothing is a foreign key."""

audit_counts = Table(
    "audit_counts",
    metadata,
    _id("actor_id", primary_key=True),
    Column("event", String(40), primary_key=True),
    Column("entries", BigInteger, nullable=False),
    Column("until_id", BigInteger, nullable=False),
)
"""How many entries of the audit log there are, up to an id, by actor and event; an empty one stands for any.

The row for any actor and any event says up to which id all rows count.
"""

leases = Table(
    "leases",
    metadata,
    Column("name", String(40), primary_key=True),
    _id("token", nullable=False),
    Column("holder", Text, nullable=False),
    Column("expires_at", Moment, nullable=False),
)
"""Who does what only one process may do at a time, until when by the clock of the database; see `leases.py`."""

grants = Table(
    "grants",
    metadata,
    _id("collection_id", ForeignKey("collections.id", ondelete="CASCADE"), primary_key=True),
    _id("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("permissions", JSON, nullable=False),
)
"""Access control lists: at most one entry per account and collection."""

blobs = Table(
    "blobs",
    metadata,
    Column("key", String(32), primary_key=True),
    Column("retired_at", Moment),
)
"""Blobs the database knows: named by a version, or retired and waiting for the sweep. One index more: see `schema`.

A version and the sweep's claim on an unknown blob insert the same key, so that only one of them can win.
"""

versions = Table(
    "versions",
    metadata,
    Column("file_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    _id("id", nullable=False, unique=True),
    _id("collection_id", ForeignKey("collections.id"), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("filename", Text, nullable=False, unique=True),
    Column("blob_key", String(32), ForeignKey("blobs.key"), nullable=False, unique=True),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("collection_id", "number"),
    UniqueConstraint("collection_id", "sha256"),
    Index("ix_versions_created_at_file_id", "created_at", "file_id"),
    sqlite_autoincrement=True,
)
"""What is stored. A row without a blob cannot happen; see `versions/upload.py` for the order that sees to it."""

version_tags = Table(
    "version_tags",
    metadata,
    Column(
        "file_id",
        BigInteger().with_variant(Integer, "sqlite"),
        ForeignKey("versions.file_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("tag", String(64), primary_key=True),
    Column("position", Integer, nullable=False),
    Index("ix_version_tags_tag_file_id", "tag", "file_id"),
)
"""The labels an upload was given, in the account's order (contract 4.3)."""


@functools.cache
def schema() -> MetaData:
    """Return the tables with every index, for what creates or compares tables.

    The index with a condition is added only here: to declare it takes the dialects of both engines, and PostgreSQL's is
    2 MB that a server on SQLite never needs.
    """
    retired = text("retired_at IS NOT NULL")
    Index("ix_blobs_retired", blobs.c.key, sqlite_where=retired, postgresql_where=retired)
    return metadata
