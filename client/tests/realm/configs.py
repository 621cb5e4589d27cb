"""Configuration files of tests, and the schemas of the adapters and transports in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bahub.config.load import load
from bahub.config.model import Config
from bahub.errors import Misconfigured, Problem

COLLECTION = "0f4fa7a4-6e6c-4d0c-9a52-4f3d2a0c5b6e"
RECIPIENT = "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg"

ACCESSES = 'accesses: {main: {url: "https://backups.example.org", token: "${API_TOKEN}"}}\n'
ENCRYPTION = f"encryption: {{strong: {{method: age, recipients: [{RECIPIENT}]}}}}\n"
ENVIRONMENT = {"API_TOKEN": "eyJ.token.xyz", "HOME": "/users/alice"}

SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "filesystem": {
        "type": "object",
        "properties": {"paths": {"type": "array", "items": {"type": "string"}, "minItems": 1}},
        "required": ["paths"],
        "additionalProperties": False,
    },
    "mysql": {
        "type": "object",
        "properties": {
            "host": {"type": "string"},
            "port": {"type": "integer"},
            "strict": {"type": "boolean"},
            "password": {"type": "string", "writeOnly": True},
            "gzip_args": {"type": "string"},
        },
        "required": ["host", "password"],
        "additionalProperties": False,
    },
    "ssh": {
        "type": "object",
        "properties": {"host": {"type": "string"}, "identity_file": {"type": "string", "format": "path"}},
        "required": ["host"],
        "additionalProperties": False,
    },
    "sh": {"type": "object", "properties": {"shell": {"type": "string"}}, "additionalProperties": False},
}


def schema_of(kind: str) -> Mapping[str, Any]:
    """Return the schema of a type, as a registry would."""
    if kind not in SCHEMAS:
        raise Misconfigured([Problem("", f"`{kind}` is no known type")])
    return SCHEMAS[kind]


def backup(
    name: str = "www",
    meta: str = "",
    spec: str = "{paths: [/srv]}",
    kind: str = "filesystem",
    encryption: str = "strong",
) -> str:
    """Return a `backups` section with one definition; `meta` begins with a comma."""
    return (
        f"backups:\n  {name}:\n    meta: {{type: {kind}, access: main, encryption: {encryption},"
        f" collection_id: {COLLECTION}{meta}}}\n    spec: {spec}\n"
    )


def loaded(folder: Path, text: str, **environment: str) -> Config:
    """Write a configuration file that only its owner can read, and load it."""
    path = folder / "bahub.yaml"
    path.write_text(text)
    path.chmod(0o600)
    return load(path, ENVIRONMENT | environment, adapter=schema_of, transport=schema_of)


def problems(folder: Path, text: str, **environment: str) -> list[str]:
    """Return every problem of a configuration, each as one line; empty when there is none."""
    try:
        loaded(folder, text, **environment)
    except Misconfigured as error:
        return str(error).splitlines()
    return []
