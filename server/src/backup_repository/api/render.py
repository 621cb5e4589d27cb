"""What answers look like (contract 1.2): snake_case JSON, four spaces, moments and sizes in their one form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from json.encoder import encode_basestring
from typing import Any

from starlette.responses import Response

from backup_repository.access.decide import expand
from backup_repository.access.model import GRANTS, Permission, Token
from backup_repository.access.names import in_order
from backup_repository.audit.model import Entry
from backup_repository.collections.model import Collection
from backup_repository.sizes import format_size
from backup_repository.users.model import User
from backup_repository.versions.model import Version

_INDENT = "    "
_NAMED = {True: "true", False: "false", None: "null"}

JsonObject = dict[str, Any]
"""A JSON object about to be sent."""


def as_json(content: Mapping[str, Any]) -> bytes:
    """Write JSON in the contract's layout.

    Raises:
        TypeError: something in it is no JSON; names are texts.
    """
    return _written(content, "\n").encode()


def _written(value: Any, line: str) -> str:
    """Write a value that begins on a line; `json` does the same a token at a time, which takes three times as long."""
    kind = type(value)
    if kind is str:
        return encode_basestring(value)
    if kind is dict:
        deeper = line + _INDENT
        parts = [
            f"{encode_basestring(name)}: {encode_basestring(one) if type(one) is str else _written(one, deeper)}"
            for name, one in value.items()
        ]
        return f"{{{deeper}{f',{deeper}'.join(parts)}{line}}}" if parts else "{}"
    if kind is list:
        deeper = line + _INDENT
        parts = [_written(one, deeper) for one in value]
        return f"[{deeper}{f',{deeper}'.join(parts)}{line}]" if parts else "[]"
    if kind is int:
        return repr(value)
    return _NAMED[value] if value is None or kind is bool else _rarely(value, line)


def _rarely(value: Any, line: str) -> str:
    """Write what is seldom in an answer: a fraction, a member of an enumeration, another kind of map or list."""
    return json.dumps(value, indent=4, ensure_ascii=False).replace("\n", line)


def json_response(content: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Make a JSON answer in the contract's layout."""
    return Response(as_json(content), status, dict(headers or {}), media_type="application/json")


def moment(value: datetime) -> str:
    """Write a moment: UTC, six fractional digits, `Z`."""
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def pagination(page: int, per_page: int, total: int) -> JsonObject:
    """Describe one page; `max_pages` is at least 1."""
    return {"page": page, "per_page_limit": per_page, "max_pages": max(1, -(-total // per_page))}


def user(value: User, now: datetime) -> JsonObject:
    """USER of contract 5.1; an administrator's permissions are shown expanded."""
    recorded = frozenset(Permission(name) for name in value.permissions)
    is_administrator = Permission.ADMINISTRATOR in recorded
    return {
        "id": value.id,
        "email": value.email,
        "active": value.active,
        "expired": value.expired(now),
        "expires": "" if value.expires_at is None else moment(value.expires_at),
        "data": {
            "tags": list(value.tags),
            "max_allowed_filesize": value.max_allowed_file_size,
            "allowed_ip_addresses": list(value.allowed_ip_addresses),
            "allowed_user_agents": list(value.allowed_user_agents),
        },
        "permissions": _administrators_list(recorded) if is_administrator else list(in_order(recorded)),
        "organization": value.organization,
        "about": value.about,
        "is_administrator": is_administrator,
    }


def _administrators_list(recorded: Iterable[Permission]) -> list[str]:
    """`security.administrator` first, then the other 34 grants, then the restrictions of the account."""
    everything = expand(recorded)
    first = [Permission.ADMINISTRATOR.value]
    return (
        first
        + [name for name in in_order(everything & GRANTS) if name not in first]
        + list(in_order(everything - GRANTS))
    )


def token(value: Token, now: datetime) -> JsonObject:
    """One entry of the token listing (contract 3.6)."""
    return {
        "event_id": value.id,
        "generated_at": moment(value.issued_at),
        "user": value.user_id,
        "token_hash": value.token_hash,
        "token_shortcut": value.shortcut,
        "permissions": list(in_order(value.scope)),
        "active": value.active,
        "expiration": moment(value.expires_at),
        "still_valid": value.active and value.expires_at > now,
        "description": value.description,
    }


def audit_entry(value: Entry) -> JsonObject:
    """One entry of the audit log."""
    return {
        "time": moment(value.at),
        "actor": value.actor_id or "",
        "address": value.address,
        "action": value.event.value,
        "target": value.target,
        "result": value.outcome,
        "detail": value.detail,
    }


def collection(value: Collection) -> JsonObject:
    """COLLECTION of contract 6.1."""
    return {
        "id": value.id,
        "max_backups_count": value.max_backups_count,
        "max_one_backup_version_size": format_size(value.max_one_version_size),
        "max_one_backup_version_size_bytes": value.max_one_version_size,
        "max_collection_size": format_size(value.max_collection_size),
        "max_collection_size_bytes": value.max_collection_size,
        "created_at": moment(value.created_at),
        "strategy": value.strategy.value,
        "description": value.description,
        "filename": value.filename,
        "used_space": format_size(value.used_space),
        "used_space_bytes": value.used_space,
        "versions_count": value.versions_count,
    }


def version(value: Version) -> JsonObject:
    """VERSION of contract 6.1."""
    return {
        "id": value.id,
        "version": value.number,
        "creation_date": moment(value.created_at),
        "file": {
            "id": value.file_id,
            "filename": value.filename,
            "filesize_bytes": value.size,
            "filesize": format_size(value.size),
        },
        "checksum": {"algorithm": "sha256", "value": value.sha256},
    }
