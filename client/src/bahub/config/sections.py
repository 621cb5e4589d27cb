"""What each section of the file may hold, as JSON Schema (contract B 3.1, 3.3, 3.9).

`writeOnly` marks a secret: it may also be given as `<key>_file`. `format: path` marks a path on this machine: `~` is
the home directory, and a relative path begins at the directory of the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]
"""JSON Schema (2020-12) of a mapping."""

EVENTS = (
    "backup.started",
    "backup.uploaded",
    "backup.failed",
    "restore.started",
    "restore.restored",
    "restore.failed",
    "scheduler.exception",
)
"""What notifiers may hear of."""

METHODS = {"age": "age", "gpg": "gpg", "aes256": "gpg", "none": "none"}
"""Names of encryption methods, and what they stand for."""

SILENT = frozenset({"none", "nothing", "void", "empty", ""})
"""Types of a notifier that tells nobody."""

LEVELS = {"zstd": (1, 22, 3), "gzip": (1, 9, 6), "none": (0, 0, 0)}
"""Least, greatest and default level by compression method."""

_TEXT: Schema = {"type": "string", "minLength": 1}
_SECRET: Schema = {"type": "string", "minLength": 1, "writeOnly": True}
_PATH: Schema = {"type": "string", "minLength": 1, "format": "path"}
_SECONDS: Schema = {"type": "number", "exclusiveMinimum": 0}
_FLAG: Schema = {"type": "boolean"}
_NAMES: Schema = {"type": "array", "items": _TEXT}


def _mapping(required: tuple[str, ...] = (), **properties: Any) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


ENTRY_NAME = r"^\w[\w.-]{0,59}$"
"""Names of entries: they become file names of locks and words of commands."""

COLLECTION_ID = r"^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"
"""How the server writes ids of collections."""

TOP: Schema = _mapping(
    accesses={"type": "object"},
    encryption={"type": "object"},
    transports={"type": "object"},
    backups={"type": "object"},
    notifiers={"type": "object"},
    error_handlers={"type": "object"},
    state_directory=_PATH,
)
"""The whole file; the entries of its sections are checked one by one."""

ACCESS: Schema = _mapping(
    ("url", "token"),
    url=_TEXT,
    token={**_SECRET, "pattern": r"^[!-~]+$", "description": "one line of printable characters without spaces"},
    ca_file=_PATH,
    insecure_tls=_FLAG,
    connect_timeout=_SECONDS,
    read_timeout=_SECONDS,
)

ENCRYPTION: Mapping[str, Schema] = {
    "age": {
        **_mapping(
            method=_TEXT,
            recipients={**_NAMES, "minItems": 1},
            recipients_file=_PATH,
            identity_file=_PATH,
        ),
        "anyOf": [{"required": ["recipients"]}, {"required": ["recipients_file"]}, {"required": ["identity_file"]}],
        "description": "needs `recipients`, `recipients_file` or `identity_file`",
    },
    "gpg": _mapping(
        ("email",),
        method=_TEXT,
        gnupg_home=_PATH,
        email=_TEXT,
        username=_TEXT,
        passphrase=_SECRET,
        key_type=_TEXT,
        key_length={"type": "integer", "minimum": 2048},
        armor=_FLAG,
    ),
    "none": _mapping(method=_TEXT),
}
"""By method."""

TRANSPORT: Schema = _mapping(("type",), type=_TEXT, spec={"type": "object"})

BACKUP: Schema = _mapping(("meta",), meta={"type": "object"}, spec={"type": "object"})

META: Schema = _mapping(
    ("type", "access", "encryption", "collection_id"),
    type=_TEXT,
    access=_TEXT,
    encryption=_TEXT,
    transport=_TEXT,
    collection_id={
        "type": "string",
        "pattern": COLLECTION_ID,
        "description": "a collection's id, as 0f4fa7a4-6e6c-4d0c-9a52-4f3d2a0c5b6e",
    },
    compression={"type": ["string", "object"]},
    schedule=_TEXT,
    timezone=_TEXT,
    notify=_NAMES,
    allow_empty=_FLAG,
)

COMPRESSION: Schema = _mapping(("method",), method={"enum": list(LEVELS)}, level={"type": "integer"})

NOTIFIER: Schema = _mapping(
    type={"enum": ["slack", "mattermost", "apprise", "healthchecks", *sorted(SILENT, reverse=True), None]},
    url=_SECRET,
    max_retry_num={"type": "integer", "minimum": 0, "maximum": 100},
    connection_timeout=_SECONDS,
    events={"type": "array", "items": {"enum": list(EVENTS)}},
)

ERROR_HANDLER: Schema = _mapping(("type", "url"), type={"enum": ["sentry"]}, url=_SECRET)


def secret_keys(schema: Schema) -> frozenset[str]:
    """Return the keys of a mapping whose values nobody may see; `<key>_file` stands for each."""
    properties = schema.get("properties", {})
    return frozenset(
        key
        for key, described in properties.items()
        if (isinstance(described, Mapping) and described.get("writeOnly") is True) or key in _ALWAYS_SECRET
    )


_ALWAYS_SECRET = frozenset({"password", "passphrase", "token"})
"""Secrets even where a module forgot to mark them."""


def with_files(schema: Schema) -> Schema:
    """Return a schema that also names `<key>_file` for each secret, as the file may hold it."""
    properties: dict[str, Any] = {}
    secrets = secret_keys(schema)
    for key, described in schema.get("properties", {}).items():
        properties[key] = described
        if key in secrets:
            properties[f"{key}_file"] = {"type": "string", "format": "path", "description": f"a file with `{key}`"}
    required = [key for key in schema.get("required", ()) if key not in secrets]
    either = [
        {"oneOf": [{"required": [key]}, {"required": [f"{key}_file"]}]}
        for key in schema.get("required", ())
        if key in secrets
    ]
    result = {**schema, "properties": properties, "required": required}
    return {**result, "allOf": [*schema.get("allOf", ()), *either]} if either else result
