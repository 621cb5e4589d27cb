"""MySQL and MariaDB databases as SQL (contract B 3.4), by whichever family's client programs are there."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from bahub.adapters import base
from bahub.adapters.base import Inspector, RestoreOptions, RestorePlan, Script, Spec
from bahub.adapters.content.sql import MysqlDump
from bahub.adapters.minimal import refuse_to
from bahub.adapters.needs import need_either
from bahub.masking import Secret

_TEXT = {"type": "string", "minLength": 1}
_STANDARD_PORT = 3306

Definition = base.Definition(
    schema={
        "type": "object",
        "properties": {
            "host": _TEXT,
            "port": {"type": "integer", "minimum": 1, "maximum": 65535, "default": _STANDARD_PORT},
            "user": _TEXT,
            "password": {**_TEXT, "writeOnly": True},
            "database": {
                "type": "string",
                "pattern": r"^[^-\x00]",
                "description": "a name that does not begin with `-`",
            },
            "gzip_args": {
                "type": "string",
                "pattern": r"^\s*-[1-9]\s*$",
                "description": 'a level of gzip, from "-1" to "-9"',
            },
        },
        "required": ["host", "user"],
        "additionalProperties": False,
    },
    example="""\
meta:
  type: mysql
  access: main
  encryption: strong
  collection_id: 0f4fa7a4-6e6c-4d0c-9a52-4f3d2a0c5b6e
spec:
  host: 127.0.0.1
  port: 3306
  user: backup
  password_file: /etc/bahub/mysql-password
  database: shop  # without it: all databases
""",
)

_CLIENT = "default-mysql-client"
_FIND_DUMP = need_either("dump", ("mariadb-dump", "mysqldump"), _CLIENT)
_FIND_CLIENT = need_either("client", ("mariadb", "mysql"), _CLIENT)
_WHOLE_OBJECTS = (
    "--single-transaction",
    "--quick",
    "--routines",
    "--triggers",
    "--events",
    "--add-drop-table",
    "--add-drop-trigger",
    "--hex-blob",
    "--comments",
    "--no-tablespaces",
    "--default-character-set=utf8mb4",
)
"""One snapshot, everything in it, readable by a client of any locale; the closing line is a comment."""
_WHERE_KNOWN = """\
known=$("$dump" --no-defaults --help 2>/dev/null)
for option in --column-statistics=0 --set-gtid-purged=OFF; do
  case $known in *"${option%%=*}"*) set -- "$@" "$option" ;; esac
done
"""
"""MySQL's own program would ask MariaDB for what it has not, and write statements that a server with other
transactions refuses; MariaDB's knows neither option."""


class Adapter:
    """Saves one database, or all of them with the accounts."""

    def backup(self, spec: Spec) -> Script:
        """Return what writes the SQL."""
        scope = ["--", spec["database"]] if "database" in spec else ["--all-databases", "--flush-privileges"]
        return Script(
            f"{_FIND_DUMP}{_login(spec)}set --\n{_WHERE_KNOWN}"
            f'"$dump" {_place(spec)} {shlex.join(_WHOLE_OBJECTS)} "$@" {shlex.join(scope)}\n',
            _secrets(spec),
        )

    def restore(self, spec: Spec, options: RestoreOptions) -> RestorePlan:
        """Return how the SQL goes into the client program, as it arrives."""
        refuse_to(options)
        return RestorePlan(
            prepare=Script(_FIND_CLIENT),
            feed=Script(
                f"{_FIND_CLIENT}{_login(spec)}"
                f'"$client" {_place(spec)} --batch --binary-mode --default-character-set=utf8mb4 >/dev/null\n',
                _secrets(spec),
            ),
            head=_into(spec["database"]) if "database" in spec else b"",
        )

    def inspector(self, spec: Spec) -> Inspector:
        """Return a look at the first lines, which name the database, and the closing one."""
        return MysqlDump(spec.get("database"))

    def check(self, spec: Spec) -> Script:
        """Return what looks for the client programs."""
        del spec
        return Script(_FIND_DUMP + _FIND_CLIENT)


def _place(spec: Spec) -> str:
    """Return the options that name server and account; a port that is given means that a socket is not."""
    options = [f"--host={spec['host']}", f"--port={spec.get('port', _STANDARD_PORT)}", f"--user={spec['user']}"]
    return shlex.join([*options, "--protocol=TCP"] if "port" in spec else options)


def _login(spec: Spec) -> str:
    """Return lines that make the given password count: one in the account's own `~/.my.cnf` would win over it."""
    return "HOME=/nonexistent; export HOME\n" if "password" in spec else ""


def _secrets(spec: Spec) -> Mapping[str, Secret]:
    return {"MYSQL_PWD": spec["password"]} if "password" in spec else {}


def _into(database: str) -> bytes:
    quoted = "`" + database.replace("`", "``") + "`"
    return f"CREATE DATABASE IF NOT EXISTS {quoted};\nUSE {quoted};\n".encode()
