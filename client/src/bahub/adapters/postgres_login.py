"""How PostgreSQL's programs are told where to connect, and as whom; passwords stand in the environment alone."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from bahub.adapters.base import Spec
from bahub.masking import Secret

CLIENT = "postgresql-client"
"""The Debian package with the programs."""
_STANDARD_PORT = 5432


def login(spec: Spec, database: str | None) -> str:
    """Return the option that names host, user and database.

    A connection string with each value quoted: a bare name with `=` in it would be taken for one.
    """
    words = {
        "host": spec["host"],
        "port": spec.get("port", _STANDARD_PORT),
        "user": spec["user"],
        "fallback_application_name": "bahub",
    }
    if database is not None:
        words["dbname"] = database
    return "--dbname=" + shlex.quote(" ".join(f"{key}={_quoted(str(value))}" for key, value in words.items()))


def secrets(spec: Spec) -> Mapping[str, Secret]:
    """Return what the programs find in their environment."""
    return {"PGPASSWORD": spec["password"]} if "password" in spec else {}


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
