"""PostgreSQL databases as plain SQL (contract B 3.4, 3.7): one by `pg_dump`, or the whole instance by `pg_dumpall`.

How they go back is in `postgres_restore`.
"""

from __future__ import annotations

from bahub.adapters import base, postgres_restore
from bahub.adapters.base import Inspector, RestoreOptions, RestorePlan, Script, Spec
from bahub.adapters.content.sql import PostgresDump
from bahub.adapters.minimal import refuse_to
from bahub.adapters.needs import need
from bahub.adapters.postgres_login import CLIENT, login, secrets

_TEXT = {"type": "string", "minLength": 1}

Definition = base.Definition(
    schema={
        "type": "object",
        "properties": {
            "host": _TEXT,
            "port": {"type": "integer", "minimum": 1, "maximum": 65535, "default": 5432},
            "user": _TEXT,
            "password": {**_TEXT, "writeOnly": True},
            "database": _TEXT,
            "block_connections": {"type": "boolean", "default": True},
        },
        "required": ["host", "user"],
        "additionalProperties": False,
    },
    example="""\
meta:
  type: postgres_dump
  access: main
  encryption: strong
  collection_id: 0f4fa7a4-6e6c-4d0c-9a52-4f3d2a0c5b6e
spec:
  host: 127.0.0.1
  port: 5432
  user: postgres
  password_file: /etc/bahub/postgres-password
  database: shop  # without it: all databases and roles of the instance
  block_connections: true
""",
)


class Adapter:
    """Saves one database, or all of them with the roles."""

    def backup(self, spec: Spec) -> Script:
        """Return what writes the SQL, which drops what it makes before it makes it."""
        program = "pg_dump" if "database" in spec else "pg_dumpall"
        return Script(
            f"{need(program, CLIENT)}{program} --clean --if-exists --no-password {login(spec, spec.get('database'))}\n",
            secrets(spec),
        )

    def restore(self, spec: Spec, options: RestoreOptions) -> RestorePlan:
        """Return how the SQL goes in: one transaction for one database, the whole instance as it arrives."""
        refuse_to(options)
        return postgres_restore.plan(spec)

    def inspector(self, spec: Spec) -> Inspector:
        """Return a look at the first lines, which say what was dumped, and the closing one."""
        return PostgresDump(spec.get("database"))

    def check(self, spec: Spec) -> Script:
        """Return what looks for the client programs."""
        return Script(need("pg_dump" if "database" in spec else "pg_dumpall", CLIENT) + need("psql", CLIENT))
