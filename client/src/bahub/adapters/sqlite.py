"""One SQLite database (contract B 3.4, 3.7), while programs use it.

The copy is made under one read transaction: however much is written meanwhile, it is what the database was at one
moment, and the copying ends. It is checked before it is sent. It goes back beside the database, is checked there, and
is renamed over it; side files of the old database go first, since SQLite would apply them to the new one.
"""

from __future__ import annotations

import secrets
import shlex

from bahub.adapters import base
from bahub.adapters.base import Inspector, RestoreOptions, RestorePlan, Script, Spec
from bahub.adapters.beside import (
    FIND_DIRECTORY,
    FORGET,
    LIKE_BEFORE,
    PRIVATE_DIRECTORY,
    RECEIVE,
    RENAME,
    SEND_COPY,
    names,
)
from bahub.adapters.content.sqlite import Sqlite
from bahub.adapters.minimal import refuse_to
from bahub.adapters.needs import need

Definition = base.Definition(
    schema={
        "type": "object",
        "properties": {
            "path": {"type": "string", "pattern": r"^/[^\x00]*[^\x00/]$", "description": "the absolute path of a file"}
        },
        "required": ["path"],
        "additionalProperties": False,
    },
    example="""\
meta:
  type: sqlite
  access: main
  encryption: strong
  collection_id: 0f4fa7a4-6e6c-4d0c-9a52-4f3d2a0c5b6e
spec:
  path: /var/lib/app/app.sqlite3
""",
)

_PYTHON = """\
import sqlite3, sys
try:
    connection = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)
    for words in sys.argv[2:]:
        command, _, value = words.partition(" ")
        if command == ".timeout":
            connection.execute("PRAGMA busy_timeout = " + value)
        elif command == ".backup":
            copy = sqlite3.connect(value)
            connection.backup(copy)
            copy.close()
        else:
            for row in connection.execute(words):
                print(*row, sep="|")
except sqlite3.Error as error:
    sys.exit("Error: %s" % error)
"""
"""The part of the program's language that is used here, for places that have Python and no `sqlite3`."""
_NEED = (
    "if command -v python3 >/dev/null && ! command -v sqlite3 >/dev/null; then\n"
    f'ask() {{ python3 -c {shlex.quote(_PYTHON)} "$@"; }}\n'
    f"else\n{need('sqlite3', 'sqlite3')}"
    'ask() { sqlite3 -batch -bail -init /dev/null "$@"; }\nfi\n'
)
_CHECKED = """\
verdict=$(ask {file} 'PRAGMA integrity_check') || exit 1
[ "$verdict" = ok ] || {{ printf 'the copy is damaged: %s\\n' "$verdict" >&2; exit 1; }}
"""

_COPY = """\
[ -f "$path" ] || { printf '%s does not exist\\n' "$path" >&2; exit 1; }
cd "$directory" || exit 1
ask "$path" '.timeout 60000' BEGIN 'SELECT count(*) FROM sqlite_master' '.backup copy' >&3 || exit 1
"""

_NOT_IN_USE = """\
if [ -e "$target" ]; then
  for descriptor in /proc/[0-9]*/fd/*; do
    if [ "$descriptor" -ef "$target" ]; then
      process=${descriptor#/proc/}
      printf '%s is in use by the process %s: stop it first\\n' "$target" "${process%%/*}" >&2; exit 1
    fi
  done
  case "$(ask "$target" '.timeout 0' 'BEGIN EXCLUSIVE' ROLLBACK 2>&1)" in
    *locked*) printf '%s is locked by another process: stop it first\\n' "$target" >&2; exit 1 ;;
  esac
fi
"""
"""An idle program has the file open without a lock; one in another container cannot be seen, but may hold a lock."""


class Adapter:
    """Saves one database file."""

    def backup(self, spec: Spec) -> Script:
        """Return what makes the copy, checks it and sends it."""
        return Script(
            f"{_NEED}path={shlex.quote(spec['path'])}\n{PRIVATE_DIRECTORY}exec 3>/dev/null\n{_COPY}"
            f"{_CHECKED.format(file='copy')}{SEND_COPY}"
        )

    def restore(self, spec: Spec, options: RestoreOptions) -> RestorePlan:
        """Return how the file goes back; refused while another process holds the database."""
        refuse_to(options)
        files = names(spec["path"], secrets.token_hex(6))
        checked = _CHECKED.format(file='"$partial"')
        return RestorePlan(
            prepare=Script(f"{_NEED}{files}{FIND_DIRECTORY}{_NOT_IN_USE}"),
            feed=Script(f"{files}{RECEIVE}"),
            finish=Script(
                f"{_NEED}{files}{checked}{LIKE_BEFORE}{_NOT_IN_USE}"
                'rm -f -- "$target"-wal "$target"-shm "$target"-journal || exit 1\n'
                f"{RENAME}{FORGET}"
            ),
            undo=Script(f"{files}{FORGET}"),
            half_restored=False,
        )

    def inspector(self, spec: Spec) -> Inspector:
        """Return a look at header and length."""
        del spec
        return Sqlite()

    def check(self, spec: Spec) -> Script:
        """Return what looks for `sqlite3`."""
        del spec
        return Script(_NEED)
