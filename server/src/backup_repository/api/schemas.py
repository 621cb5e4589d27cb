"""The shapes of what `render.py` writes: what answers are made of (contract 1.2, 3.6, 5.1, 6.1, 9.1, 10)."""

from __future__ import annotations

from backup_repository.access.model import Permission
from backup_repository.api.shapes import (
    Shape,
    always,
    flag,
    integer,
    keyed,
    listed,
    named,
    nullable,
    one_of,
    record,
    text,
)
from backup_repository.audit.model import Event
from backup_repository.collections.model import Strategy
from backup_repository.sizes import MAX_SIZE

_USER_ID = "7f4b2c1e-93a5-4c55-9b0d-0a3c5d1e8f42"
_COLLECTION_ID = "2f1de2f0-5d9c-4a8e-8f2b-6f1f7f1f2c11"
_HASH = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
_STORED_NAME = "0a1b2c3d4e-db.tar-v1.gz"

UUID = text(_COLLECTION_ID, format="uuid")
USER_ID = text(_USER_ID, format="uuid")
EMAIL = text("alice@example.org")
HASH = text(_HASH, pattern="^[0-9a-f]{64}$")
HASH_OR_SESSION = text("current-session", pattern="^([0-9a-fA-F]{64}|current-session)$")
MOMENT = text("2031-05-18T21:24:02.123456Z", pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$").meaning(
    "UTC, six fractional digits"
)
COUNT = integer(1, minimum=0)
BYTE_COUNT = integer(50_000_000, minimum=0, maximum=MAX_SIZE)
HUMAN_SIZE = text("50.00MB", pattern=r"^(\d+B|\d+\.\d\d(kB|MB|GB|TB|PB|EB|ZB|YB))$").meaning(
    "Decimal units, for people"
)
PERMISSION = named("Permission", one_of(*map(str, Permission)))
PERMISSIONS = listed(PERMISSION, uniqueItems=True)
STRATEGY = one_of(*map(str, Strategy))
TRUE = always(value=True)

PAGINATION = named(
    "Pagination",
    record(
        {
            "page": integer(1, minimum=1),
            "per_page_limit": integer(20, minimum=1),
            "max_pages": integer(1, minimum=1).meaning("Pages there are; at least 1"),
        }
    ),
)

USER = named(
    "User",
    record(
        {
            "id": USER_ID,
            "email": EMAIL,
            "active": flag(example=True),
            "expired": flag(example=False),
            "expires": text("", pattern=rf"^$|{MOMENT.schema['pattern']}").meaning("A moment, or empty for never"),
            "data": record(
                {
                    "tags": listed(text("nightly")),
                    "max_allowed_filesize": BYTE_COUNT.meaning("Largest upload in bytes; 0: unlimited"),
                    "allowed_ip_addresses": listed(text("10.0.0.0/8")).meaning("Empty: any"),
                    "allowed_user_agents": listed(text("bahub/5.0")).meaning("Empty: any"),
                }
            ),
            "permissions": PERMISSIONS,
            "organization": text("Example collective"),
            "about": text("Backs up the wiki"),
            "is_administrator": flag(example=False),
        }
    ),
)

TOKEN = named(
    "Token",
    record(
        {
            "event_id": text("5c3f2d0e-1a2b-4c3d-8e4f-5a6b7c8d9e0f", format="uuid"),
            "generated_at": MOMENT,
            "user": USER_ID,
            "token_hash": HASH.meaning("SHA-256 of the token's text; names the token when it is revoked"),
            "token_shortcut": text("ba7816bf8f01cfea...b410ff61f20015ad"),
            "permissions": PERMISSIONS.meaning("The scope"),
            "active": flag(example=True).meaning("False after it was revoked or used up"),
            "expiration": MOMENT,
            "still_valid": flag(example=True).meaning("Active and not expired"),
            "description": text("nightly backup of the wiki"),
        }
    ),
)

COLLECTION = named(
    "Collection",
    record(
        {
            "id": UUID,
            "max_backups_count": integer(5, minimum=0).meaning("0: unlimited"),
            "max_one_backup_version_size": HUMAN_SIZE,
            "max_one_backup_version_size_bytes": BYTE_COUNT.meaning("0: unlimited"),
            "max_collection_size": HUMAN_SIZE,
            "max_collection_size_bytes": BYTE_COUNT.meaning("0: unlimited"),
            "created_at": MOMENT,
            "strategy": STRATEGY,
            "description": text("The wiki's database, every night"),
            "filename": text("db.tar.gz"),
            "used_space": HUMAN_SIZE,
            "used_space_bytes": BYTE_COUNT,
            "versions_count": COUNT,
        }
    ),
)

FILE = named(
    "File",
    record(
        {
            "id": COUNT,
            "filename": text(_STORED_NAME),
            "filesize_bytes": BYTE_COUNT,
            "filesize": HUMAN_SIZE,
        }
    ),
)

VERSION = named(
    "Version",
    record(
        {
            "id": text("9b2e6a54-0f1c-4d7e-a3b8-c6d5e4f3a2b1", format="uuid"),
            "version": integer(1, minimum=1),
            "creation_date": MOMENT,
            "file": FILE,
            "checksum": record({"algorithm": always("sha256"), "value": HASH}),
        }
    ),
)

MEMBER = named(
    "Member",
    record({"user_id": USER_ID, "user_email": EMAIL, "permissions": PERMISSIONS, "collection_id": UUID}),
)

STORED_FILE = named(
    "StoredFile",
    record(
        {
            "filename": text(_STORED_NAME),
            "content_hash": HASH,
            "date_added": MOMENT,
            "timezone": always("UTC"),
            "tags": listed(text("nightly")),
            "filesize": BYTE_COUNT,
        }
    ),
)

AUDIT_ENTRY = named(
    "AuditEntry",
    record(
        {
            "time": MOMENT,
            "actor": text(_USER_ID).meaning("Id of the account, `system` for the console, empty when unknown"),
            "address": text("198.51.100.7"),
            "action": one_of(*map(str, Event)),
            "target": text(_USER_ID).meaning("The id of what it happened to"),
            "result": text("ok").meaning("`ok`, or the code of the refusal"),
            "detail": text(""),
        }
    ),
)

HEALTH = named(
    "Health",
    record(
        {
            "status": listed(record({"storage": flag(example=True), "database": flag(example=True)})),
            "messages": listed(record({"storage": listed(text("OK")), "database": listed(text("OK"))})),
            "global_status": flag(example=True),
            "ident": listed(text("global_status=True")),
        }
    ),
)

_NUMBER = nullable(COUNT)

METRICS = named(
    "Metrics",
    record(
        {
            "storage": record({"declared_space": nullable(HUMAN_SIZE), "used_space": nullable(HUMAN_SIZE)}),
            "users": record({"active_accounts": _NUMBER, "active_jwt_keys": _NUMBER}),
            "backup": record({"versions": _NUMBER, "collections": _NUMBER, "recent_versions": listed(VERSION)}),
            "resources": record({"tags": _NUMBER}),
        }
    ).meaning("Numbers are null without `view.metrics`"),
)

PERMISSION_TEXTS = keyed(
    str(Permission.UPLOAD_ALL), text("[Uploads] Send file content to this server"), propertyNames=PERMISSION.schema
)


def found(name: str, item: Shape, rest: dict[str, Shape]) -> Shape:
    """A listing: a message, a list under a name, and its pagination."""
    message = one_of("Matches found", "No matches found")
    return record({"message": message, "status": TRUE, name: listed(item), **rest})


IN_CONTEXT = {"context": record({"pagination": PAGINATION})}
"""Where most listings say which page they show."""
